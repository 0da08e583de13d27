# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""LightStereo (Guo et al., ICRA 2025): 2D aggregation, light enough for small machines."""

from __future__ import annotations

from depth_ros.models.stereo.pair import PairNetwork, PairOptions
from depth_ros.models.stereo.pair_family import AS_PUBLISHED, Shape, pair_family
from depth_ros.models.stereo.preparation import Preparation
from depth_ros.models.weights.catalogue import Entry
from depth_ros.models.weights.source import Url
from depth_ros.types import DepthKind

FOLDER = 'https://huggingface.co/XiandaGuo/OpenStereo/resolve/main/checkpoint/LightStereo/'
LICENCE = 'not stated; the code is for academic use only'
SHA256 = {
    'LightStereo-S-KITTI.ckpt': '3d768e0344c2b8bfacb8f7f27cc647cd338e5ba93ec66d944a9a73fd63ec9b2a'
}


def build(name: str, options: PairOptions, shape: Shape = AS_PUBLISHED) -> PairNetwork:
    """Return the network of a name, with random weights."""
    from depth_ros.models.networks import lightstereo
    from depth_ros.models.networks.shapes import reshaped

    size = name.split('-')[1]
    config = reshaped(lightstereo.VARIANTS[f'lightstereo_{size}'], shape)
    return PairNetwork(lightstereo.build(config), config.maxdisp)


def _entry(size: str, data: str, words: str, parameters: int) -> Entry:
    file = f'LightStereo-{size.upper()}-{data}.ckpt'
    return Entry(
        source=Url(f'{FOLDER}{file}', SHA256.get(file, '')),
        kind=DepthKind.DISPARITY,
        licence=LICENCE,
        commercial=False,
        description=f'LightStereo-{size.upper()} trained on {words}',
        size=0,
        multiple=32,
        parameters=parameters,
        views=2,
    )


SIZES = {'s': 3_400_000, 'm': 7_600_000, 'l': 24_300_000}
SCENEFLOW = 'Scene Flow (rendered)'
DATA = {'SceneFlow': SCENEFLOW, 'KITTI': f'{SCENEFLOW} and KITTI 2012 and 2015'}
ENTRIES = {
    f'lightstereo-{size}-{data.lower()}': _entry(size, data, words, parameters)
    for size, parameters in SIZES.items()
    for data, words in DATA.items()
}

FAMILY = pair_family(
    'lightstereo',
    ENTRIES,
    PairOptions,
    build,
    Preparation('imagenet', multiple=32, place='bottom left', replicate=True),
)
