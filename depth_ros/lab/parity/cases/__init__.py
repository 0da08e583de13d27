# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One file per network family; each defines CASES, a mapping from golden name to Case."""
