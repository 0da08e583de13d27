# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Pure functions on cameras, lenses, disparity, depth values and edges: NumPy and OpenCV only."""
