# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Model families that take a rectified pair; one file per family."""
