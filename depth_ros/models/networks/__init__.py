# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Networks of our own, one file each. They import torch; import them when a model is made."""
