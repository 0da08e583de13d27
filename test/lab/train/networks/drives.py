# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Short rendered drives, for training that takes a second."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from depth_ros.files.calibration import write_camera
from depth_ros.lab.synthetic.dataset import SetOptions, encode_depth, write_set
from depth_ros.lab.train.networks.batches import ClipBatch, validation_batches
from depth_ros.lab.train.networks.clip_task import ClipTask
from depth_ros.lab.train.networks.config import NetworkConfig, network_config_from
from depth_ros.types import Camera

WIDTH, HEIGHT = 64, 48
NARROW = {
    'adabins': {'encoder': {'width': 0.2, 'depth': 0.3}, 'bins': 16},
    'bts': {'encoder': {'blocks': [1, 1, 1, 1], 'width': 8}, 'features': 128},
    'densedepth': {'encoder': {'blocks': [1, 1, 1, 1], 'growth': 8, 'stem': 16}},
    'eigen2014': {'coarse': [8, 12, 12, 12, 8], 'hidden': 32, 'fine': [7, 8]},
    'fastdepth': {
        'encoder': [8, 8, 16, 16, 24, 24, 32, 32, 32, 32, 32, 32, 40, 40],
        'decoder': [32, 24, 16, 8, 8],
    },
    'fcrn': {'encoder': {'blocks': [1, 1, 1, 1], 'width': 8}},
    'midas_v21_small': {'encoder': {'width': 0.4, 'depth': 0.4}, 'features': 16},
    'monodepth': {'width': 4},
    'monodepth2': {'encoder': {'blocks': [1, 1, 1, 1], 'width': 8}},
}
SIZES = {
    'adabins': (416, 320),  # as many squares as it needs
    'eigen2014': (132, 100),
    'monodepth': (128, 128),
    'builtin': (64, 64),
}


def write_drives(folder: Path, sequences: int = 2, frames: int = 4, **more: object) -> Path:
    """Render drives of one camera, with both eyes, depth and poses."""
    options: dict[str, object] = {
        'frames': sequences * frames,
        'per_sequence': frames,
        'kinds': ('corridor',),
        'width': WIDTH,
        'height': HEIGHT,
        'focal': 0.6 * WIDTH,
        'baseline': 0.1,
        'sensor': False,
        'antialias': 1,
        'rate': 5.0,
    }
    list(write_set(folder, SetOptions(**{**options, **more})))  # type: ignore[arg-type]
    return folder


def write_rough_drive(folder: Path) -> Path:
    """Render a drive over rough ground on which a camera never only turns."""
    size = {'width': 128, 'height': 96, 'focal': 77.0}
    return write_drives(folder, 1, 6, seed=6, kinds=('outdoor',), antialias=2, **size)


def configuration(network: str, folder: Path | str, **more: object) -> NetworkConfig:
    """Return the configuration of a run of a narrow network on some drives."""
    width, height = SIZES.get(network, (64, 64))
    values: dict[str, object] = {
        'network': network,
        'name': 'test',
        'width': width,
        'height': height,
        'steps': 4,
        'batch': 2,
        'warm_up': 1,
        'device': 'cpu',
        'data': {'folders': [str(folder)], 'unseen': [str(folder)]},
    }
    if network in NARROW:
        values['shape'] = NARROW[network]
    return network_config_from({**values, **more})


def write_pairs(folder: Path, count: int, width: int = 96, height: int = 96) -> Path:
    """Write pairs of a textured wall with a nearer square, in whole pixels of disparity."""
    rng = np.random.default_rng(0)
    focal, baseline = 100.0, 0.2
    left = Camera.pinhole(width, height, focal)
    right = Camera.pinhole(width, height, focal, baseline=baseline)
    for number in range(count):
        scene = folder / f'wall_{number:06d}'
        for name in ('image_left', 'image_right', 'depth'):
            (scene / name).mkdir(parents=True)
        write_camera(left, scene / 'camera.yaml')
        write_camera(right, scene / 'camera_right.yaml')
        texture = cv2.resize(
            rng.integers(0, 256, (height // 4, width // 2, 3), np.uint8), (2 * width, height)
        )
        near = cv2.resize(rng.integers(0, 256, (8, 8, 3), np.uint8), (width // 3, height // 3))
        behind, before = int(rng.integers(2, 5)), int(rng.integers(8, 12))
        disparity = np.full((height, width), behind, np.float32)
        # The wall moves by `behind` pixels from the left eye to the right one, the square by more.
        eyes = [texture[:, :width].copy(), texture[:, behind : width + behind].copy()]
        y, x = int(rng.integers(5, height // 2)), int(rng.integers(20, width // 2))
        rows = slice(y, y + height // 3)
        for eye, moved in zip(eyes, (0, before)):
            eye[rows, x - moved : x - moved + width // 3] = near
        disparity[rows, x : x + width // 3] = before
        for name, eye in zip(('image_left', 'image_right'), eyes):
            cv2.imwrite(str(scene / name / '000000.png'), eye)
        depth = encode_depth(focal * baseline / disparity)
        cv2.imwrite(str(scene / 'depth' / '000000.png'), depth)
    return folder


def unseen_batches(task: ClipTask, config: NetworkConfig) -> Iterator[ClipBatch]:
    """Return the batches that a run is judged on."""
    return validation_batches(task.unseen, config)
