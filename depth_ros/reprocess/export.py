# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Files of single frames: a data set that `train` and `eval` read, and images for people.

The files of a frame are named by the time at which its image was recorded, so a part of a
recording gives the names that the whole gives, and writing a frame again changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from depth_ros.files.bags.content import BagError
from depth_ros.files.calibration import read_camera, write_camera
from depth_ros.files.depth_colors import draw_depth, draw_relative
from depth_ros.files.images import read_image
from depth_ros.files.ply import write_ply
from depth_ros.files.writing import write_image
from depth_ros.geometry.camera import resize_camera
from depth_ros.geometry.channels import as_rgb
from depth_ros.geometry.unproject import depth_to_points
from depth_ros.pipeline import DepthFrame
from depth_ros.types import Camera, FloatImage, Image, View, quoted

FORMATS = ('npy', 'ply')
SCALE = 256.0  # of the 16-bit files: metres * 256, as KITTI has it
PREVIEW_HEIGHT = 360


class FrameFolder:
    """
    A folder per calibration with image_left, depth (PNG16) and camera.yaml, and image_right.

    `depth_ros eval --data` and the `data.folders` of a training read it.
    """

    def __init__(self, root: Path, name: str, formats: Sequence[str]) -> None:
        self._root, self._name, self._formats = root, name, formats
        self._folder: Path | None = None
        self._cameras: tuple[Camera, ...] = ()

    def write(self, frame: DepthFrame, views: Sequence[View], time: int) -> None:
        """Write a frame in metres; `views` are rectified, the first is that of the depth."""
        if frame.depth is None:
            raise BagError(
                'the model predicts relative depth, which makes no training data; give a scale, '
                'or a metric model'
            )
        others = [_resized(view, frame.camera) for view in views[1:2]]
        cameras = (frame.camera, *(view.camera for view in others))
        if self._folder is None or cameras != self._cameras:
            self._folder, self._cameras = self._folder_for(cameras), cameras
        folder, key = self._folder, str(time)
        _write(folder / 'image_left' / f'{key}.png', frame.image)
        for view in others:
            _write(folder / 'image_right' / f'{key}.png', view.image)
        _write(folder / 'depth' / f'{key}.png', depth_to_png16(frame.depth))
        if 'npy' in self._formats:
            path = folder / 'depth_npy' / f'{key}.npy'
            path.parent.mkdir(exist_ok=True)
            np.save(path, frame.depth)
        if 'ply' in self._formats:
            path = folder / 'points' / f'{key}.ply'
            path.parent.mkdir(exist_ok=True)
            points = depth_to_points(frame.depth, frame.camera)
            rgb = as_rgb(frame.image)
            write_ply(path, points, rgb)

    def _folder_for(self, cameras: tuple[Camera, ...]) -> Path:
        """Return the folder of this calibration, which an earlier run may have made."""
        number = 1
        while True:
            suffix = f'_{number}' if number > 1 else ''
            folder = self._root / f'{self._name}{suffix}'
            files = [folder / name for name in ('camera.yaml', 'camera_right.yaml')]
            if not files[0].exists():
                folder.mkdir(parents=True, exist_ok=True)
                for camera, file in zip(cameras, files):
                    temporary = file.with_suffix('.part')
                    write_camera(camera, temporary, 'left' if file is files[0] else 'right')
                    temporary.replace(file)
                return folder
            known = [read_camera(file) for file in files[: len(cameras)] if file.exists()]
            if tuple(known) == cameras:
                return folder
            number += 1


def depth_to_png16(depth: FloatImage) -> np.ndarray:
    """Return metres * 256; 0 where there is no distance or one of 256 m and more."""
    scaled = np.round(np.nan_to_num(depth, nan=0.0, posinf=0.0, neginf=0.0) * SCALE)
    return np.where((scaled > 0) & (scaled < 65536), scaled, 0).astype(np.uint16)


def preview(frame: DepthFrame) -> Image:
    """Return the image and its depth in colours side by side, RGB, of an even size."""
    if frame.depth is None:
        colours = draw_relative(frame.prediction.values)
    else:
        colours = draw_depth(frame.depth)
    image = as_rgb(frame.image)
    both = [_to_height(pixels, PREVIEW_HEIGHT) for pixels in (image, colours)]
    return np.hstack(both)


def write_preview(path: Path, frame: DepthFrame) -> None:
    """Write a JPEG of `preview`."""
    _write(path, preview(frame))


def write_video(path: Path, files: Sequence[Path], rate: float) -> None:
    """Write an mp4 of images of one size; raises BagError where OpenCV cannot."""
    if not str(path).isprintable():
        raise BagError(f'{quoted(str(path))} is no name of a video; give --out another folder')
    writer = None
    size = (0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    for file in files:
        image = read_image(file)[..., ::-1]
        if writer is None:
            size = (image.shape[1], image.shape[0])
            code = cv2.VideoWriter.fourcc(*'mp4v')
            writer = cv2.VideoWriter(str(path), code, rate, size)
            if not writer.isOpened():
                raise BagError(
                    f'{path} cannot be written: this OpenCV has no encoder for mp4; '
                    'install opencv-python-headless from PyPI'
                )
        if (image.shape[1], image.shape[0]) != size:
            resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
            image = np.asarray(resized, np.uint8)
        writer.write(np.ascontiguousarray(image))
    if writer is not None:
        writer.release()


def _to_height(image: Image, height: int) -> Image:
    width = max(2, round(image.shape[1] * height / image.shape[0] / 2) * 2)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))


def _resized(view: View, camera: Camera) -> View:
    """Return a view in the size of the depth's camera."""
    if view.camera.size_wh == camera.size_wh:
        return view
    image = cv2.resize(view.image, camera.size_wh, interpolation=cv2.INTER_AREA)
    return View(np.asarray(image, np.uint8), resize_camera(view.camera, *camera.size_wh))


def _write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, pixels)
