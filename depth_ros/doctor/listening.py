# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Subscriptions of the doctor: heads of all messages, a few of them whole."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSDurabilityPolicy, QoSProfile, QoSReliabilityPolicy
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, LaserScan, PointCloud2

from depth_ros.doctor.seen import CLOUD, COMPRESSED, IMAGE, INFO, SCAN, Received, Topic
from depth_ros.doctor.wire import head_of, image_shape
from depth_ros.libraries import image_to_view_array
from depth_ros.messages.compressed import compressed_to_rgb
from depth_ros.types import DepthError

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import SubscriptionEventCallbacks

CLASSES = {
    IMAGE: Image,
    COMPRESSED: CompressedImage,
    INFO: CameraInfo,
    CLOUD: PointCloud2,
    SCAN: LaserScan,
}
KEPT = 3  # messages of images: a pair is found among the last of both sides


def quiet() -> Any:
    """Return event callbacks that print nothing: the doctor has its own sentences."""
    return SubscriptionEventCallbacks(use_default_callbacks=False)


def profile_for(publishers: Sequence[Any]) -> QoSProfile:
    """Return a profile that hears all publishers: reliable and latched only if all of them are."""
    reliable = bool(publishers) and all(end.reliable for end in publishers)
    latched = reliable and all(end.latched for end in publishers)
    policy, durability = QoSReliabilityPolicy, QoSDurabilityPolicy
    return QoSProfile(
        depth=10,
        reliability=policy.RELIABLE if reliable else policy.BEST_EFFORT,
        durability=durability.TRANSIENT_LOCAL if latched else durability.VOLATILE,
    )


class Listener:
    """One subscription, and what came of it."""

    def __init__(self, node: Node, topic: Topic, kind: str, clock: Callable[[], int]) -> None:
        self.kind, self.name = kind, topic.name
        self.received = Received()
        self._clock, self._start = clock, time.monotonic()
        self._raw: deque[bytes] = deque(maxlen=KEPT if kind in (IMAGE, COMPRESSED) else 1)
        publishers = [end for end in topic.publishers if end.type == kind]
        self._subscription = node.create_subscription(
            CLASSES[kind],
            topic.name,
            self._keep,
            profile_for(publishers),
            raw=True,
            event_callbacks=quiet(),
        )

    def restart(self) -> None:
        """Count from now on."""
        self.received, self._start = Received(), time.monotonic()
        self._raw.clear()

    def _keep(self, data: bytes) -> None:
        received = self.received
        received.arrivals.append(time.monotonic())
        received.size = len(data)
        with suppress(DepthError):
            head = head_of(data)
            received.stamps.append(head.stamp)
            received.ages.append((self._clock() - head.stamp) * 1e-9)
            received.wall_ages.append((time.time_ns() - head.stamp) * 1e-9)
            received.frame = head.frame
            if self.kind == IMAGE:
                received.shape = image_shape(data)
            self._raw.append(data)

    def finish(self, node: Node, pixels: bool) -> Received:
        """Stop, and return what came; images become (stamp, pixels) where they are asked for."""
        node.destroy_subscription(self._subscription)
        self.received.listened = time.monotonic() - self._start
        for data in self._raw:
            if self.kind not in (IMAGE, COMPRESSED) or pixels:
                with suppress(DepthError):
                    self.received.messages.append(self._convert(data))
        return self.received

    def _convert(self, data: bytes) -> Any:
        message = deserialize_message(data, CLASSES[self.kind])
        if self.kind == IMAGE:
            return head_of(data).stamp, image_to_view_array(message)
        if self.kind == COMPRESSED:
            pixels = compressed_to_rgb(message)
            self.received.shape = (pixels.shape[1], pixels.shape[0])
            return head_of(data).stamp, pixels
        return message
