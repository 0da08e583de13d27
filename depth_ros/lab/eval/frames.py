# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One frame of a data set: images, cameras, and what is known to be true."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from depth_ros.geometry.rectify import stereo_baseline
from depth_ros.types import Camera, DepthError, FloatImage, Ground, Image, Matrix


@dataclass(frozen=True, eq=False)
class Frame:
    """
    What one frame offers.

    :param depth: metres, NaN unknown. :param disparity: x_left - x_right in pixels as the file
        says it, NaN unknown; zero and below are kept, they are truth too.
    :param metric: False where the calibration of a pair is made up, so that it gives no metres.
    """

    name: str
    image: Image
    camera: Camera
    depth: FloatImage | None = None
    right: Image | None = None
    right_camera: Camera | None = None
    disparity: FloatImage | None = None
    pose: Matrix | None = None  # 4x4 camera-to-world
    ground: Ground | None = None
    metric: bool = True

    def __post_init__(self) -> None:
        size = (self.camera.height, self.camera.width)
        for what, array in (
            ('image', self.image),
            ('depth', self.depth),
            ('disparity', self.disparity),
        ):
            if array is not None and array.shape[:2] != size:
                raise DepthError(
                    f'{what} of frame {self.name} is {array.shape[1]}x{array.shape[0]}, '
                    f'its camera is {size[1]}x{size[0]}; the files do not belong together'
                )
        if self.depth is None and self.disparity is None:
            raise DepthError(f'frame {self.name} has no truth; expected depth or disparity')
        if self.depth is None and self.metric and self.right_camera is not None:
            object.__setattr__(self, 'depth', self._depth_of_disparity())

    @property
    def offset(self) -> float:
        """cx_left - cx_right: what lies between a file's disparity and that of a Prediction."""
        return 0.0 if self.right_camera is None else self.camera.cx - self.right_camera.cx

    @property
    def focal_baseline(self) -> float:
        """Pixels times metres: Z = focal_baseline / (disparity - offset); 0 where not known."""
        if self.right_camera is None or not self.metric:
            return 0.0
        return self.camera.fx * stereo_baseline(self.camera, self.right_camera)

    def _depth_of_disparity(self) -> FloatImage | None:
        if self.disparity is None or self.focal_baseline <= 0:
            return None
        shifted = self.disparity.astype(np.float64) - self.offset
        with np.errstate(divide='ignore', invalid='ignore'):
            depth = self.focal_baseline / shifted
        return np.where(shifted > 0, depth, np.nan).astype(np.float32)


@dataclass(frozen=True)
class Source:
    """A frame that is read when its turn comes; a bad file fails then, and alone."""

    name: str
    load: Callable[[], Frame]


@dataclass(frozen=True)
class Layout:
    """
    How a kind of folder is arranged.

    `find` returns the frames of a folder, in order, and none where the folder is arranged
    otherwise. It looks at names only and opens no image. `protocol` names the usual rules.
    """

    name: str
    description: str
    find: Callable[[Path], Sequence[Source]]
    protocol: str = 'full'


@dataclass(frozen=True)
class DataSet:
    """
    The frames of one folder, or of several that are measured as one.

    :param parts: what the names of frames begin with, folder by folder, where there are several.
    """

    root: Path
    layout: Layout
    sources: tuple[Source, ...]
    title: str = ''  # where it is not the folder
    parts: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.title or str(self.root)

    def group_of(self, name: str) -> str:
        """
        Return what a frame belongs to: its part, or the first folder of its name but for a number.

        `clutter_900005/000000` belongs to `clutter`; a frame that lies in no folder, to nothing.
        """
        for part in sorted(self.parts, key=len, reverse=True):
            if name.startswith(f'{part}/'):
                return part
        folder, _, rest = name.partition('/')
        return re.sub(r'(?<=.)[-_]\d+$', '', folder) if rest else ''
