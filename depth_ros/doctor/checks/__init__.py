# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One file per group of checks: a function from what was seen to findings."""
