# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""LEAStereo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from depth_ros.lab.parity.case import Case
from depth_ros.models.networks import leastereo


def _build(config: Mapping[str, Any]) -> leastereo.LEAStereo:
    return leastereo.build(leastereo.from_official(config)).eval()


def _run(network: leastereo.LEAStereo, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    return {'disp': network(inputs['left'], inputs['right']).disparity.squeeze(1)}


CASES = {'leastereo': Case(_build, _run, leastereo.official_key)}
