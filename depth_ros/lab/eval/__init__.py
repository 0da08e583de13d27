# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Measuring depth: metrics, alignments, protocols, data sets, poses and clouds."""
