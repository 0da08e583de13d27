# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a training run is made of, read from YAML; the file travels with the weights."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from depth_ros.files.reading import read_yaml
from depth_ros.lab.train.limits import check
from depth_ros.lab.train.values import built
from depth_ros.types import DepthError


@dataclass(frozen=True)
class DataConfig:
    """Where images with depth come from."""

    folders: tuple[str, ...] = ()  # sets in the layout of docs/synthetic.md, read as they are
    frames: int = 0  # more than 0: render this many frames into <run>/data first
    validation_frames: int = 200  # rendered from other seeds, never trained on
    kinds: tuple[str, ...] = ()  # of scenes, one named twice comes twice as often; empty: all
    render_width: int = 352
    render_height: int = 264
    handheld: float = 0.0  # share of rendered frames tilted any way, not as robots mount cameras
    glances: float = 0.0  # share with as much near and far as real ones, not all there is
    spread: float = 0.0  # of log depth; more than 0: frames like that are drawn more often
    antialias: int = 2  # rays per pixel and side; training frames are shrunk, so 1 can do
    seed: int = 1
    keep: bool = False  # decoded frames in memory, per worker: 0.4 MB for each of 320x240
    max_depth: float = 80.0  # farther depth does not count in the losses
    sky: bool = False  # what has no depth in `folders` is sky, as it is in rendered frames


@dataclass(frozen=True)
class AugmentConfig:
    """How a frame is changed before the network sees it; geometry stays exact."""

    zoom: float = 1.5  # crops down to 1/zoom of the frame: a longer lens
    roll: float = 0.08  # radians about the optical axis
    ground: float = (
        0.0  # share of the frames with known ground in which the network takes it as input
    )
    colour: float = 0.4  # brightness, contrast, saturation, white balance, gamma
    grey: float = 0.1  # share of frames without colour
    swap: float = 0.0  # share of frames with red, green and blue in another order
    light: float = 0.0  # how uneven the light is, in natural logarithms
    texture: float = 0.0  # contrast of noise of any scale upon everything, in natural logarithms
    features: float = 0.0  # how far statistics of first features vary, as a share of themselves
    blur: float = 0.3  # share of frames out of focus
    noise: float = 0.03  # standard deviation of sensor noise, at most
    jpeg: float = 0.3  # share of frames compressed


@dataclass(frozen=True)
class LossConfig:
    """Weights of the losses: all on log depth, but for `bare` and `sky`."""

    scale_invariant: float = 1.0
    variance_focus: float = 0.6
    gradient: float = 0.5
    likelihood: float = 0.2
    bare: float = 0.0  # of saying where the ground is bare, in images whose ground is known
    sky: float = 0.2  # of saying where the sky is


@dataclass(frozen=True)
class TrainConfig:
    """One run."""

    name: str = 'builtin'
    steps: int = 10_000
    batch: int = 16
    start: str = ''  # begin with these weights: builtin, or the folder of another run
    encoder: str = ''  # first weights: a file of EfficientNet-Lite0, `random`; empty: of ImageNet
    encoder_rate: float = 0.1  # share of the rate that the encoder learns with
    width: int = 256  # of the network's input; multiples of 32
    height: int = 192
    early_steps: int = 0  # of the steps, the first ones, at a smaller size: most is learned there
    early_area: float = 0.5  # their share of the area
    use_area: float = 1.0  # share of the area that the network is used at, which saves time
    aspects: tuple[float, ...] = ()  # width / height, one per batch at this area; empty: this one
    optimiser: str = 'adamw'  # or muon, whose rate is about 0.01
    rate: float = 1e-3
    end_rate: float = 0.0  # share of it that the last step still has
    weight_decay: float = 0.02
    warm_up: int = 300  # steps
    clip: float = 1.0  # norm of the gradient
    ema: float = 0.999
    precision: str = 'auto'  # auto, float32, bfloat16
    device: str = 'auto'
    workers: int = 1  # processes that make batches ahead; 0: threads between the steps
    seed: int = 0
    save_seconds: float = 45.0  # what a kill can cost at most
    validate_every: int = 1000  # steps
    layout: dict[str, Any] = field(default_factory=dict)  # of networks/builtin/network.Layout
    data: DataConfig = field(default_factory=DataConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    loss: LossConfig = field(default_factory=LossConfig)

    def __post_init__(self) -> None:
        check(self)
        for name in ('width', 'height'):
            if getattr(self, name) % 32:
                raise DepthError(f'{name} is {getattr(self, name)}, expected a multiple of 32')
        if not all(0.2 <= aspect <= 5 for aspect in self.aspects):
            raise DepthError(f'aspects is {list(self.aspects)}, expected numbers from 0.2 to 5')
        if not 0 < self.early_area <= 1:
            raise DepthError(f'early_area is {self.early_area}, expected more than 0 and up to 1')
        if not 0 < self.use_area <= 1:
            raise DepthError(f'use_area is {self.use_area}, expected more than 0 and up to 1')
        if not 0 <= self.ema < 1:
            raise DepthError(f'ema is {self.ema}, expected 0 (off) to below 1')
        if self.loss.bare and not self.augment.ground:
            raise DepthError(
                'loss.bare needs `augment.ground` above 0: without it no frame has a known ground'
            )
        if not self.data.folders and self.data.frames <= 0:
            raise DepthError(
                'there is nothing to learn from; set data.folders, or data.frames to render'
            )


def read_config(path: str | Path) -> TrainConfig:
    """Return the configuration in a YAML file; a name it does not know is refused."""
    values = read_yaml(Path(path), 'give a configuration as docs/train.md describes it')
    return config_from(values or {})


def config_from(values: dict[str, Any]) -> TrainConfig:
    """Return the configuration in nested dictionaries, as YAML gives them."""
    return built(TrainConfig, values, {'aspects': float})


def config_to(config: TrainConfig) -> dict[str, Any]:
    """Return nested dictionaries that YAML can write and `config_from` reads back."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        return [plain(item) for item in value] if isinstance(value, tuple | list) else value

    return plain(dataclasses.asdict(config))
