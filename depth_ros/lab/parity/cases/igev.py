# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""IGEV-Stereo, IGEV++ and RT-IGEV++ against the authors' networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from depth_ros.lab.parity.case import Case
from depth_ros.lab.parity.compare import fill_network
from depth_ros.models.networks import igev_plusplus, igev_stereo, rt_igev_plusplus


def _load(network: Any, spec: Mapping[str, Any], _: Path) -> None:
    fill_network(network, replace(_case(network), key=network.config.network_key), spec)


def _run(network: Any, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    return {'disp': network(inputs['left'], inputs['right']).disparity}


def _case(build: Any) -> Case:
    return Case(build, _run, load=_load)


CASES = {
    'igev_stereo': _case(
        lambda config: igev_stereo.build(igev_stereo.IgevStereoConfig.from_official(config))
    ),
    'igev_plusplus': _case(
        lambda config: igev_plusplus.build(igev_plusplus.IgevPlusPlusConfig.from_official(config))
    ),
    'rt_igev_plusplus': _case(
        lambda config: rt_igev_plusplus.build(
            rt_igev_plusplus.RtIgevPlusPlusConfig.from_official(config)
        )
    ),
}
