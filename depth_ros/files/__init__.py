# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What is read from and written to disk: calibrations, clouds, images."""
