# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Recordings through the pipeline of the nodes: topics, frames, one bag, many bags, exports."""
