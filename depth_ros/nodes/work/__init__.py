# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The worker thread, the loading of a model, and the work on one frame."""
