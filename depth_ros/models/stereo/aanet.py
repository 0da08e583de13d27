# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""AANet and AANet+ (Xu and Zhang, CVPR 2020): correlations aggregated where they agree."""

from __future__ import annotations

from depth_ros.models.stereo.pair import PairNetwork, PairOptions
from depth_ros.models.stereo.pair_family import AS_PUBLISHED, Shape, pair_family
from depth_ros.models.stereo.preparation import Preparation
from depth_ros.models.weights.catalogue import Entry
from depth_ros.models.weights.source import ByHand
from depth_ros.types import DepthKind

PAGE = 'https://github.com/haofeixu/aanet/blob/master/MODEL_ZOO.md'


def build_aanet(name: str, options: PairOptions, shape: Shape = AS_PUBLISHED) -> PairNetwork:
    """Return AANet, with random weights."""
    return _build('aanet', shape)


def build_aanet_plus(name: str, options: PairOptions, shape: Shape = AS_PUBLISHED) -> PairNetwork:
    """Return AANet+, with random weights."""
    return _build('aanet_plus', shape)


def _build(variant: str, shape: Shape) -> PairNetwork:
    from depth_ros.models.networks import aanet
    from depth_ros.models.networks.shapes import reshaped

    config = reshaped(aanet.VARIANTS[variant], shape)
    return PairNetwork(aanet.build(config), config.max_disp)


def key(official: str) -> str | None:
    """Return the key of the network for an official one."""
    from depth_ros.models.networks import aanet

    return aanet.official_key(official)  # AANet+ has as many fusions


def _entry(title: str, file: str, data: str, multiple: int, parameters: int) -> Entry:
    return Entry(
        source=ByHand(PAGE, file),
        kind=DepthKind.DISPARITY,
        licence='Apache-2.0',
        commercial=True,
        description=f'{title} trained on {data}',
        size=0,
        multiple=multiple,
        parameters=parameters,
        views=2,
    )


SCENEFLOW = 'Scene Flow (rendered)'
DATA = {
    'sceneflow': SCENEFLOW,
    'kitti2012': f'{SCENEFLOW} and KITTI 2012',
    'kitti2015': f'{SCENEFLOW} and KITTI 2015',
}
FILES = {
    'sceneflow': ('aanet_sceneflow-5aa5a24e.pth', 'aanet+_sceneflow-d3e13ef0.pth'),
    'kitti2012': ('aanet_kitti12-e20bb24d.pth', 'aanet+_kitti12-56157808.pth'),
    'kitti2015': ('aanet_kitti15-fb2a0d23.pth', 'aanet+_kitti15-2075aea1.pth'),
}

AANET_FAMILY = pair_family(
    'aanet',
    {
        f'aanet-{data}': _entry('AANet', FILES[data][0], words, 48, 3_900_000)
        for data, words in DATA.items()
    },
    PairOptions,
    build_aanet,
    Preparation('imagenet', multiple=48, place='bottom left'),
    key,
)
AANET_PLUS_FAMILY = pair_family(
    'aanet_plus',
    {
        f'aanet-plus-{data}': _entry('AANet+', FILES[data][1], words, 96, 8_400_000)
        for data, words in DATA.items()
    },
    PairOptions,
    build_aanet_plus,
    Preparation('imagenet', multiple=96, place='bottom left'),
    key,
)
