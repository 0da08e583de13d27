# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Train any network: on labels, on stereo pairs alone, on video alone, on several views."""
