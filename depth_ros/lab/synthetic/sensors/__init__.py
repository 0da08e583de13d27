# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Models of cameras and LiDARs."""
