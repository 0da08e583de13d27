# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""BTS (2019): metres, with small planes that guide the decoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from depth_ros.models.mono.network_adapter import NetworkAdapter, Sizes, one_camera
from depth_ros.models.mono.network_model import Published, network_family
from depth_ros.models.weights.catalogue import Entry
from depth_ros.models.weights.source import Url
from depth_ros.types import DepthKind

STORE = 'https://cogaplex-bts.s3.ap-northeast-2.amazonaws.com/'
KITTI_FOCAL = 715.0873  # pixels of the input, that the network's depth is for
NYU_FOCAL = 518.9


class Bts(NetworkAdapter):
    """
    Depth of a network trained on KITTI is proportional to the focal length.

    The network itself is run for its own focal length, and the factor is applied to the metres:
    in half precision a focal length would be rounded.
    """

    family = 'bts'
    module = 'bts'
    outputs = ('final_depth',)
    tail = ('decoder.get_depth',)

    def variant_config(self) -> Any:
        return replace(self.networks().VARIANTS[self.variant], focal=None)

    def training_focal(self, wanted: float) -> float:
        always = self.variant.endswith('_kitti') and not wanted
        return super().training_focal(-1.0 if always else wanted)

    def values(self, outputs: Mapping[str, Any], height: int, width: int) -> Any:
        return self.networks().metres(outputs['final_depth'], height, width)


def _published(encoder: str, place: str, parameters: int) -> Published:
    on_roads = place == 'kitti'
    sizes = Sizes(1216, 352) if on_roads else Sizes(640, 480)
    file = f'bts_{"eigen" if on_roads else "nyu"}_v2_pytorch_{encoder}.zip'
    rule = 'metres on roads, times focal length / 715.09' if on_roads else 'metres in rooms'
    entry = Entry(
        source=Url(STORE + file),
        kind=DepthKind.METRIC,
        licence='GPL-3.0 for the code, not stated for the weights',
        commercial=False,
        description=rule,
        size=sizes.width,
        multiple=32,
        parameters=parameters,
        depth_range=(0.0, 80.0 if on_roads else 10.0),
        training_focal=KITTI_FOCAL if on_roads else NYU_FOCAL,
        caution='' if on_roads else one_camera(sizes, NYU_FOCAL),
    )
    return Published(entry, sizes, f'{encoder}_{place}')


ENCODERS = {
    'densenet121': 21_200_000,
    'densenet161': 47_000_000,
    'resnet50': 47_500_000,
    'resnet101': 66_500_000,
    'resnext101': 110_700_000,
}
FAMILY = network_family(
    Bts,
    {
        f'bts-{encoder}-{place}': _published(encoder, place, parameters)
        for encoder, parameters in ENCODERS.items()
        for place in ('nyu', 'kitti')
    },
)
