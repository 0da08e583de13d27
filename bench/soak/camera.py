# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The camera of the soak: good frames of any size and encoding, late, restarted or malformed."""

from __future__ import annotations

import array
import random
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSProfile, QoSReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.messages.encodings import ENCODINGS
from depth_ros.types import Camera, FloatImage

NORMAL, DISTANCE = (0.2, -0.3, 1.0), 3.0
SIZES = ((320, 240), (640, 480), (424, 240))
ENCODED = ('mono8', 'rgb8', 'bgr8', 'bgra8', 'bayer_rggb8', 'yuv422_yuy2', 'nv12')


def exact_depth(camera: Camera) -> FloatImage:
    """Return Z of the plane in closed form, apart from the code under test."""
    v, u = np.mgrid[: camera.height, : camera.width].astype(np.float64)
    normal = np.array(NORMAL) / np.linalg.norm(NORMAL)
    rays = ((u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, 1.0)
    return np.asarray(DISTANCE / sum(n * r for n, r in zip(normal, rays)), np.float32)


@dataclass
class Sent:
    """What is known about every frame that was sent."""

    cameras: dict[int, Camera] = field(default_factory=dict)  # of good frames, by stamp
    bad: set[int] = field(default_factory=set)
    # Good images with a bad calibration: lost on its way, the last good one holds.
    doubtful: dict[int, Camera] = field(default_factory=dict)
    times: dict[int, float] = field(default_factory=dict)


def _cut(image: Any, info: Any) -> None:
    image.data = image.data[: len(image.data) // 3]


def _set(**fields: Any) -> Any:
    def spoil(image: Any, info: Any) -> None:
        for name, value in fields.items():
            setattr(image, name, value)

    return spoil


def _calibration(name: str, index: int, value: float) -> Any:
    def spoil(image: Any, info: Any) -> None:
        values = list(getattr(info, name))
        values[index] = value
        setattr(info, name, values)

    return spoil


BAD_IMAGES = (
    _cut,
    _set(width=0),
    _set(height=2**31),
    _set(step=1),
    _set(encoding='rgb9'),
    _set(encoding='32FC1'),
)
BAD_CALIBRATIONS = (
    _calibration('k', 0, 0.0),
    _calibration('k', 2, float('nan')),
    _calibration('p', 5, -1.0),
    _calibration('r', 0, 7.0),
)


class CameraDriver:
    """Publish an image and its calibration; what it does wrong is switched on from outside."""

    def __init__(self, node: Node, rng: random.Random) -> None:
        self._node, self._rng = node, rng
        self.sent = Sent()
        self.size, self.encoding = SIZES[0], 'rgb8'
        self.shift = 0  # ns added to the clock
        self.late = False
        self.malformed = False
        self._pending: list[Any] = []
        self._images: dict[tuple[Any, ...], tuple[Any, Any, Camera]] = {}
        self._topics: list[Any] = []
        self.start()

    def start(self) -> None:
        """Create the publishers."""
        qos = QoSProfile(depth=5, reliability=QoSReliabilityPolicy.BEST_EFFORT)
        create = self._node.create_publisher
        self._topics = [create(Image, 'image', qos), create(CameraInfo, 'camera_info', qos)]

    def stop(self) -> None:
        """Destroy the publishers, as a driver that crashed."""
        for topic in self._topics:
            self._node.destroy_publisher(topic)
        self._topics = []
        self._pending = []

    def tick(self) -> None:
        """Send one frame, and a malformed one before it where they are switched on."""
        if not self._topics:
            return
        for info in self._pending:
            self._topics[1].publish(info)
        self._pending = []
        if self.malformed:
            self._send(self._rng.choice(BAD_IMAGES + BAD_CALIBRATIONS))
        self._send(None)

    def _send(self, spoil: Any) -> None:
        now = time.time_ns() + self.shift
        image, info, camera = self._messages()
        head = Header(frame_id='camera_optical')
        head.stamp.sec, head.stamp.nanosec = divmod(now, 1_000_000_000)
        image.header = info.header = head
        if spoil is not None:
            spoil(image, info)
            if spoil in BAD_CALIBRATIONS:
                self.sent.doubtful[now] = camera
            else:
                self.sent.bad.add(now)
        else:
            self.sent.cameras[now] = camera
        self.sent.times[now] = time.monotonic()
        if self.late and spoil is None:
            self._pending.append(info)
        else:
            self._topics[1].publish(info)
        self._topics[0].publish(image)

    def _messages(self) -> tuple[Any, Any, Camera]:
        key = (self.size, self.encoding)
        if key not in self._images:
            width, height = self.size
            camera = Camera.pinhole(width, height, 0.8 * width, cx=0.47 * width)
            layout = ENCODINGS[self.encoding]
            step = width * layout.pixel_bytes
            noise = np.random.default_rng(0).integers(0, 255, int(step * height * layout.rows))
            data = array.array('B', noise.astype(np.uint8).tobytes())
            self._images[key] = data, step, camera
        data, step, camera = self._images[key]
        width, height = self.size
        image = Image(width=width, height=height, encoding=self.encoding, step=step, data=data)
        return image, camera_to_camera_info(camera, Header()), camera
