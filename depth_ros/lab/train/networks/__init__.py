# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Train the classic networks: on labels, on stereo pairs alone, or on video alone."""
