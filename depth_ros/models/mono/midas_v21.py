# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""MiDaS v2.1 (2020): relative inverse depth of any image, with the first small network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from depth_ros.models.engine import images as preprocess
from depth_ros.models.mono.network_adapter import NetworkAdapter, Sizes
from depth_ros.models.mono.network_model import Published, network_family
from depth_ros.models.weights.catalogue import Entry
from depth_ros.models.weights.source import Url
from depth_ros.types import DepthKind

RELEASE = 'https://github.com/isl-org/MiDaS/releases/download/v2_1/'


class Midas(NetworkAdapter):
    """The long side is kept, the image is upsampled with cubics, as published."""

    family = 'midas_v21'
    module = 'midas_v21'
    outputs = ('inverse_depth',)
    tail = ('scratch.output_conv.4',)
    resample = preprocess.BICUBIC
    rule = 'long'

    def variant_config(self) -> Any:
        return self.networks().LARGE

    @classmethod
    def official_key(cls, key: str) -> str | None:
        networks = cls.networks()
        found: str | None = networks.official_key(key, networks.LARGE)
        return found

    def values(self, outputs: Mapping[str, Any], height: int, width: int) -> Any:
        size = (height, width)
        return preprocess.upsample(outputs['inverse_depth'], size, 'bicubic', False)


class MidasSmall(Midas):
    """The network for phones, on an EfficientNet-Lite."""

    family: ClassVar[str] = 'midas_v21_small'

    def variant_config(self) -> Any:
        return self.networks().SMALL

    @classmethod
    def official_key(cls, key: str) -> str | None:
        networks = cls.networks()
        found: str | None = networks.official_key(key, networks.SMALL)
        return found


def _published(file: str, side: int, parameters: int, words: str) -> Published:
    entry = Entry(
        source=Url(RELEASE + file),
        kind=DepthKind.AFFINE_INVERSE,
        licence='MIT',
        commercial=True,
        description=words,
        size=side,
        multiple=32,
        parameters=parameters,
    )
    return Published(entry, Sizes(side, side, rule='long'))


FAMILY = network_family(
    Midas,
    {
        'midas-v21-large': _published(
            'midas_v21_384.pt', 384, 104_200_000, 'relative, any scene; the ResNeXt of 2020'
        ),
    },
)
SMALL_FAMILY = network_family(
    MidasSmall,
    {
        'midas-v21-small': _published(
            'midas_v21_small_256.pt', 256, 16_600_000, 'relative, any scene; fast on a CPU'
        ),
    },
)
