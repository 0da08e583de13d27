# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""RAFT-Stereo (Lipson, Teed and Deng, 3DV 2021): disparity refined step by step."""

from __future__ import annotations

from collections.abc import Callable

from depth_ros.models.stereo.pair import PairNetwork, RecurrentOptions
from depth_ros.models.stereo.pair_family import AS_PUBLISHED, Shape, pair_family
from depth_ros.models.stereo.preparation import Preparation
from depth_ros.models.weights.catalogue import Entry
from depth_ros.models.weights.source import ZipMember
from depth_ros.types import DepthKind

ARCHIVE = (
    'https://www.dropbox.com/scl/fi/5khx1bhz84dapi8vtwapg/models.zip'
    '?rlkey=ggddrn1du1iiq6mgc2dsdpmwi&dl=1'
)
VARIANTS = {'raft-stereo-realtime': 'realtime', 'raft-stereo-rvc': 'rvc'}


def build(name: str, options: RecurrentOptions, shape: Shape = AS_PUBLISHED) -> PairNetwork:
    """Return the network of a name under the options, with random weights."""
    from depth_ros.models.networks import raft_stereo
    from depth_ros.models.networks.shapes import reshaped

    config = raft_stereo.VARIANTS[VARIANTS.get(name, 'standard')]
    network = raft_stereo.build(reshaped(config, shape))
    network.iterations = options.iterations or network.iterations
    return PairNetwork(network)


def key_of(variant: str) -> Callable[[str], str | None]:
    """Return the map of official keys to those of the network of a variant."""

    def key(official: str) -> str | None:
        from depth_ros.models.networks import raft_stereo

        return raft_stereo.VARIANTS[variant].network_key(official)

    return key


def _entry(title: str, file: str, data: str, parameters: int = 11_100_000) -> Entry:
    return Entry(
        source=ZipMember(ARCHIVE, f'models/{file}'),
        kind=DepthKind.DISPARITY,
        licence='MIT',
        commercial=True,
        description=f'{title} trained on {data}',
        size=0,
        multiple=32,
        parameters=parameters,
        views=2,
    )


SCENEFLOW = 'Scene Flow (rendered)'
STANDARD = {
    'raft-stereo-sceneflow': _entry('RAFT-Stereo', 'raftstereo-sceneflow.pth', SCENEFLOW),
    'raft-stereo-eth3d': _entry(
        'RAFT-Stereo', 'raftstereo-eth3d.pth', f'{SCENEFLOW} and ETH3D, grey images'
    ),
    'raft-stereo-middlebury': _entry(
        'RAFT-Stereo', 'raftstereo-middlebury.pth', f'{SCENEFLOW} and Middlebury'
    ),
    'raft-stereo-rvc': _entry(
        'iRaftStereo', 'iraftstereo_rvc.pth', 'twelve data sets, rendered and real'
    ),
}
REALTIME = {
    'raft-stereo-realtime': _entry(
        'RAFT-Stereo realtime', 'raftstereo-realtime.pth', SCENEFLOW, 9_900_000
    )
}
PREPARATION = Preparation('bytes', multiple=32, replicate=True)

STANDARD_FAMILY = pair_family(
    'raft_stereo', STANDARD, RecurrentOptions, build, PREPARATION, key_of('standard')
)
REALTIME_FAMILY = pair_family(
    'raft_stereo', REALTIME, RecurrentOptions, build, PREPARATION, key_of('realtime')
)
