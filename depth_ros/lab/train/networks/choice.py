# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which kind of network a configuration names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from depth_ros.files.bags.reader import is_bag
from depth_ros.lab.train.networks.clip_task import ClipTask
from depth_ros.lab.train.networks.clips import Clip, read_clips
from depth_ros.lab.train.networks.config import NetworkConfig
from depth_ros.lab.train.networks.learners import ADAPTERS
from depth_ros.lab.train.networks.recording import read_recording
from depth_ros.lab.train.networks.stereo import StereoTask
from depth_ros.lab.train.networks.task import Task
from depth_ros.lab.train.networks.views import ViewsTask
from depth_ros.models.multi_view.depth_anything_3 import CONFIGURATION_OF
from depth_ros.models.registry import families
from depth_ros.models.stereo.pair_family import PairFamily
from depth_ros.types import DepthError, quoted


def pair_family_of(name: str) -> PairFamily | None:
    """Return the family of stereo networks that a name of the catalogue belongs to."""
    for family in families():
        if isinstance(family, PairFamily) and name in family.names:
            return family
    return None


def make_task(config: NetworkConfig, folders: Sequence[str], unseen: Sequence[str]) -> Task:
    """Return what a configuration trains, learning from some folders and judged on others."""
    if config.network == 'builtin' or config.network in ADAPTERS:
        return ClipTask(config, _clips(folders, config), _clips(unseen, config))
    family = pair_family_of(config.network)
    if family is not None:
        return StereoTask(config, family, folders, unseen)
    if config.network in CONFIGURATION_OF:
        return ViewsTask(config, folders, unseen)
    raise DepthError(
        f'network is {quoted(config.network)}, expected builtin, one of {", ".join(ADAPTERS)}, or '
        'the catalogue name of a stereo network or of Depth Anything 3 (`depth_ros models`)'
    )


def _clips(places: Sequence[str], config: NetworkConfig) -> list[Clip]:
    """Return the sequences of folders and of recordings."""
    size, clips = (config.width, config.height), []
    for place in places:
        path = Path(place).expanduser()
        if is_bag(path):
            odometry = config.data.odometry_topic if config.odometry else None
            clips += read_recording(path, size, config.data.image_topic, odometry)
        else:
            clips += read_clips([path], *size)
    return clips
