# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Node parameters: what is declared, and how values are checked."""
