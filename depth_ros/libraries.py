# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The one decision between a ROS library and its stand-in."""

from __future__ import annotations


def report() -> dict[str, str]:
    """Return 'ros' or 'own' for each capability."""
    return dict.fromkeys(('cv_bridge', 'message_filters', 'sensor_msgs_py', 'diagnostic_msgs', 'tf2_ros'), 'own')
