# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""PSMNet (Chang and Chen, CVPR 2018): a pooling pyramid and stacked 3D hourglasses."""

from __future__ import annotations

from dataclasses import dataclass, replace

from depth_ros.models.options import option
from depth_ros.models.stereo.pair import PairNetwork, PairOptions
from depth_ros.models.stereo.pair_family import (
    AS_PUBLISHED,
    Shape,
    pair_family,
    range_of,
    require_multiple,
)
from depth_ros.models.stereo.preparation import Preparation
from depth_ros.models.weights.catalogue import Entry
from depth_ros.models.weights.source import ByHand
from depth_ros.types import DepthKind

STEP = 16  # the range is a multiple of it
PAGE = 'https://github.com/JiaRenChang/PSMNet#pretrained-model'
OLD = ('psmnet-sceneflow-2018', 'psmnet-kitti2012', 'psmnet-kitti2015')
# By the authors' page: the old weights for Scene Flow predict too little with newer PyTorch.
FACTOR = {'psmnet-sceneflow-2018': 1.17}


@dataclass(frozen=True)
class PsmNetOptions(PairOptions):
    """What is searched."""

    disparity_range: int = option(
        192, 'disparities that are searched, px of the input, a multiple of 16; time and memory '
        'grow with it', range=(16, 1024),
    )  # fmt: skip

    def __post_init__(self) -> None:
        require_multiple('disparity_range', self.disparity_range, STEP)


def build(name: str, options: PsmNetOptions, shape: Shape = AS_PUBLISHED) -> PairNetwork:
    """Return the network of a name under the options, with random weights."""
    from depth_ros.models.networks import psmnet
    from depth_ros.models.networks.shapes import reshaped

    config = psmnet.VARIANTS['psmnet_2018' if name in OLD else 'psmnet']
    reach = range_of(options, shape.get('maxdisp'))
    network = psmnet.build(replace(reshaped(config, shape), maxdisp=reach))
    return PairNetwork(network, reach, FACTOR.get(name, 1.0))


def _entry(file: str, data: str) -> Entry:
    return Entry(
        source=ByHand(PAGE, file),
        kind=DepthKind.DISPARITY,
        licence='MIT',
        commercial=True,
        description=f'PSMNet trained on {data}',
        size=0,
        multiple=16,
        parameters=5_200_000,
        views=2,
    )


SCENEFLOW = 'Scene Flow (rendered)'
ENTRIES = {
    'psmnet-sceneflow': _entry('pretrained_sceneflow_new.tar', f'{SCENEFLOW}, weights of 2021'),
    'psmnet-sceneflow-2018': _entry('pretrained_sceneflow.tar', f'{SCENEFLOW}, weights of 2018'),
    'psmnet-kitti2012': _entry('pretrained_model_KITTI2012.tar', f'{SCENEFLOW} and KITTI 2012'),
    'psmnet-kitti2015': _entry('pretrained_model_KITTI2015.tar', f'{SCENEFLOW} and KITTI 2015'),
}

FAMILY = pair_family(
    'psmnet',
    ENTRIES,
    PsmNetOptions,
    build,
    Preparation('imagenet', multiple=STEP, place='bottom left', smallest=256),
)
