# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Random and damaged inputs, by the million; run through scripts/fuzz, never in CI."""
