# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Small folders in every known layout, written as the data sets are, with known content."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from depth_ros.files.calibration import write_camera
from depth_ros.types import Camera

WIDTH, HEIGHT = 24, 18
DEPTH = (np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) % 37 / 8 + 1).astype(np.float32)
UNKNOWN = (3, 5)  # row and column without truth


def image(path: Path, width: int = WIDTH, height: int = HEIGHT) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(len(path.name))
    cv2.imwrite(str(path), rng.integers(0, 255, (height, width, 3), np.uint8))


def png16(path: Path, values: np.ndarray, scale: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = np.rint(values * scale).astype(np.uint16)
    raw[UNKNOWN] = 0
    cv2.imwrite(str(path), raw)


def text(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def pfm(path: Path, values: np.ndarray, order: str = '<') -> None:
    values = values.astype(f'{order}f4')
    values[UNKNOWN] = np.inf
    head = f'Pf\n{values.shape[1]} {values.shape[0]}\n{-1 if order == "<" else 1}\n'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head.encode() + values[::-1].tobytes())


def depth_ros(root: Path, frames: int = 2, right: bool = True) -> None:
    """Write the layout of `depth_ros synth`."""
    folder = root / 'sequence_0'
    left, other = (
        Camera.pinhole(WIDTH, HEIGHT, 30.0),
        Camera.pinhole(WIDTH, HEIGHT, 30.0, baseline=0.1),
    )
    for i in range(frames):
        image(folder / 'image_left' / f'{i:06d}.png')
        png16(folder / 'depth' / f'{i:06d}.png', DEPTH, 256)
        if right:
            image(folder / 'image_right' / f'{i:06d}.png')
    write_camera(left, folder / 'camera.yaml')
    if right:
        write_camera(other, folder / 'camera_right.yaml')
    rows = (f'1 0 0 {i} 0 1 0 0 0 0 1 {2 * i}\n' for i in range(frames))
    text(folder / 'poses.txt', ''.join(rows))


def middlebury(root: Path, order: str = '<') -> None:
    for name in ('Alpha', 'Beta'):
        image(root / name / 'im0.png')
        image(root / name / 'im1.png')
        pfm(root / name / 'disp0.pfm', DEPTH, order)
        text(
            root / name / 'calib.txt',
            'cam0=[50 0 11; 0 50 9; 0 0 1]\ncam1=[50 0 15; 0 50 9; 0 0 1]\ndoffs=4\n'
            f'baseline=200\nwidth={WIDTH}\nheight={HEIGHT}\nndisp=16\nisint=0\nvmin=1\nvmax=9\n'
            'dyavg=0\ndymax=0\n',
        )


def eth3d(root: Path) -> None:
    image(root / 'yard' / 'im0.png')
    image(root / 'yard' / 'im1.png')
    pfm(root / 'yard' / 'disp0GT.pfm', DEPTH)
    text(
        root / 'yard' / 'calib.txt',
        'cam0=[50 0 11; 0 50 9; 0 0 1]\ncam1=[50 0 11; 0 50 9; 0 0 1]\ndoffs=0\n'
        f'baseline=59.9\nwidth={WIDTH}\nheight={HEIGHT}\nndisp=16\n',
    )


def middlebury_2003(root: Path, width: int = 450) -> None:
    image(root / 'cones' / 'im2.png', width, HEIGHT)
    image(root / 'cones' / 'im6.png', width, HEIGHT)
    values = np.full((HEIGHT, width), 40, np.uint8)
    values[UNKNOWN] = 0
    cv2.imwrite(str(root / 'cones' / 'disp2.png'), values)


def middlebury_2006(root: Path, width: int) -> None:
    image(root / 'view1.png', width, HEIGHT)
    image(root / 'view5.png', width, HEIGHT)
    values = np.full((HEIGHT, width), 60, np.uint8)
    values[UNKNOWN] = 0
    cv2.imwrite(str(root / 'disp1.png'), values)


def kitti_stereo(root: Path, calibrated: bool = True) -> None:
    for key in ('000000_10', '000001_10'):
        image(root / 'training' / 'image_2' / f'{key}.png')
        image(root / 'training' / 'image_3' / f'{key}.png')
        png16(root / 'training' / 'disp_occ_0' / f'{key}.png', DEPTH, 256)
        if calibrated:
            text(
                root / 'training' / 'calib_cam_to_cam' / f'{key[:6]}.txt',
                'calib_time: 09-Jan-2012 13:57:47\n'
                'P_rect_02: 50 0 11 5 0 50 9 0 0 0 1 0\nP_rect_03: 50 0 11 -20 0 50 9 0 0 0 1 0\n',
            )
    # The later image of each pair of moments has no truth.
    image(root / 'training' / 'image_2' / '000000_11.png')


def kitti_depth(root: Path) -> None:
    key = '2011_09_26_drive_0002_sync_{}_0000000005_image_02.png'
    image(root / 'image' / key.format('image'))
    png16(root / 'groundtruth_depth' / key.format('groundtruth_depth'), DEPTH, 256)
    text(root / 'intrinsics' / key.format('image').replace('.png', '.txt'), '50 0 11 0 50 9 0 0 1')


def kitti_rgbd(root: Path) -> None:
    image(root / 'rgb_0000000005.png')
    png16(root / 'depth_0000000005.png', DEPTH, 256)
    text(root / 'intrinsics.txt', '50 0 11\n0 50 9\n0 0 1\n')


def kitti_object(root: Path) -> None:
    image(root / 'training' / 'image_2' / '000007.png')
    text(
        root / 'training' / 'calib' / '000007.txt',
        'P2: 50 0 11 5 0 50 9 0 0 0 1 0.25\nR0_rect: 1 0 0 0 1 0 0 0 1\n'
        'Tr_velo_to_cam: 0 -1 0 0 0 0 -1 0 1 0 0 0\n',
    )
    # Ahead of the car by 4 and 8 m on one ray, one beside it, one behind it.
    points = [[4, 0, 0, 1], [8, 0, 0, 1], [4, -0.8, 0, 1], [-4, 0, 0, 1]]
    path = root / 'training' / 'velodyne' / '000007.bin'
    path.parent.mkdir(parents=True)
    np.array(points, np.float32).tofile(path)


def nyu(root: Path) -> None:
    for key in ('00000', '00050'):
        image(root / 'kitchen' / f'rgb_{key}.jpg', 640, 480)
        big = cv2.resize(DEPTH, (640, 480), interpolation=cv2.INTER_NEAREST)
        png16(root / 'kitchen' / f'sync_depth_{key}.png', big, 1000)


def tum(root: Path) -> None:
    folder = root / 'rgbd_dataset_freiburg3_desk'
    for stamp in ('10.000000', '10.033000', '10.500000'):
        image(folder / 'rgb' / f'{stamp}.png')
    for stamp in ('10.004000', '10.030000', '11.000000'):
        png16(folder / 'depth' / f'{stamp}.png', DEPTH, 5000)
    for name, stamps in (
        ('rgb', ('10.000000', '10.033000', '10.500000')),
        ('depth', ('10.004000', '10.030000', '11.000000')),
    ):
        lines = ''.join(f'{s} {name}/{s}.png\n' for s in stamps)
        text(folder / f'{name}.txt', f'# timestamp filename\n{lines}')
    text(
        folder / 'groundtruth.txt',
        '# timestamp tx ty tz qx qy qz qw\n10.001 1 2 3 0 0 0 1\n10.034 4 5 6 0 0 0.70710678 '
        '0.70710678\n',
    )


def seven_scenes(root: Path) -> None:
    for key in ('frame-000000', 'frame-000040'):
        image(root / f'{key}.color.jpg')
        png16(root / f'{key}.depth.png', DEPTH, 1000)
        text(root / f'{key}.pose.txt', '1 0 0 0.5\n0 1 0 0\n0 0 1 0\n0 0 0 1\n')
    text(root / 'camera-intrinsics.txt', '50 0 11\n0 50 9\n0 0 1\n')


def rgbd_poses(root: Path) -> None:
    for i in (1, 2, 10):
        image(root / f'color_{i}.png')
        png16(root / f'depth_{i}.png', DEPTH, 1000)
    text(root / 'pose.txt', '1 0 0 0 0 0 1\n2 0 0 0 0 0 1\n10 0 0 0 0 0 1\n')


def skimage(root: Path) -> None:
    image(root / 'motorcycle_left.png')
    image(root / 'motorcycle_right.png')
    values = DEPTH.copy()
    values[UNKNOWN] = np.inf
    np.savez(root / 'motorcycle_disp.npz', values)


def opencv(root: Path) -> None:
    image(root / 'aloeL.jpg')
    image(root / 'aloeR.jpg')
    values = np.full((HEIGHT, WIDTH), 60, np.uint8)
    values[UNKNOWN] = 0
    cv2.imwrite(str(root / 'aloeGT.png'), values)
