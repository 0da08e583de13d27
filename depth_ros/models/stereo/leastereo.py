# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""LEAStereo (Cheng et al., NeurIPS 2020): 3D aggregation with a searched architecture."""

from __future__ import annotations

from dataclasses import dataclass, replace

from depth_ros.models.options import option
from depth_ros.models.stereo.pair import PairNetwork, PairOptions
from depth_ros.models.stereo.pair_family import AS_PUBLISHED, Shape, pair_family, require_multiple
from depth_ros.models.stereo.preparation import Preparation
from depth_ros.models.weights.catalogue import Entry
from depth_ros.models.weights.source import Url
from depth_ros.types import DepthKind

STEP = 24  # the range is a multiple of it
REPOSITORY = (
    'https://github.com/XuelianCheng/LEAStereo/raw/b2921eaf2554901eab5e2c0e46b5763274a78400/run/'
)


@dataclass(frozen=True)
class LeaStereoOptions(PairOptions):
    """What is searched."""

    disparity_range: int = option(
        0, 'disparities that are searched, px of the input, a multiple of 24; 0 is as published; '
        'time and memory grow with it', range=(0, 1200),
    )  # fmt: skip

    def __post_init__(self) -> None:
        require_multiple('disparity_range', self.disparity_range, STEP)


def build(name: str, options: LeaStereoOptions, shape: Shape = AS_PUBLISHED) -> PairNetwork:
    """Return the network of a name under the options, with random weights."""
    from depth_ros.models.networks import leastereo
    from depth_ros.models.networks.shapes import reshaped

    wide = name == 'leastereo-middlebury'
    config = leastereo.VARIANTS['leastereo_middlebury' if wide else 'leastereo']
    config = reshaped(config, shape)
    reach = options.disparity_range or config.maxdisp
    return PairNetwork(leastereo.build(replace(config, maxdisp=reach)), reach)


def _entry(file: str, data: str, reach: int = 192) -> Entry:
    return Entry(
        source=Url(f'{REPOSITORY}{file}'),
        kind=DepthKind.DISPARITY,
        licence='MIT',
        commercial=True,
        description=f'LEAStereo trained on {data}, {reach} disparities',
        size=0,
        multiple=STEP,
        parameters=1_800_000,
        views=2,
    )


SCENEFLOW = 'Scene Flow (rendered)'
ENTRIES = {
    'leastereo-sceneflow': _entry('sceneflow/best/checkpoint/best.pth', SCENEFLOW),
    'leastereo-kitti2012': _entry('Kitti12/best/best_1.16.pth', f'{SCENEFLOW} and KITTI 2012'),
    'leastereo-kitti2015': _entry('Kitti15/best/best.pth', f'{SCENEFLOW} and KITTI 2015'),
    'leastereo-middlebury': _entry(
        'MiddEval3/best/best.pth', f'{SCENEFLOW} and Middlebury at half size', 408
    ),
}

FAMILY = pair_family(
    'leastereo',
    ENTRIES,
    LeaStereoOptions,
    build,
    Preparation('standardised', multiple=STEP, place='bottom right'),
)
