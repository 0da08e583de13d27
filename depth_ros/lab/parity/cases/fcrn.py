# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""FCRN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from depth_ros.lab.parity.case import Case
from depth_ros.models.networks import fcrn


def _build(config: Mapping[str, Any]) -> fcrn.Fcrn:
    return fcrn.build(fcrn.from_official(config))


def _run(network: fcrn.Fcrn, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return network(inputs['image'])._asdict()


CASES = {'fcrn': Case(_build, _run, fcrn.official_key)}
