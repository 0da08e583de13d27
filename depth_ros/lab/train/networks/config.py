# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a run of a network is made of, read from YAML."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from depth_ros.lab.train.values import built
from depth_ros.types import DepthError

MAX_BYTES = 1 << 20
LEARN = ('labels', 'pairs', 'video')
OPTIMISERS = ('adamw', 'muon')


@dataclass(frozen=True)
class ClipData:
    """Where sequences come from; rendered ones are shared by runs that ask for the same."""

    # Sequences in the layout of docs/synthetic.md, depth optional; or recordings of rosbag2.
    folders: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()  # the same with depth, for the scores; empty: rendered ones
    image_topic: str = ''  # of recordings; empty: found by type and name
    odometry_topic: str = ''  # of recordings; empty: the only one
    frames: int = 0  # more than 0: render this many
    per_sequence: int = 10
    validation_frames: int = 40  # rendered from other seeds, never trained on
    kinds: tuple[str, ...] = ()  # of scenes; empty: all
    width: int = 192  # of rendered frames
    height: int = 144
    focal: float = 0.6  # of the one camera, as a share of the width
    baseline: float = 0.1  # metres to its right eye; 0: no right eye is rendered
    mount_height: float = 0.0  # metres above the floor; 0: another mount for each sequence
    mount_pitch: float = 0.0  # radians down
    rate: float = 5.0  # frames a second along the drive, at 0.7 m/s
    antialias: int = 1
    seed: int = 1
    scale: float = 1.0  # stereo: pairs are resized by this before a part is cut out
    unknown_is_sky: bool = False  # whether sky is where no depth is, as in rendered frames


@dataclass(frozen=True)
class NetworkConfig:
    """One run."""

    network: str  # fcrn, bts, ...; builtin; a stereo network or da3-... by its catalogue name
    name: str = ''
    variant: str = ''  # of the family's networks
    shape: dict[str, Any] = field(default_factory=dict)  # fields of the network's configuration
    start: str = ''  # a catalogue name whose weights are here, or the folder of another run
    learn: str = 'labels'  # or pairs, or video
    odometry: bool = False  # video: poses of the recording give the motion, so depth is metres
    gap: int = 1  # video and views: frames between an image and its neighbours
    views: int = 4  # of a scene, for networks of several views
    known_cameras: float = 0.2  # share of scenes whose cameras the network is given
    iterations: int = 0  # steps of recurrent stereo networks; 0 is as published
    width: int = 128  # of the network's input
    height: int = 96
    max_depth: float = 10.0  # metres; farther depth does not count
    steps: int = 300
    batch: int = 8
    optimiser: str = 'adamw'  # or muon, which learns more in few steps, with 10 times the rate
    rate: float = 1e-3
    weight_decay: float = 1e-4
    warm_up: int = 20  # steps
    clip: float = 1.0  # norm of the gradient
    smoothness: float = 0.0  # of self-supervised losses; 0: that of the network's paper
    colour: float = 0.2  # brightness, contrast and colour of each sample
    flip: bool = True
    still: bool = False  # normalisation keeps its statistics: for few steps from good weights
    device: str = 'auto'
    seed: int = 0
    validate_every: int = 100  # steps
    save_seconds: float = 45.0
    data: ClipData = field(default_factory=ClipData)

    @property
    def follows(self) -> bool:
        """
        Whether the motion between images is found by following corners.

        Depth that is good already gives it a length. Before that a pose network learns with it.
        """
        return self.learn == 'video' and not self.odometry and bool(self.first_weights)

    @property
    def first_weights(self) -> str:
        """What the run begins with; empty for random weights."""
        return self.start or ('builtin' if self.network == 'builtin' else '')

    def __post_init__(self) -> None:
        above_zero = ('steps', 'batch', 'rate', 'clip', 'validate_every', 'gap', 'max_depth')
        for name in (*above_zero, 'views'):
            if getattr(self, name) <= 0:
                raise DepthError(f'{name} is {getattr(self, name)}, expected more than 0')
        for name in ('width', 'height'):
            if not 32 <= getattr(self, name) <= 4096:
                raise DepthError(f'{name} is {getattr(self, name)}, expected 32 to 4096 pixels')
        if self.learn not in LEARN:
            raise DepthError(f'learn is {self.learn!r}, expected one of {", ".join(LEARN)}')
        if self.optimiser not in OPTIMISERS:
            raise DepthError(
                f'optimiser is {self.optimiser!r}, expected one of {", ".join(OPTIMISERS)}'
            )
        if self.odometry and self.learn != 'video':
            raise DepthError('odometry needs `learn: video`; labels and pairs are metres already')
        if not self.data.folders and self.data.frames <= 0:
            raise DepthError(
                'there is nothing to learn from; set data.folders, or data.frames to render'
            )
        if self.learn == 'pairs' and not self.data.folders and self.data.baseline <= 0:
            raise DepthError('learn: pairs needs data.baseline, metres from the left to the right')
        if self.learn == 'video' and self.data.frames and self.data.per_sequence < 3:
            raise DepthError(
                f'data.per_sequence is {self.data.per_sequence}; learn: video needs at least 3'
            )


def is_network_config(path: Path) -> bool:
    """Return whether a YAML file names a network of this room."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return False
        values = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return False  # whatever reads it next says what is wrong
    return isinstance(values, Mapping) and 'network' in values


def read_network_config(path: Path) -> NetworkConfig:
    """Return the configuration in a YAML file; its name is that of the file if it has none."""
    values = yaml.safe_load(path.read_text(encoding='utf-8'))
    return network_config_from({'name': path.stem, **values})


def network_config_from(values: Mapping[str, Any]) -> NetworkConfig:
    """Return the configuration in nested dictionaries, as YAML gives them."""
    return built(NetworkConfig, values)


def plain(config: Any) -> dict[str, Any]:
    """Return nested dictionaries that YAML can write."""
    found: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    return found


def data_name(data: ClipData) -> str:
    """Return a name for the rendered frames of these options, the same for the same ones."""
    given = ('folders', 'unseen', 'image_topic', 'odometry_topic')
    kept = {k: v for k, v in plain(data).items() if k not in given}
    digest = hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:10]
    return f'rendered-{digest}'
