# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Hours with a node under what robots do to it; run through scripts/soak."""
