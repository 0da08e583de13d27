# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What is used at a desk and never on a robot: rendering, evaluation, training, parity."""
