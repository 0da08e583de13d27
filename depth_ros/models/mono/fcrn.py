# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""FCRN (2016): metres in rooms, the first fully convolutional residual network for depth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from depth_ros.models.mono.network_adapter import BYTES, NetworkAdapter, Sizes, one_camera
from depth_ros.models.mono.network_model import Published, network_family
from depth_ros.models.weights.catalogue import Entry
from depth_ros.models.weights.source import Url
from depth_ros.types import DepthKind

# The same weights are offered as NYU_ResNet-UpProj.npy, which `convert` reads as well.
CHECKPOINT = 'http://campar.in.tum.de/files/rupprecht/depthpred/NYU_FCRN-checkpoint.zip'
SIZES = Sizes(304, 228, 1, 'fixed')
FOCAL = 259.4  # pixels: half of NYU's, whose centre was cut out


class Fcrn(NetworkAdapter):
    """
    Every image is squeezed into 304x228 pixels.

    The answer, 160x128, has learned to cover that image although the sizes do not match; at
    another size it would not.
    """

    family = 'fcrn'
    module = 'fcrn'
    tail = ('ConvPred',)
    pixels = BYTES
    multiple = 1
    rule = 'fixed'

    def variant_config(self) -> Any:
        return self.networks().NYU

    def values(self, outputs: Mapping[str, Any], height: int, width: int) -> Any:
        return self.networks().metres(outputs['depth'], height, width)


FAMILY = network_family(
    Fcrn,
    {
        'fcrn-nyu': Published(
            Entry(
                source=Url(CHECKPOINT),
                kind=DepthKind.METRIC,
                licence='BSD-2-Clause',
                commercial=True,
                description='metres in rooms',
                size=304,
                multiple=1,
                parameters=63_600_000,
                depth_range=(0.0, 10.0),
                training_focal=FOCAL,
                caution=one_camera(SIZES, FOCAL),
            ),
            SIZES,
        )
    },
)
