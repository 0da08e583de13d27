# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""LightStereo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from depth_ros.lab.parity.case import Case
from depth_ros.models.networks import lightstereo


def _build(config: Mapping[str, Any]) -> lightstereo.LightStereo:
    return lightstereo.build(lightstereo.from_official(config)).eval()


def _run(network: lightstereo.LightStereo, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    return {'disp': network(inputs['left'], inputs['right']).disparity}


CASES = {'lightstereo': Case(_build, _run, lightstereo.official_key)}
