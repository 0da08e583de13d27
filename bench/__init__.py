# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Measurements, one file each; run them as scripts or through scripts/bench."""
