# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""PSMNet, with both conventions of enlargement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from depth_ros.lab.parity.case import Case
from depth_ros.models.networks import psmnet


def _build(config: Mapping[str, Any]) -> psmnet.PSMNet:
    return psmnet.build(psmnet.from_official(config)).eval()


def _run(network: psmnet.PSMNet, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    outputs = {}
    for name, corners in (('false', False), ('true', True)):
        network.config = replace(network.config, align_corners=corners)
        outputs[f'disp_align_corners_{name}'] = network(inputs['left'], inputs['right']).disparity
    return outputs


CASES = {'psmnet': Case(_build, _run, psmnet.official_key)}
