# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The images of one camera of a rosbag2 recording, with its poses where odometry was recorded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from depth_ros.files.bags.content import BagError, Message
from depth_ros.files.bags.reader import Bag
from depth_ros.files.bags.serialise import Types
from depth_ros.geometry.camera import rectified_camera
from depth_ros.geometry.poses import pose_of
from depth_ros.geometry.trajectory import PoseTrack
from depth_ros.reprocess.topics import Choice, choose
from depth_ros.reprocess.transforms import Transforms
from depth_ros.shots import Resolver, is_named_rectified, stamp_ns
from depth_ros.types import Camera, DepthError, Image, Matrix

ODOMETRY = 'nav_msgs/msg/Odometry'
APART = 0.2  # seconds from an image to the odometry before and after it, at most


@dataclass(frozen=True, eq=False)
class Moment:
    """An image and where it was taken."""

    time: int  # of the recording, nanoseconds
    image: Image
    camera: Camera
    pose: Matrix | None  # 4x4 camera-to-odometry of the frame of the image; None: not asked for


class Video:
    """
    One camera of a recording, with its first calibration.

    :param image: its topic; empty: found by type and name.
    :param odometry: the topic of its poses; empty: the only one; None: none are wanted.
    """

    def __init__(self, path: Path, image: str = '', odometry: str | None = None) -> None:
        self._bag = Bag(path)
        self._types = Types(self._bag.topics)
        try:
            [eye] = choose(self._bag.topics, 1, Choice(image=image))
        except BagError as error:
            raise DepthError(
                f'{path}: {error} (in a configuration, --image is data.image_topic)'
            ) from error
        self.topic, self.count = eye.image, self._bag.topics[eye.image].count
        info = next(iter(self._bag.messages({eye.info})), None)
        if info is None:
            raise DepthError(f'{path} has no calibration on {eye.info}; record it too')
        self._info = self._read(info)
        self._rectified = is_named_rectified(eye.image)
        self._resolve = Resolver()
        self._poses = None if odometry is None else _Poses(self._bag, self._types, odometry)

    def moments(self) -> Iterator[Moment | None]:
        """Yield every image; None for one that cannot be used, or that has no pose as wanted."""
        for message in self._bag.messages({self.topic}):
            try:
                yield self._moment(message)
            except BagError:
                raise  # the recording lacks something
            except DepthError:
                yield None

    def at(self, time: int) -> Moment:
        """Return the image that was recorded at a time."""
        return self._moment(next(iter(self._bag.messages({self.topic}, time, time + 1))))

    def _read(self, message: Message) -> Any:
        return self._types.read(message.topic, message.data)

    def _moment(self, message: Message) -> Moment:
        try:
            content = self._read(message)
        except BagError as error:
            raise DepthError(str(error)) from error
        image, camera = self._resolve(content, self._info)
        pose = None if self._poses is None else self._poses.at(content.header)
        seen = rectified_camera(camera) if self._rectified else camera
        return Moment(message.time, image, seen, pose)


class _Poses:
    """Where a camera was, by the odometry and the transforms of a recording."""

    def __init__(self, bag: Bag, types: Types, topic: str) -> None:
        there = [t.name for t in bag.topics.values() if t.type == ODOMETRY and t.count]
        if topic not in there and (topic or len(there) != 1):
            listed = ', '.join(there) or 'no odometry'
            raise DepthError(
                f'{bag.path} has {listed}, expected {topic or "one topic of it"}; set '
                'data.odometry_topic, or odometry: false'
            )
        self._track, self._body = PoseTrack(1 << 30), ''
        for message in bag.messages({topic or there[0]}):
            content = types.read(message.topic, message.data)
            at, turn = content.pose.pose.position, content.pose.pose.orientation
            with suppress(DepthError):  # a message without a pose costs its moment only
                pose = pose_of((at.x, at.y, at.z), (turn.x, turn.y, turn.z, turn.w))
                self._track.add(stamp_ns(content.header), pose)
            self._body = content.child_frame_id
        self._transforms = Transforms(bag)
        self._mounts: dict[str, Matrix] = {}

    def at(self, header: Any) -> Matrix:
        """Return the pose of a frame at a stamp."""
        frame = header.frame_id
        if frame not in self._mounts:
            self._mounts[frame] = self._transforms.between(self._body, frame)
        body = self._track.at(stamp_ns(header), APART, surrounded=True)
        if body is None:
            raise DepthError('there is no odometry around this image')
        return body @ self._mounts[frame]
