# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""AnyNet (Wang et al., ICRA 2019): very small, and usable after each of its stages."""

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
from depth_ros.models.weights.source import Url
from depth_ros.types import DepthKind

COARSEST = 16  # px of a step of the first stage
PROPAGATION = 4  # stages with the propagation that follows the third

# The authors offer an archive on a page; this is a public copy of its files, byte for byte.
COPY = (
    'https://raw.githubusercontent.com/n-kasatkin/Ros_AnyNet/'
    '3546cad1372d41f07818890d1099f017f0012831/src/AnyNet/checkpoint/'
)


@dataclass(frozen=True)
class AnyNetOptions(PairOptions):
    """What is searched, and how far it is refined."""

    disparity_range: int = option(
        192, 'disparities that are searched, px of the input, a multiple of 16', range=(16, 2048)
    )
    stages: int = option(
        PROPAGATION, '1 to 3 stop at 1/16, 1/8 or 1/4 of the size and are faster; 4 is all',
        choices=(1, 2, 3, PROPAGATION),
    )  # fmt: skip

    def __post_init__(self) -> None:
        require_multiple('disparity_range', self.disparity_range, COARSEST)


def build(name: str, options: AnyNetOptions, shape: Shape = AS_PUBLISHED) -> PairNetwork:
    """Return the network under the options, with random weights."""
    from depth_ros.models.networks import anynet
    from depth_ros.models.networks.shapes import reshaped

    network = anynet.build(reshaped(anynet.VARIANTS['anynet'], shape))
    coarse = shape.get('maxdisplist', (0,))[0]
    reach = range_of(options, COARSEST * coarse)
    # None of it changes a parameter.
    network.config = replace(
        network.config,
        maxdisplist=(reach // COARSEST, *network.config.maxdisplist[1:]),
        stages=min(options.stages, 3),
        with_spn=options.stages == PROPAGATION,
    )
    return PairNetwork(
        network,
        reach=reach,
        tail=tuple(f'refine_spn.{part}' for part in range(3)),
        exact=True,  # features of 2 to 8 channels have no digits to lose
    )


def _entry(file: str, sha256: str, data: str) -> Entry:
    return Entry(
        source=Url(f'{COPY}{file}', sha256),
        kind=DepthKind.DISPARITY,
        licence='MIT',
        commercial=True,
        description=f'AnyNet trained on {data}',
        size=0,
        multiple=16,
        parameters=43_000,
        views=2,
    )


SCENEFLOW = 'Scene Flow (rendered)'
ENTRIES = {
    'anynet': _entry(
        'kitti2015_ck/checkpoint.tar',
        'a0d376b6b9331c28cf3f6a9cdf49393c9d8d83a6d32005fd42f50cf74ab2cd4d',
        f'{SCENEFLOW} and KITTI 2015',
    ),
    'anynet-kitti2012': _entry(
        'kitti2012_ck/checkpoint.tar',
        'e20ae92b20ff56f385744f4e819b1d89f1bf676fe59e9bfe542a5e6d9d0ad7aa',
        f'{SCENEFLOW} and KITTI 2012',
    ),
    'anynet-sceneflow': _entry(
        'sceneflow/sceneflow.tar',
        '2aa06903e916ec5e43a666a05bbe8ab2ada7ec017c37f141b966cbdfd61ad3eb',
        SCENEFLOW,
    ),
}

FAMILY = pair_family(
    'anynet',
    ENTRIES,
    AnyNetOptions,
    build,
    Preparation('imagenet', multiple=16, place='bottom right', replicate=True),
)
