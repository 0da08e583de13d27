# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What the seven numbers per place mean that the built-in network predicts at half its input's size.

Four log depths, one for each of 2x2 pixels, in metres for the canonical focal length; the log of
their expected error; log odds of sky; log odds of bare ground.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from depth_ros.models.networks.builtin.scale import LOG_DEPTH_BIAS
from depth_ros.types import FloatImage

DEPTHS = 4
ERROR, SKY, BARE = DEPTHS, DEPTHS + 1, DEPTHS + 2
CHANNELS = DEPTHS + 3
LOG_ERROR = (-6.0, 1.0)  # the range of the log of the expected error
LOG_ERROR_BIAS = -1.0  # where an untrained network starts


class Answer(NamedTuple):
    """Log depth at the input's size, the rest at half of it; all float32, (height, width)."""

    log_depth: FloatImage  # metres for the canonical focal length
    log_error: FloatImage
    sky: FloatImage  # log odds
    bare: FloatImage  # log odds


def read_answer(output: FloatImage) -> Answer:
    """Return what an output (7, height, width) of any runtime says."""
    _, height, width = output.shape
    depths = output[:DEPTHS].reshape(2, 2, height, width).transpose(2, 0, 3, 1)
    return Answer(
        depths.reshape(2 * height, 2 * width) + np.float32(LOG_DEPTH_BIAS),
        np.clip(output[ERROR] + np.float32(LOG_ERROR_BIAS), *LOG_ERROR),
        output[SKY],
        output[BARE],
    )
