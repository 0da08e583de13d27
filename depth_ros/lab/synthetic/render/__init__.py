# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Rays, hits and shading: from a scene to an image with exact depth."""
