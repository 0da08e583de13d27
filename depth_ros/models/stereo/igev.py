# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""IGEV-Stereo (Xu et al., CVPR 2023), IGEV++ and RT-IGEV++ (2024): a filtered volume, refined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from depth_ros.models.options import option
from depth_ros.models.stereo.pair import PairNetwork, RecurrentOptions
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

STEP = 32  # the range is a multiple of it
STEREO = 'https://drive.google.com/drive/folders/1SsMHRyN7808jDViMN1sKz1Nx-71JxUuz'
PLUS = 'https://drive.google.com/drive/folders/1eubNsu03MlhUfTtrbtN7bfAsl39s2ywJ'


@dataclass(frozen=True)
class IgevOptions(RecurrentOptions):
    """What the matching volume holds."""

    disparity_range: int = option(
        192, 'disparities of the matching volume, px of the input, a multiple of 32; refinement '
        'can go beyond it', range=(32, 1024),
    )  # fmt: skip

    def __post_init__(self) -> None:
        require_multiple('disparity_range', self.disparity_range, STEP)


def build_stereo(name: str, options: IgevOptions, shape: Shape = AS_PUBLISHED) -> PairNetwork:
    """Return IGEV-Stereo under the options, with random weights."""
    from depth_ros.models.networks import igev_stereo
    from depth_ros.models.networks.shapes import reshaped

    reach = range_of(options, shape.get('max_disp'))
    config = replace(reshaped(igev_stereo.STANDARD, shape), max_disp=reach)
    return _network(igev_stereo.build(config), options)


def build_plus(name: str, options: RecurrentOptions, shape: Shape = AS_PUBLISHED) -> PairNetwork:
    """Return IGEV++ under the options, with random weights; its volumes reach 768 px."""
    from depth_ros.models.networks import igev_plusplus
    from depth_ros.models.networks.shapes import reshaped

    return _network(igev_plusplus.build(reshaped(igev_plusplus.STANDARD, shape)), options)


def build_realtime(name: str, options: IgevOptions, shape: Shape = AS_PUBLISHED) -> PairNetwork:
    """Return RT-IGEV++ under the options, with random weights."""
    from depth_ros.models.networks import rt_igev_plusplus
    from depth_ros.models.networks.shapes import reshaped

    reach = range_of(options, shape.get('max_disp'))
    config = replace(reshaped(rt_igev_plusplus.STANDARD, shape), max_disp=reach)
    return _network(rt_igev_plusplus.build(config), options)


def _network(network: Any, options: RecurrentOptions) -> PairNetwork:
    network.iterations = options.iterations or network.iterations
    return PairNetwork(network)


def key_stereo(official: str) -> str | None:
    """Return the key of IGEV-Stereo for an official one."""
    from depth_ros.models.networks import igev_stereo

    return igev_stereo.STANDARD.network_key(official)


def key_plus(official: str) -> str | None:
    """Return the key of IGEV++ for an official one."""
    from depth_ros.models.networks import igev_plusplus

    return igev_plusplus.STANDARD.network_key(official)


def key_realtime(official: str) -> str | None:
    """Return the key of RT-IGEV++ for an official one."""
    from depth_ros.models.networks import rt_igev_plusplus

    return rt_igev_plusplus.STANDARD.network_key(official)


SCENEFLOW = 'Scene Flow (rendered)'
DATA = {
    'sceneflow': SCENEFLOW,
    'kitti2012': f'{SCENEFLOW} and KITTI 2012',
    'kitti2015': f'{SCENEFLOW} and KITTI 2015',
    'kitti': f'{SCENEFLOW} and KITTI 2012 and 2015',
    'middlebury': f'{SCENEFLOW}, other rendered sets and Middlebury',
    'eth3d': f'{SCENEFLOW}, other rendered sets and ETH3D',
}


def _entries(
    title: str, prefix: str, page: str, files: Mapping[str, str], parameters: int
) -> dict[str, Entry]:
    return {
        f'{prefix}-{data}': Entry(
            source=ByHand(page, file),
            kind=DepthKind.DISPARITY,
            licence='MIT',
            commercial=True,
            description=f'{title} trained on {DATA[data]}',
            size=0,
            multiple=STEP,
            parameters=parameters,
            views=2,
        )
        for data, file in files.items()
    }


PREPARATION = Preparation('bytes', multiple=STEP, replicate=True)

STEREO_FAMILY = pair_family(
    'igev_stereo',
    _entries(
        'IGEV-Stereo',
        'igev-stereo',
        STEREO,
        {
            'sceneflow': 'sceneflow/sceneflow.pth',
            'kitti2012': 'kitti/kitti12.pth',
            'kitti2015': 'kitti/kitti15.pth',
            'middlebury': 'middlebury/middlebury.pth',
            'eth3d': 'eth3d/eth3d.pth',
        },
        12_600_000,
    ),
    IgevOptions,
    build_stereo,
    PREPARATION,
    key_stereo,
)
PLUS_FAMILY = pair_family(
    'igev_plusplus',
    _entries(
        'IGEV++',
        'igev-plusplus',
        PLUS,
        {
            'sceneflow': 'igev_plusplus/sceneflow.pth',
            'kitti2012': 'igev_plusplus/kitti2012.pth',
            'kitti2015': 'igev_plusplus/kitti2015.pth',
            'middlebury': 'igev_plusplus/middlebury.pth',
            'eth3d': 'igev_plusplus/eth3d.pth',
        },
        14_500_000,
    ),
    RecurrentOptions,
    build_plus,
    PREPARATION,
    key_plus,
)
REALTIME_FAMILY = pair_family(
    'rt_igev_plusplus',
    _entries(
        'RT-IGEV++',
        'rt-igev-plusplus',
        PLUS,
        {'sceneflow': 'igev_rt/sceneflow.pth', 'kitti': 'igev_rt/kitti.pth'},
        4_200_000,
    ),
    IgevOptions,
    build_realtime,
    PREPARATION,
    key_realtime,
)
