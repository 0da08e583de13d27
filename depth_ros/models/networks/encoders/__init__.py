# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Image encoders that several networks share.

Each `forward` returns one feature map per scale, from half the size of the image to 1/32.
"""
