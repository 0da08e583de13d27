# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Eigen et al. (2014): where depth from one image by a network begins; trained here only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from depth_ros.models.mono.network_adapter import UNIT, NetworkAdapter
from depth_ros.models.mono.network_model import network_family


class Eigen(NetworkAdapter):
    """The size of the image is part of the network; no weights were published."""

    family = 'eigen2014'
    module = 'eigen2014'
    outputs = ('log_depth',)
    tail = ('fine.conv3',)
    pixels = UNIT
    resizable = False
    multiple = 1
    rule = 'fixed'

    def variant_config(self) -> Any:
        return replace(self.networks().NYU, height=self.sizes.height, width=self.sizes.width)

    @classmethod
    def official_key(cls, key: str) -> str | None:
        return key

    def values(self, outputs: Mapping[str, Any], height: int, width: int) -> Any:
        return self.networks().metres(outputs['log_depth'], height, width)


FAMILY = network_family(Eigen, {})
