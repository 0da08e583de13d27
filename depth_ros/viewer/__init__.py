# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images, depth and clouds in a browser: what `depth_ros view` shows, drawn by viser."""
