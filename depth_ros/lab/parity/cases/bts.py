# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""BTS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from depth_ros.lab.parity.case import Case
from depth_ros.models.networks import bts


def _build(config: Mapping[str, Any]) -> bts.Bts:
    return bts.build(bts.from_official(config))


def _run(network: bts.Bts, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return network(inputs['image'], inputs['focal'])._asdict()


CASES = {'bts': Case(_build, _run, bts.official_key)}
