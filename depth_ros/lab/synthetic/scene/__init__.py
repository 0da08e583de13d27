# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Scenes as tables of solids, and the worlds that are built from them."""
