# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A tiny set to learn from."""

import shutil

import cv2
import numpy as np
import pytest

from depth_ros.files.calibration import write_camera
from depth_ros.types import Camera


@pytest.fixture(scope='module')
def dataset(tmp_path_factory):
    """Grey squares: the brighter, the nearer, so that there is something to learn."""
    root = tmp_path_factory.mktemp('set')
    rng = np.random.default_rng(0)
    camera = Camera.pinhole(80, 64, 70.0)
    for sequence in range(2):
        folder = root / f'{sequence:02d}'
        (folder / 'image_left').mkdir(parents=True)
        (folder / 'depth').mkdir()
        write_camera(camera, folder / 'camera.yaml')
        for index in range(4):
            depth = np.full((64, 80), rng.uniform(1, 9), np.float32)
            depth[16:48, 20:60] = rng.uniform(0.5, 1)
            image = np.uint8(np.clip(255 / (1 + depth), 0, 255))
            cv2.imwrite(str(folder / f'image_left/{index:06d}.png'), np.dstack([image] * 3))
            cv2.imwrite(str(folder / f'depth/{index:06d}.png'), np.uint16(depth * 256))
    return root


@pytest.fixture(scope='module')
def posed(dataset, tmp_path_factory):
    """The same set, of a level camera half a metre above the ground."""
    root = shutil.copytree(dataset, tmp_path_factory.mktemp('posed') / 'set')
    for sequence in root.iterdir():
        (sequence / 'poses.txt').write_text('0 0 1 0  -1 0 0 0  0 -1 0 0.5\n' * 4)
    return root
