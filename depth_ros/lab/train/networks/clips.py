# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Sequences as training takes them: images of one size with what is known about each.

A folder holds camera.yaml and image_left/ (or images/, or the images themselves), and what there
is of image_right/ with camera_right.yaml, poses.txt and depth/; docs/synthetic.md has the layout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from depth_ros.files.calibration import read_camera
from depth_ros.files.images import read_image
from depth_ros.geometry.camera import rectified_camera
from depth_ros.geometry.channels import as_rgb
from depth_ros.geometry.rectify import Rectifier, needs_rectification
from depth_ros.lab.eval.layouts.reading import folders, numbered, read_numbers, read_png_values
from depth_ros.lab.synthetic.dataset import DEPTH_SCALE
from depth_ros.lab.train.augment import Sample, fit
from depth_ros.types import Camera, DepthError, FloatImage, Image, Matrix

PLACES = ('image_left', 'images', '')
Stack = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Clip:
    """One sequence: (n, H, W, 3) images of one camera, and what is known about each."""

    name: str
    camera: Camera
    aspect: float  # height of the recorded images over their width
    images: Stack
    depth: npt.NDArray[np.float32] | None = None  # (n, H, W) metres, NaN unknown
    right: Stack | None = None
    baseline: float = 0.0  # metres
    poses: npt.NDArray[np.float64] | None = None  # (n, 4, 4) camera-to-world
    recorded: Callable[[int], Sample] | None = None  # an image as it was recorded, undistorted

    def original(self, index: int) -> tuple[Image, Camera]:
        """Return an image as large as it was recorded, where that is at hand, and its camera."""
        if self.recorded is None:
            return self.images[index], self.camera
        sample = self.recorded(index)
        return sample.image, sample.camera


def read_clips(roots: Sequence[str | Path], width: int, height: int) -> list[Clip]:
    """Return every sequence below some folders, resized."""
    found = []
    for root in map(Path, roots):
        clips = [_clip(root, folder, width, height) for folder in _sequences(root.expanduser())]
        if not clips:
            raise DepthError(
                f'{root} has no folder with camera.yaml and images; expected the layout of '
                'docs/synthetic.md'
            )
        found += clips
    return found


def _sequences(root: Path) -> Iterator[Path]:
    if not root.is_dir():
        raise DepthError(f'{root} is no folder; check the name')
    for folder in folders(root):
        if (folder / 'camera.yaml').is_file():
            yield folder


def _clip(root: Path, folder: Path, width: int, height: int) -> Clip:
    place = next((folder / p for p in PLACES if p == '' or (folder / p).is_dir()), folder)
    files = list(numbered(place, '').values())
    if not files:
        raise DepthError(f'{place} has no images; expected numbered .png or .jpg files')
    raw = read_camera(folder / 'camera.yaml')
    depths = [_depth(folder, file) for file in files]
    samples = [fit(_sample(file, raw, depth), width, height) for file, depth in zip(files, depths)]
    known = all(depth is not None for depth in depths)
    right, baseline = _right(folder, files, width, height)
    return Clip(
        folder.relative_to(root).as_posix() or folder.name,
        samples[0].camera,
        raw.height / raw.width,
        np.stack([sample.image for sample in samples]),
        np.stack([sample.depth for sample in samples]) if known else None,
        right,
        baseline,
        _poses(folder / 'poses.txt', len(files), raw),
        lambda index: _sample(files[index], raw, None),
    )


def _sample(file: Path, camera: Camera, depth: FloatImage | None) -> Sample:
    """Return an image without distortion; its depth is kept only where it has none anyway."""
    if depth is not None and needs_rectification(camera):
        raise DepthError(
            f'{file.parent.parent} has depth of a distorted camera; rectify it first, or '
            'leave its depth out'
        )
    sample = undistorted(read_image(file), camera)
    return sample if depth is None else replace(sample, depth=depth)


def undistorted(image: Image, camera: Camera) -> Sample:
    """Return an image of a camera as its rectified camera sees it, of unknown depth."""
    image = as_rgb(image)
    seen = rectified_camera(camera)
    if needs_rectification(camera):
        rectifier = Rectifier(camera)
        image, seen = rectifier(image), rectifier.camera
    return Sample(image, np.full(image.shape[:2], np.nan, np.float32), seen)


def _depth(folder: Path, file: Path) -> FloatImage | None:
    path = folder / 'depth' / f'{file.stem}.png'
    return read_png_values(path, DEPTH_SCALE) if path.is_file() else None


def _right(
    folder: Path, files: Sequence[Path], width: int, height: int
) -> tuple[Stack | None, float]:
    """Return the right images and the baseline, where there is a rectified right eye."""
    others = [folder / 'image_right' / file.name for file in files]
    path = folder / 'camera_right.yaml'
    if not path.is_file() or not all(other.is_file() for other in others):
        return None, 0.0
    camera = read_camera(path)
    if needs_rectification(camera):
        raise DepthError(f'{folder} has a distorted right camera; rectify the pair first')
    images: list[Image] = [
        fit(_sample(other, camera, None), width, height).image for other in others
    ]
    return np.stack(images), camera.baseline


def _poses(path: Path, count: int, camera: Camera) -> npt.NDArray[np.float64] | None:
    """Return camera-to-world poses of the rectified camera."""
    if not path.is_file():
        return None
    rows = read_numbers(path)
    if rows.size != 12 * count:
        raise DepthError(
            f'{path} holds {rows.size} numbers, expected twelve for each of {count} images'
        )
    poses = np.tile(np.eye(4), (count, 1, 1))
    poses[:, :3] = rows.reshape(-1, 3, 4)
    return np.asarray(poses @ upright(camera))


def upright(camera: Camera) -> Matrix:
    """Return the pose of a rectified camera in the frame of its camera."""
    turn = np.eye(4)
    turn[:3, :3] = camera.R.T
    return turn
