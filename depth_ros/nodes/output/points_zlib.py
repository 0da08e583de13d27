# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`~/points/zlib`: the cloud for consumers with the point_cloud_transport zlib."""

from depth_ros.nodes.output.transported_points import transported

OUTPUT = transported('zlib')
