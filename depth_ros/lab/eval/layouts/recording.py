# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
A rosbag2 recording with measured depth: of a depth camera, or of a LiDAR and /tf_static.

Each measurement is one frame, with the image whose stamp is nearest. The points are projected
into the rectified image, so the depth camera may stand beside the colour camera.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from depth_ros.files.bags.content import Topic
from depth_ros.files.bags.reader import Bag, is_bag
from depth_ros.files.bags.serialise import Types
from depth_ros.geometry.camera import rectified_camera
from depth_ros.geometry.rectify import Rectifier, needs_rectification, stereo_targets
from depth_ros.geometry.unproject import depth_to_points
from depth_ros.lab.eval.frames import Frame, Layout, Source
from depth_ros.lab.eval.layouts.kitti import sparse_depth
from depth_ros.messages.camera_info import camera_info_to_camera
from depth_ros.messages.cloud import cloud_to_points
from depth_ros.messages.depth_image import image_to_depth
from depth_ros.reprocess.topics import INFO, RAW, Choice, Eye, cameras, choose
from depth_ros.reprocess.transforms import Transforms
from depth_ros.shots import Resolver, is_named_rectified, stamp_ns
from depth_ros.types import Camera, DepthError, Image

CLOUD = 'sensor_msgs/msg/PointCloud2'
APART = 50_000_000  # nanoseconds between the stamps of image and measurement, at most
AROUND = 2_000_000_000  # of recording around a measurement, where its image is


def _find(root: Path) -> list[Source]:
    if not is_bag(root):
        return []
    recording = _open(root)
    if recording is None:
        return []
    times = [message.time for message in recording.bag.messages({recording.measured.name})]
    return [Source(str(time), partial(recording.load, time)) for time in times]


@lru_cache(maxsize=4)
def _open(root: Path) -> _Recording | None:
    bag = Bag(root)
    measured = _measured(bag.topics)
    if measured is None or not cameras(bag.topics):
        bag.close()
        return None
    return _Recording(bag, measured)


def _measured(topics: Mapping[str, Topic]) -> Topic | None:
    """Return the depth image that a camera measured, or else a cloud; None for none."""
    depths = [t for t in topics.values() if t.type == RAW and t.count and _is_depth(t.name)]
    clouds = [t for t in topics.values() if t.type == CLOUD and t.count]
    # The aligned depth image first: it has one measurement for every pixel.
    depths.sort(key=lambda t: ('aligned' not in t.name and 'registered' not in t.name, t.name))
    clouds.sort(key=lambda t: -t.count)
    return next(iter(depths + clouds), None)


def _is_depth(name: str) -> bool:
    return 'depth' in name.lower().replace('/', '_').split('_') or 'aligned_depth' in name


class _Recording:
    """One open recording."""

    def __init__(self, bag: Bag, measured: Topic) -> None:
        self.bag, self.measured = bag, measured
        self._types = Types(bag.topics)
        self._eyes = _eyes(bag.topics)
        self._resolvers = [Resolver() for _ in self._eyes]
        self._transforms: Transforms | None = None
        self._infos: dict[str, Any] = {}

    def load(self, time: int) -> Frame:
        """Return the frame of the measurement that was recorded at a time."""
        around = self._around(time)
        measurement = next(m for when, m in around[self.measured.name] if when == time)
        stamp = stamp_ns(measurement.header)
        views = [self._nearest(eye, stamp, around) for eye in self._eyes]
        cameras_now, images = _rectified(views, self._eyes)
        frame_id = views[0][2]
        points = self._points(measurement)
        move = self._to_camera(frame_id, measurement.header.frame_id)
        turn = np.eye(4)
        turn[:3, :3] = _rotation(views[0][1], cameras_now[0], self._eyes[0])
        width, height = cameras_now[0].size_wh
        depth = sparse_depth(points, turn @ move, cameras_now[0].K, width, height)
        right = (images[1], cameras_now[1]) if len(images) > 1 else (None, None)
        return Frame(str(time), images[0], cameras_now[0], depth, *right)

    def _around(self, time: int) -> dict[str, list[tuple[int, Any]]]:
        wanted = {self.measured.name, *(eye.image for eye in self._eyes)}
        found: dict[str, list[tuple[int, Any]]] = {name: [] for name in wanted}
        for message in self.bag.messages(wanted, time - AROUND, time + AROUND):
            if message.topic != self.measured.name or message.time == time:
                content = self._types.read(message.topic, message.data)
                found[message.topic].append((message.time, content))
        return found

    def _nearest(
        self, eye: Eye, stamp: int, around: Mapping[str, list[tuple[int, Any]]]
    ) -> tuple[Image, Camera, str]:
        images = [message for _, message in around[eye.image]]
        if not images:
            raise DepthError(f'there is no image on {eye.image} near this measurement')
        best = min(images, key=lambda message: abs(stamp_ns(message.header) - stamp))
        apart = abs(stamp_ns(best.header) - stamp)
        if apart > APART:
            raise DepthError(
                f'the nearest image on {eye.image} is {apart * 1e-9:.3f} s from the measurement, '
                f'expected at most {APART * 1e-9:g} s'
            )
        resolver = self._resolvers[self._eyes.index(eye)]
        image, camera = resolver(best, self._info(eye.info))
        return image, camera, best.header.frame_id

    def _info(self, topic: str) -> Any:
        if topic not in self._infos:
            message = next(self.bag.messages({topic}), None)
            if message is None:
                raise DepthError(f'there is no calibration on {topic}')
            self._infos[topic] = self._types.read(topic, message.data)
        return self._infos[topic]

    def _points(self, measurement: Any) -> np.ndarray:
        """Return the measured points (N, 3) in the frame of their sensor."""
        if self.measured.type == CLOUD:
            cloud = cloud_to_points(measurement).reshape(-1)
            points = np.stack([cloud[axis].astype(np.float32) for axis in 'xyz'], -1)
        else:
            depth = image_to_depth(measurement)
            topics = self.bag.topics
            info = f'{self.measured.name.rpartition("/")[0]}/camera_info'
            if info not in topics or topics[info].type != INFO:
                raise DepthError(f'{self.measured.name} has no {info} beside it; record it too')
            camera = camera_info_to_camera(self._info(info), depth.shape[1], depth.shape[0])
            points = depth_to_points(depth, rectified_camera(camera)).reshape(-1, 3)
        return points[np.isfinite(points).all(axis=1)]

    def _to_camera(self, target: str, source: str) -> np.ndarray:
        if target.lstrip('/') == source.lstrip('/'):
            return np.eye(4)
        if self._transforms is None:
            self._transforms = Transforms(self.bag)
        return self._transforms.between(target, source)


def _eyes(topics: Mapping[str, Topic]) -> tuple[Eye, ...]:
    """Return a pair where there is one, so that stereo models can be measured too."""
    try:
        return choose(topics, 2, Choice())
    except DepthError:
        return choose(topics, 1, Choice())


def _rotation(raw: Camera, rectified: Camera, eye: Eye) -> np.ndarray:
    """Return the rotation from the frame of the image to that of the rectified one."""
    return np.eye(3) if is_named_rectified(eye.image) else rectified.R.T @ raw.R


def _rectified(
    views: list[tuple[Image, Camera, str]], eyes: tuple[Eye, ...]
) -> tuple[list[Camera], list[Image]]:
    if is_named_rectified(eyes[0].image) or not any(needs_rectification(c) for _, c, _ in views):
        return [rectified_camera(camera) for _, camera, _ in views], [v[0] for v in views]
    targets: tuple[Camera, ...] = (rectified_camera(views[0][1]),)
    if len(views) == 2:
        targets = stereo_targets(views[0][1], views[1][1])
    maps = [Rectifier(camera, target) for (_, camera, _), target in zip(views, targets)]
    return list(targets), [rectify(view[0]) for rectify, view in zip(maps, views)]


LAYOUTS = (
    Layout(
        'bag',
        'a rosbag2 recording with a depth image, or a LiDAR cloud and /tf_static',
        _find,
    ),
)
