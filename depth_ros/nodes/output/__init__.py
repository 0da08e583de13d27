# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Publishers: one file per group of outputs."""
