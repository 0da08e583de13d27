# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Compare re-implemented networks with stored outputs of the authors' code."""
