# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Monodepth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from depth_ros.lab.parity.case import Case
from depth_ros.models.networks import monodepth


def _build(config: Mapping[str, Any]) -> monodepth.Monodepth:
    return monodepth.build(monodepth.from_official(config))


def _run(network: monodepth.Monodepth, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return network(inputs['image'])._asdict()


CASES = {'monodepth': Case(_build, _run, monodepth.official_key)}
