# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Points of PointCloud2 messages."""

import numpy as np

from depth_ros.messages.cloud import cloud_to_points


def xyz(msg):
    points = cloud_to_points(msg)
    return np.stack([points[name] for name in 'xyz'], axis=-1)
