# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""AdaBins (2020): metres as a mean over depths that the image itself gives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from depth_ros.models.mono.network_adapter import NetworkAdapter, Sizes, one_camera
from depth_ros.models.mono.network_model import Published, network_family
from depth_ros.models.protocol import ModelError
from depth_ros.models.weights.catalogue import Entry
from depth_ros.models.weights.source import ByHand
from depth_ros.types import DepthKind

PAGE = 'https://drive.google.com/drive/folders/1nYyaQXOBjNdUJDsmJpcRpu6oE55aQoLA'
SQUARE = 32  # pixels of the input per token and side
FEWEST, MOST = 129, 500  # tokens: 128 are queries, and there are 500 positions


class AdaBins(NetworkAdapter):
    """The input holds 129 to 500 squares of 32x32 pixels."""

    family = 'adabins'
    module = 'adabins'

    def variant_config(self) -> Any:
        networks = self.networks()
        return networks.KITTI if self.variant == 'kitti' else networks.NYU

    def input_size(self, height: int, width: int, long_side: int) -> tuple[int, int]:
        size = super().input_size(height, width, long_side)
        if FEWEST <= _squares(size) <= MOST:
            return size
        if long_side:
            raise ModelError(
                f'input_size {long_side} makes {size[1]}x{size[0]} of this image, '
                f'{_squares(size)} squares of 32x32 pixels, expected {FEWEST} to {MOST}; '
                'set input_size to 0, or another one'
            )
        return _fitting(height / width)

    def values(self, outputs: Mapping[str, Any], height: int, width: int) -> Any:
        return self.networks().metres(outputs['depth'], height, width, self.config())


def _squares(size: tuple[int, int]) -> int:
    return (size[0] // SQUARE) * (size[1] // SQUARE)


def _fitting(aspect: float) -> tuple[int, int]:
    """Return the allowed size nearest to an aspect (height / width); the largest such one."""
    sizes = [
        (high, wide)
        for high in range(1, MOST + 1)
        for wide in range(1, MOST // high + 1)
        if high * wide >= FEWEST
    ]
    high, wide = min(sizes, key=lambda s: (abs(math.log(s[0] / s[1] / aspect)), -s[0] * s[1]))
    return high * SQUARE, wide * SQUARE


def _published(place: str, sizes: Sizes, reach: float, focal: float, words: str) -> Published:
    entry = Entry(
        source=ByHand(PAGE, f'AdaBins_{place}.pt'),
        kind=DepthKind.METRIC,
        licence='GPL-3.0 for the code, not stated for the weights',
        commercial=False,
        description=words,
        size=sizes.width,
        multiple=SQUARE,
        parameters=78_300_000,
        depth_range=(1e-3, reach),
        training_focal=focal,
        caution=one_camera(sizes, focal),
    )
    return Published(entry, sizes, place)


FAMILY = network_family(
    AdaBins,
    {
        # Trained on crops at full resolution, so the focal length is that of the camera itself.
        'adabins-nyu': _published('nyu', Sizes(640, 480), 10.0, 518.9, 'metres in rooms'),
        'adabins-kitti': _published('kitti', Sizes(1216, 352), 80.0, 721.5, 'metres on roads'),
    },
)
