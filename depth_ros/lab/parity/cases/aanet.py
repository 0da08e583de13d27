# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""AANet and AANet+."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from depth_ros.lab.parity.case import Case
from depth_ros.models.networks import aanet


def _build(config: Mapping[str, Any]) -> aanet.AANet:
    return aanet.build(aanet.from_official(config)).eval()


def _run(network: aanet.AANet, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    stages = network(inputs['left'], inputs['right']).stages
    return {f'disp_level{level}': stage.squeeze(1) for level, stage in enumerate(stages)}


CASES = {'aanet': Case(_build, _run)}
