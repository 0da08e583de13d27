# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Monodepth2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from depth_ros.lab.parity.case import Case
from depth_ros.models.networks import monodepth2


def _build(config: Mapping[str, Any]) -> monodepth2.Monodepth2:
    return monodepth2.build(monodepth2.from_official(config))


def _run(network: monodepth2.Monodepth2, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    result = network(inputs['image'])
    return {
        **result._asdict(),
        'scaled_disp': monodepth2.inverse_depth(result.disp0, network.config),
        'depth': monodepth2.depth(result.disp0, network.config),
    }


CASES = {'monodepth2': Case(_build, _run, monodepth2.official_key)}
