# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Views as a model sees them: each rectified for itself, or a rectified pair."""

from __future__ import annotations

from collections.abc import Sequence

from depth_ros.geometry.camera import rectified_camera
from depth_ros.geometry.rectify import (
    Rectifier,
    check_rectified,
    needs_rectification,
    seen_from_left,
    stereo_targets,
)
from depth_ros.types import Camera, View


class SingleViews:
    """Views that are rectified each for itself."""

    def __init__(self) -> None:
        self.rectifiers: list[Rectifier | None] = []
        self._prepared: tuple[tuple[Camera, ...], str] = ((), '')
        self._targets: tuple[Camera, ...] = ()

    def prepare(self, cameras: Sequence[Camera], mode: str) -> tuple[Camera, ...]:
        """Return the cameras that the model will see, with the maps to them in place."""
        if self._prepared != (tuple(cameras), mode):
            self.rectifiers, targets = self._decide(cameras, mode)
            self._prepared, self._targets = (tuple(cameras), mode), targets
        return self._targets

    def rectified(self, views: Sequence[View]) -> list[View]:
        """Return the views as the model sees them."""
        return [
            View(rectify(view.image) if rectify else view.image, camera, view.known)
            for view, rectify, camera in zip(views, self.rectifiers, self._targets)
        ]

    def _decide(
        self, cameras: Sequence[Camera], mode: str
    ) -> tuple[list[Rectifier | None], tuple[Camera, ...]]:
        rectifiers: list[Rectifier | None] = []
        targets = []
        for camera in cameras:
            raw = needs_rectification(camera, mode)
            rectifiers.append(Rectifier(camera) if raw else None)
            plain = rectified_camera(camera) if mode == 'never' else camera
            targets.append(rectifiers[-1].camera if rectifiers[-1] else plain)
        return rectifiers, tuple(targets)


class PairedViews(SingleViews):
    """Two views that become a rectified pair together."""

    def _decide(
        self, cameras: Sequence[Camera], mode: str
    ) -> tuple[list[Rectifier | None], tuple[Camera, ...]]:
        left, right = cameras
        raw = needs_rectification(left, mode) or needs_rectification(right, mode)
        if mode == 'never' or not raw:
            targets = (rectified_camera(left), rectified_camera(right))
        else:
            targets = stereo_targets(left, right)
        # From here on the baseline is that of the right camera alone, whatever model reads it.
        targets = seen_from_left(*targets)
        if not raw and mode != 'never' and not _same_lens(*targets):
            # Undistorted eyes of different focal length: one of them is resampled to the other.
            targets, raw = seen_from_left(*stereo_targets(left, right)), True
        check_rectified(*targets)
        if not raw:
            return [None, None], targets
        return [Rectifier(left, targets[0]), Rectifier(right, targets[1])], targets


def _same_lens(left: Camera, right: Camera) -> bool:
    rows = (left.fx, left.fy, left.cy) == (right.fx, right.fy, right.cy)
    return rows and left.size_wh == right.size_wh
