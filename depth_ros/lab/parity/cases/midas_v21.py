# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""MiDaS v2.1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from depth_ros.lab.parity.case import Case
from depth_ros.models.networks import midas_v21


def _build(config: Mapping[str, Any]) -> midas_v21.Midas:
    return midas_v21.build(midas_v21.from_official(config))


def _run(network: midas_v21.Midas, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return network(inputs['image'])._asdict()


def _key(config: midas_v21.MidasConfig) -> Callable[[str], str | None]:
    return lambda key: midas_v21.official_key(key, config)


CASES = {
    'midas_v21': Case(_build, _run, _key(midas_v21.LARGE)),
    'midas_v21_small': Case(_build, _run, _key(midas_v21.SMALL)),
}
