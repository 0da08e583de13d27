# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The network that ships with the package."""
