# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""DenseDepth, in its three variants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from depth_ros.lab.parity.case import Case
from depth_ros.models.networks import densedepth

VARIANTS = {
    'pred_align_corners': densedepth.TRAINED,
    'pred_half_pixel': densedepth.CURRENT,
    'pred_align_corners_no_final_relu': densedepth.OLD_KERAS,
}


def _build(config: Mapping[str, Any]) -> densedepth.DenseDepth:
    return densedepth.build(densedepth.from_official(config))


def _run(network: densedepth.DenseDepth, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    outputs = {}
    for name, config in VARIANTS.items():
        network.config = config  # the variants have the same weights
        outputs[name] = network(inputs['image']).reciprocal
    return outputs


CASES = {'densedepth': Case(_build, _run, densedepth.official_key)}
