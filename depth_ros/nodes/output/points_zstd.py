# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`~/points/zstd`: the cloud for consumers with the point_cloud_transport zstd."""

from depth_ros.nodes.output.transported_points import transported

OUTPUT = transported('zstd')
