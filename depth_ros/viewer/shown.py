# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What is shown of one model or node at one moment, and the images and points it becomes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from depth_ros.files.depth_colors import depth_to_colors, draw_depth, draw_relative
from depth_ros.geometry.channels import as_rgb
from depth_ros.geometry.unproject import depth_to_points
from depth_ros.pipeline import DepthFrame
from depth_ros.types import Camera, FloatImage, Image

POINTS = 150_000  # of one cloud; a browser on a laptop turns some of these smoothly
WIDTH = 480  # pixels of the images in the side panel
FARTHEST = 100.0  # metres; what is farther would make the rest a dot


@dataclass(frozen=True, eq=False)
class Shown:
    """
    One moment of one model or node; what it does not have is None.

    :param points: a cloud that came as such, (N, 3), with its colours (N, 3).
    """

    image: Image | None = None
    depth: FloatImage | None = None
    camera: Camera | None = None
    relative: FloatImage | None = None
    points: tuple[FloatImage, Image] | None = None
    note: str = ''

    @classmethod
    def of(cls, frame: DepthFrame, note: str = '') -> Shown:
        """Return what is shown of a frame of the pipeline."""
        relative = frame.prediction.values if frame.depth is None else None
        return cls(frame.image, frame.depth, frame.camera, relative, note=note)

    def draw_image(self) -> Image | None:
        """Return the camera's image, small."""
        return None if self.image is None else _small(as_rgb(self.image))

    def draw_depth(self) -> Image | None:
        """Return depth in colours with its scale, small."""
        if self.depth is not None:
            return _small(draw_depth(self.depth))
        return None if self.relative is None else _small(draw_relative(self.relative))

    def cloud(self) -> tuple[FloatImage, Image]:
        """Return points (N, 3) in metres and their colours; empty where there are no metres."""
        if self.points is not None:
            points, colours = self.points
        elif self.depth is None or self.camera is None:
            return np.zeros((0, 3), np.float32), np.zeros((0, 3), np.uint8)
        else:
            points = depth_to_points(self.depth, self.camera).reshape(-1, 3)
            fits = self.image is not None and self.image.shape[:2] == self.depth.shape
            seen = as_rgb(self.image) if fits and self.image is not None else None
            seen = depth_to_colors(self.depth) if seen is None else seen
            colours = seen.reshape(-1, 3)
        keep = np.flatnonzero(np.isfinite(points[:, 2]) & (points[:, 2] < FARTHEST))
        step = max(1, -(-len(keep) // POINTS))
        keep = keep[::step]
        return np.ascontiguousarray(points[keep]), np.ascontiguousarray(colours[keep])

    def words(self) -> str:
        """Return what is known in numbers, as Markdown."""
        lines = [self.note] if self.note else []
        if self.depth is not None:
            valid = self.depth[np.isfinite(self.depth)]
            lines.append(f'{valid.size / self.depth.size:.0%} valid')
            if valid.size:
                near, middle, far = np.percentile(
                    valid[:: max(1, valid.size // 20000)], (2, 50, 98)
                )
                lines.append(f'{near:.2f} … {middle:.2f} … {far:.2f} m')
        elif self.relative is not None:
            lines.append('relative: no metres, no cloud')
        return '<br>'.join(lines)


def _small(pixels: npt.NDArray[np.uint8]) -> Image:
    height, width = pixels.shape[:2]
    if width <= WIDTH:
        return pixels
    size = (WIDTH, max(1, round(height * WIDTH / width)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
