# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""rosbag2 recordings: read (also damaged ones), written and resumed without ROS."""
