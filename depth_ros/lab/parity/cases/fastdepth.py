# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""FastDepth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from depth_ros.lab.parity.case import Case
from depth_ros.models.networks import fastdepth


def _build(config: Mapping[str, Any]) -> fastdepth.FastDepth:
    return fastdepth.build(fastdepth.from_official(config))


def _run(network: fastdepth.FastDepth, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return network(inputs['image'])._asdict()


CASES = {'fastdepth': Case(_build, _run, fastdepth.official_key)}
