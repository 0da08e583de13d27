# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""DenseDepth (2018): metres from a pretrained DenseNet and a plain decoder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from depth_ros.models.mono.network_adapter import UNIT, NetworkAdapter, Sizes, one_camera
from depth_ros.models.mono.network_model import Published, network_family
from depth_ros.models.protocol import ModelError
from depth_ros.models.weights.catalogue import Entry
from depth_ros.models.weights.forms import KERAS_MODEL
from depth_ros.models.weights.source import Url
from depth_ros.types import DepthKind

STORE = 'https://s3-eu-west-1.amazonaws.com/densedepth/'


class DenseDepth(NetworkAdapter):
    """The network predicts the largest depth over the depth, at half the size."""

    family = 'densedepth'
    module = 'densedepth'
    outputs = ('reciprocal',)
    tail = ('conv3',)
    pixels = UNIT

    def variant_config(self) -> Any:
        return self.networks().TRAINED

    @staticmethod
    def official_shape(
        name: str, shapes: Mapping[str, Any], notes: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return whether the encoder ends with a ReLU, which the layers of the file show."""
        del shapes
        if not notes.get(KERAS_MODEL):
            return {}  # weights alone: as the published code has it
        try:
            model = json.loads(notes[KERAS_MODEL])
            found = DenseDepth.networks().from_keras(model)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(
                f'the file of {name} does not describe a Keras model ({error}); download it again'
            ) from error
        return {'final_relu': bool(found.final_relu)}

    def values(self, outputs: Mapping[str, Any], height: int, width: int) -> Any:
        assert self.info.depth_range is not None
        reach = self.info.depth_range[1]
        return self.networks().metres(outputs['reciprocal'], height, width, reach)


def _published(place: str, sizes: Sizes, reach: float, focal: float, words: str) -> Published:
    entry = Entry(
        source=Url(f'{STORE}{place}.h5'),
        kind=DepthKind.METRIC,
        licence='GPL-3.0 for the code, not stated for the weights',
        commercial=False,
        description=words,
        size=sizes.width,
        multiple=32,
        parameters=42_700_000,
        depth_range=(reach / 100, reach),
        training_focal=focal,
        caution=one_camera(sizes, focal),
    )
    return Published(entry, sizes, place)


FAMILY = network_family(
    DenseDepth,
    {
        'densedepth-nyu': _published('nyu', Sizes(640, 480), 10.0, 518.9, 'metres in rooms'),
        # 1242 pixels became 1280.
        'densedepth-kitti': _published('kitti', Sizes(1280, 384), 80.0, 743.6, 'metres on roads'),
    },
)
