# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Procedural textures, and the materials that use them."""
