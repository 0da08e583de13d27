# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Ten real frames with depth, from the sample data of two libraries, as a set for `depth_ros eval`.

    git clone https://github.com/PointCloudLibrary/data pcl_data
    python bench/kinect_frames.py --open3d Open3D --pcl pcl_data --out kinect_frames
    depth_ros eval --data kinect_frames --model builtin --ground seen

Open3D must be a clone at a commit that still holds `examples/TestData`.
"""

from __future__ import annotations

import argparse
import re
import struct
import sys
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from depth_ros.files.calibration import write_camera
from depth_ros.files.writing import make_folder, write_image
from depth_ros.types import Camera, FloatImage, Image

FORMATS = 'examples/TestData/RGBD/other_formats'
CLOUDS = {
    **{f'table_{n}': f'segmentation/mOSD/test/test{n}.pcd' for n in (3, 11, 19, 27, 35, 51, 59)},
    'carpet': 'tutorials/correspondence_grouping/milk_cartoon_all_small_clorox.pcd',
}
CLOUD_FOCAL, SUN_FOCAL, TUM_FOCAL = 525.0, 529.5, 520.9  # pixels at 640x480


def write_frame(folder: Path, image: Image, depth: FloatImage, focal: float) -> None:
    """Write an RGB image with depth in metres, 0 or NaN where it is unknown."""
    height, width = depth.shape
    for name in ('image_left', 'depth'):
        make_folder(folder / name)
    write_camera(Camera.pinhole(width, height, focal), folder / 'camera.yaml', 'left')
    write_image(folder / 'image_left' / '000000.png', image)
    millimetres = np.nan_to_num(depth * 1000).round().clip(0, 65535).astype(np.uint16)
    write_image(folder / 'depth' / '000000.png', millimetres)


def read_cloud(path: Path) -> tuple[Image, FloatImage]:
    """Return image and depth of an organised, compressed cloud."""
    data = path.read_bytes()
    end = data.index(b'\n', data.index(b'DATA binary_compressed')) + 1
    header = dict(re.findall(r'^([A-Z]+) (.*)$', data[:end].decode('ascii'), re.MULTILINE))
    packed, size = struct.unpack_from('<II', data, end)
    width, height = int(header['WIDTH']), int(header['HEIGHT'])
    # Every field is of four bytes, and all values of one field follow each other.
    values = np.frombuffer(unpacked(data[end + 8 : end + 8 + packed], size), '<u4')
    fields = dict(zip(header['FIELDS'].split(), values.reshape(-1, height, width), strict=True))
    color = fields['rgba']
    image = np.stack([color >> 16 & 255, color >> 8 & 255, color & 255], -1).astype(np.uint8)
    return image, np.abs(fields['z'].view(np.float32))  # one cloud looks along -z


def unpacked(data: bytes, size: int) -> bytes:
    """Return what LZF has compressed."""
    found, at = bytearray(), 0
    while at < len(data):
        control, at = data[at], at + 1
        if control < 32:
            found += data[at : at + control + 1]
            at += control + 1
            continue
        length = control >> 5
        if length == 7:
            length, at = length + data[at], at + 1
        start, at = len(found) - ((control & 31) << 8) - data[at] - 1, at + 1
        for place in range(start, start + length + 2):  # may run into what it appends
            found.append(found[place])
    if len(found) != size:
        raise ValueError(f'{len(found)} bytes came out of LZF, expected {size}')
    return bytes(found)


def read(path: Path) -> np.ndarray:
    """Return an image as it is in the file."""
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise FileNotFoundError(path)
    return image


def main() -> None:
    """Write the set."""
    parser = argparse.ArgumentParser(description='Ten real frames for depth_ros eval.')
    for name in ('open3d', 'pcl', 'out'):
        parser.add_argument(f'--{name}', type=Path, required=True)
    arguments = parser.parse_args()
    for name, place in CLOUDS.items():
        write_frame(arguments.out / name, *read_cloud(arguments.pcl / place), CLOUD_FOCAL)
    formats = arguments.open3d / FORMATS
    turned = read(formats / 'SUN_depth.png')
    sun = (turned >> 3 | turned << 13) / np.float32(1000)  # three bits of it went round
    tum = read(formats / 'TUM_depth.png') / np.float32(5000)
    corridor, desk = read(formats / 'SUN_color.jpg'), read(formats / 'TUM_color.png')
    write_frame(arguments.out / 'corridor', corridor[..., ::-1], sun, SUN_FOCAL)
    write_frame(arguments.out / 'desk', desk[..., ::-1], tum, TUM_FOCAL)


if __name__ == '__main__':
    main()
