# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A camera that plays rendered frames, and a recorder of what the nodes publish."""
