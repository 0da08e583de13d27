# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""AdaBins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from depth_ros.lab.parity.case import Case
from depth_ros.models.networks import adabins


def _build(config: Mapping[str, Any]) -> adabins.AdaBins:
    return adabins.build(adabins.from_official(config))


def _run(network: adabins.AdaBins, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return network(inputs['image'])._asdict()


CASES = {'adabins': Case(_build, _run, adabins.official_key)}
