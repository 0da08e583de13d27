# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The sensors that give metres to a camera: each on a topic of its own, kept until it is paired.

| source | topic | message |
|---|---|---|
| depth | scale/depth | sensor_msgs/Image |
| cloud | scale/cloud | sensor_msgs/PointCloud2 |
| scan | scale/scan | sensor_msgs/LaserScan |
| range | scale/range | sensor_msgs/Range |
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSReliabilityPolicy
from sensor_msgs.msg import Image, LaserScan, PointCloud2, Range

from depth_ros import libraries
from depth_ros.messages.depth_image import image_to_depth
from depth_ros.metric.scaler import Reading
from depth_ros.metric.sources.cloud import Cloud
from depth_ros.metric.sources.range_beam import Beam
from depth_ros.metric.sources.scan import Scan
from depth_ros.nodes.input.live_transforms import LiveTransforms
from depth_ros.nodes.qos import (
    following_policies,
    reliable_sensor_qos,
    sensor_qos,
    with_overrides,
)
from depth_ros.shots import stamp_ns
from depth_ros.types import DepthError, Matrix

NS = 1e-9
REMEMBERED = 30  # messages of a source that wait for their image
TOPICS: Mapping[str, tuple[str, Any]] = {
    'depth': ('scale/depth', Image),
    'cloud': ('scale/cloud', PointCloud2),
    'scan': ('scale/scan', LaserScan),
    'range': ('scale/range', Range),
}


class SourceTopic:
    """Subscribe to one sensor while it is wanted, and keep its last messages."""

    def __init__(self, node: Node, topic: str, kind: Any, complain: Callable[[str], None]) -> None:
        self._node, self._kind, self._complain = node, kind, complain
        self.topic = node.resolve_topic_name(topic)
        self._subscription: Any = None
        self._reliable = False
        self.messages: deque[Any] = deque(maxlen=REMEMBERED)

    def listen(self, wanted: bool) -> None:
        """Subscribe, or forget and leave; follow the publishers where they become reliable."""
        if not wanted:
            self._leave()
            self.messages.clear()
            return
        reliable = self._all_reliable()
        if self._subscription is not None and reliable in (None, self._reliable):
            return
        self._leave()
        # A best-effort subscription loses large messages, a reliable one hears no best-effort
        # publisher.
        self._reliable = bool(reliable)
        create = partial(self._node.create_subscription, self._kind, self.topic, self._receive)
        profile = reliable_sensor_qos if self._reliable else sensor_qos
        policies = following_policies(self._node, self.topic)
        self._subscription = with_overrides(create, profile, self.topic, self._complain, policies)

    def _receive(self, message: Any) -> None:
        self.messages.append(message)

    def _leave(self) -> None:
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def _all_reliable(self) -> bool | None:
        """Return whether every publisher is reliable; None without publishers."""
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        policies = [p.qos_profile.reliability for p in publishers]
        return all(p == QoSReliabilityPolicy.RELIABLE for p in policies) if policies else None


class SensorInputs:
    """The topics of the sources that measure by themselves."""

    def __init__(
        self,
        node: Node,
        transforms: LiveTransforms,
        complain: Callable[[str], None],
        prefix: str = '',
    ) -> None:
        self._transforms = transforms
        self._topics = {
            name: SourceTopic(node, prefix + topic, kind, complain)
            for name, (topic, kind) in TOPICS.items()
        }

    def listen(self, names: Collection[str]) -> None:
        """Subscribe to these sources and leave the others."""
        for name, topic in self._topics.items():
            topic.listen(name in names)

    def reset(self) -> None:
        """Forget what waits: time jumped."""
        for topic in self._topics.values():
            topic.messages.clear()

    def readings(
        self, name: str, camera_frame: str, pose: Matrix | None
    ) -> list[Reading] | DepthError:
        """
        Return what a source has measured lately, or why that is nothing.

        `pose` is that of the sensor in the optical frame; None: TF knows it.
        """
        topic = self._topics[name]
        messages = list(topic.messages)
        if not messages:
            return DepthError(
                f'nothing came on {topic.topic}; start the sensor or remap scale/{name}'
            )

        def where(message: Any) -> Matrix:
            if pose is not None:
                return pose
            return self._transforms.pose(
                message.header.frame_id, camera_frame, f'set scale.{name}.pose'
            )

        read: Callable[[Any], Any] = partial(_READ[name], where=where)
        return [Reading(stamp_ns(m.header) * NS, partial(read, m)) for m in messages]


def _read_depth(message: Any, where: Callable[[Any], Matrix]) -> Any:
    return image_to_depth(message)


def _read_cloud(message: Any, where: Callable[[Any], Matrix]) -> Cloud:
    points = libraries.read_points(message)
    missing = [name for name in 'xyz' if name not in (points.dtype.names or ())]
    if missing:
        raise DepthError(
            f'the cloud has no field {missing[0]!r}, expected x, y and z; check its publisher'
        )
    xyz = np.stack([points[name].astype(np.float64) for name in 'xyz'], axis=-1)
    return Cloud(xyz, where(message))


def _read_scan(message: Any, where: Callable[[Any], Matrix]) -> Scan:
    return Scan(
        np.asarray(message.ranges, np.float64),
        float(message.angle_min),
        float(message.angle_increment),
        where(message),
        float(message.range_min),
        # Drivers leave it 0 where they do not know it.
        float(message.range_max) if message.range_max > 0 else np.inf,
    )


def _read_range(message: Any, where: Callable[[Any], Matrix]) -> Beam:
    metres = float(message.range)
    if not message.min_range <= metres <= message.max_range:
        metres = float('nan')  # REP-117: nothing was measured
    return Beam(metres, float(message.field_of_view), where(message))


_READ = {'depth': _read_depth, 'cloud': _read_cloud, 'scan': _read_scan, 'range': _read_range}
