# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth Anything 3 (Lin et al., 2025): the networks and the geometry around them."""
