# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where weights come from, and what they must be before they are used."""
