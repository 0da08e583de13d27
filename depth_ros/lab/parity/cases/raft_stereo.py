# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""RAFT-Stereo against the authors' network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from depth_ros.lab.parity.case import Case
from depth_ros.lab.parity.compare import fill_network
from depth_ros.models.networks.raft_stereo import RaftStereoConfig, build


def _build(config: Mapping[str, Any]) -> Any:
    return build(RaftStereoConfig.from_official(config))


def _load(network: Any, spec: Mapping[str, Any], _: Path) -> None:
    fill_network(network, replace(CASE, key=network.config.network_key), spec)


def _run(network: Any, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    found = network(inputs['left'], inputs['right'])
    vertical = torch.zeros_like(found.coarse)  # the authors' flow has it, always 0
    return {'flow_low': torch.cat([-found.coarse, vertical], 1), 'flow_up': -found.disparity}


CASE = Case(_build, _run, load=_load)
CASES = {'raft_stereo': CASE}
