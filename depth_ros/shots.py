# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
From the messages of one moment to what a pipeline takes: the same for a node and for a bag.

Nothing here imports rclpy. Messages are read by their fields, so that those of ROS and those of
a bag reader are both accepted.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from depth_ros.geometry.camera import decimated_camera
from depth_ros.libraries import image_to_view_array
from depth_ros.messages.camera_info import camera_info_to_camera, mismatch
from depth_ros.messages.compressed import compressed_to_rgb
from depth_ros.types import Camera, Image


def stamp_ns(header: Any) -> int:
    """Return the stamp of a header in nanoseconds."""
    return int(header.stamp.sec) * 1_000_000_000 + int(header.stamp.nanosec)


def is_named_rectified(topic: str) -> bool:
    """Return whether an image topic has the name that image_proc gives to a rectified image."""
    words = topic.removesuffix('/compressed').rsplit('/', 1)[-1].split('_')
    return 'rect' in words


class Shot(NamedTuple):
    """An image and its calibration, as messages."""

    stamp: int
    image: Any
    info: Any


class Resolver:
    """Convert messages to an image and a Camera; an unchanged calibration is not read again."""

    def __init__(self) -> None:
        self._key: tuple[Any, ...] = ()
        self._cameras: tuple[Camera, Camera] | None = None  # of the message, of the image

    def __call__(self, image: Any, info: Any, decimation: int = 1) -> tuple[Image, Camera]:
        """Return the image and its camera; with a decimation of n, of means of n x n pixels."""
        # CompressedImage is the one with a format, Image the one with an encoding.
        compressed = not hasattr(image, 'encoding')
        pixels = None if compressed else image_to_view_array(image, decimation)
        key = (decimation, *info_content(info))
        if self._cameras is None or key != self._key:
            whole = camera_info_to_camera(info)
            self._cameras, self._key = (whole, decimated_camera(whole, decimation)), key
        whole, camera = self._cameras
        if pixels is None:
            pixels = compressed_to_rgb(image, whole.size_wh, decimation)
        elif (image.width, image.height) != whole.size_wh:
            raise mismatch(image.width, image.height, whole.size_wh)
        return pixels, camera


def info_content(info: Any) -> tuple[Any, ...]:
    """Return what a calibration says beside its header, to compare it with another."""
    roi = info.roi
    return (
        info.width,
        info.height,
        info.distortion_model,
        np.asarray(info.d, np.float64).tobytes(),
        *(np.asarray(m, np.float64).tobytes() for m in (info.k, info.r, info.p)),
        (info.binning_x, info.binning_y),
        (roi.x_offset, roi.y_offset, roi.width, roi.height, roi.do_rectify),
    )
