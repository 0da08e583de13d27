# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Sources of metres, one file each: pure functions from arrays to points of an image."""
