# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What the built-in network counts depth in.

The same object at twice the distance through a lens twice as long makes the same image, so depth
is counted for one canonical focal length, and as a logarithm that starts at a few metres.
"""

from __future__ import annotations

import math

from depth_ros.types import Camera

CANONICAL_FOCAL = 256.0  # pixels of the network's input
LOG_DEPTH_BIAS = 1.0  # e metres: where an untrained network starts


def log_focal(camera: Camera) -> float:
    """Return the log of the focal length over the canonical one."""
    return math.log(math.sqrt(camera.fx * camera.fy) / CANONICAL_FOCAL)
