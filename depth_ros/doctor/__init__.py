# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Look at a running graph and state what is wrong with it; each check is a pure function."""
