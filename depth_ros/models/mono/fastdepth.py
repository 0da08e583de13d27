# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""FastDepth (2019): metres in rooms from a MobileNet, for small machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from depth_ros.models.mono.network_adapter import UNIT, NetworkAdapter, Sizes, one_camera
from depth_ros.models.mono.network_model import Published, network_family
from depth_ros.models.weights.catalogue import Entry
from depth_ros.models.weights.source import ByHand
from depth_ros.types import DepthKind

PAGE = 'http://datasets.lids.mit.edu/fastdepth/results/'
SIDE = 224
# 640x480 became 333x250, of which 304x228 were cut out and squeezed into 224x224.
SIZES = Sizes(SIDE, SIDE, squeeze=304 / 228)
FOCAL = 229.9  # pixels of that input, the mean of both axes


class FastDepth(NetworkAdapter):
    """Images are squeezed as in training: a pixel of the input is 4/3 as wide as high."""

    family = 'fastdepth'
    module = 'fastdepth'
    tail = ('decode_conv6',)
    pixels = UNIT

    def variant_config(self) -> Any:
        networks = self.networks()
        return networks.SKIP_CONCAT if self.variant == 'concat' else networks.SKIP_ADD

    @staticmethod
    def official_shape(
        name: str, shapes: Mapping[str, Any], notes: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the widths of a pruned network, which only its weights show."""
        del notes
        if not name.endswith('pruned'):
            return {}
        shapes = {key.removeprefix('module.'): value for key, value in shapes.items()}
        found = FastDepth.networks().from_shapes(shapes)
        return {'encoder': list(found.encoder), 'decoder': list(found.decoder)}

    def values(self, outputs: Mapping[str, Any], height: int, width: int) -> Any:
        return self.networks().metres(outputs['depth'], height, width)


def _published(file: str, variant: str, parameters: int, words: str) -> Published:
    entry = Entry(
        source=ByHand(PAGE, f'{file}.pth.tar', flags='--unsafe-pickle'),
        kind=DepthKind.METRIC,
        licence='MIT',
        commercial=True,
        description=words,
        size=SIDE,
        multiple=32,
        parameters=parameters,
        depth_range=(0.0, 10.0),
        training_focal=FOCAL,
        caution=one_camera(SIZES, FOCAL),
    )
    return Published(entry, SIZES, variant)


FAMILY = network_family(
    FastDepth,
    {
        'fastdepth': _published(
            'mobilenet-nnconv5dw-skipadd', 'add', 3_960_000, 'metres in rooms, small'
        ),
        'fastdepth-skip-concat': _published(
            'mobilenet-nnconv5dw-skipconcat', 'concat', 4_020_000, 'the same, skips concatenated'
        ),
        'fastdepth-pruned': _published(
            'mobilenet-nnconv5dw-skipadd-pruned', 'add', 1_340_000, 'metres in rooms, smallest'
        ),
    },
    pickled=True,
)
