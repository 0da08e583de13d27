# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One camera as it arrives: its image, raw or compressed, and its calibration."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSDurabilityPolicy, QoSReliabilityPolicy
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from depth_ros.nodes.health.health import Rate
from depth_ros.nodes.health.reasons import EyeFacts, TopicFacts
from depth_ros.nodes.input.coupling import Coupler
from depth_ros.nodes.qos import (
    following_policies,
    reliable_sensor_qos,
    sensor_qos,
    with_overrides,
)
from depth_ros.shots import Shot, info_content, is_named_rectified, stamp_ns

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import SubscriptionEventCallbacks


class CameraInput:
    """
    Subscribe to `<prefix><image>` and `<prefix>camera_info`; call back with what belongs together.

    Nothing is subscribed until `subscribe`, and nothing after `unsubscribe`.
    """

    def __init__(
        self,
        node: Node,
        prefix: str,
        transport: str,
        callback: Callable[[Shot], None],
        complain: Callable[[str], None],
        lost: Callable[[], None],
        image: str = 'image',
    ) -> None:
        self.name = prefix.rstrip('/')
        self._node, self._complain = node, complain
        self._type = CompressedImage if transport == 'compressed' else Image
        self._topics = {
            # <image>/compressed after remapping, as image_transport names it.
            'image': node.resolve_topic_name(f'{prefix}{image}')
            + ('/compressed' if transport == 'compressed' else ''),
            'info': node.resolve_topic_name(f'{prefix}camera_info'),
        }
        self._subscriptions: dict[str, Subscription] = {}
        self._asked_reliable: dict[str, bool] = {}
        self._coupler: Coupler[Any, CameraInfo] = Coupler(
            lambda stamp, image, info: callback(Shot(stamp, image, info)),
            lost,
            lambda before, after: info_content(before) == info_content(after),
        )
        self._rates = {'image': Rate(), 'info': Rate()}
        self._image_bytes = 0

    @property
    def subscribed(self) -> bool:
        return bool(self._subscriptions)

    @property
    def named_rectified(self) -> bool:
        """Whether the image topic is called as image_proc calls what it has rectified."""
        return is_named_rectified(self._topics['image'])

    def subscribe(self) -> None:
        """Listen; what the topics' `qos_overrides` say is applied."""
        if self._subscriptions:
            return
        for rate in self._rates.values():
            rate.start(time.monotonic())
        for key in ('info', 'image'):
            self._create(key)

    def follow(self) -> None:
        """Subscribe anew where the publishers have become reliable, or no longer are."""
        for key in list(self._subscriptions):
            if self._all_reliable(key) not in (None, self._asked_reliable[key]):
                self._node.destroy_subscription(self._subscriptions.pop(key))
                self._create(key)

    def _create(self, key: str) -> None:
        """
        Subscribe reliably where every publisher is reliable, else best-effort.

        A reliable subscription never hears a best-effort publisher; a best-effort one loses large
        messages of a reliable publisher.
        """
        reliable = bool(self._all_reliable(key))
        create = partial(
            self._node.create_subscription,
            CameraInfo if key == 'info' else self._type,
            self._topics[key],
            self._on_info if key == 'info' else self._on_image,
            # The diagnostics say more than rclpy's own warning does.
            event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
        )
        profile = reliable_sensor_qos if reliable else sensor_qos
        self._asked_reliable[key] = reliable
        self._subscriptions[key] = with_overrides(
            create,
            profile,
            self._topics[key],
            self._complain,
            following_policies(self._node, self._topics[key]),
        )

    def _all_reliable(self, key: str) -> bool | None:
        """Return whether every publisher is reliable; None without publishers."""
        publishers = self._node.get_publishers_info_by_topic(self._topics[key])
        policies = [p.qos_profile.reliability for p in publishers]
        if not policies:
            return None
        return all(policy == QoSReliabilityPolicy.RELIABLE for policy in policies)

    def unsubscribe(self) -> None:
        """Stop listening and forget."""
        for subscription in self._subscriptions.values():
            self._node.destroy_subscription(subscription)
        self._subscriptions.clear()
        self.reset()

    def reset(self) -> None:
        """Forget what waits: time jumped."""
        self._coupler.reset()

    def flush(self) -> None:
        """Release an image that has waited long enough for a calibration of its own stamp."""
        self._coupler.flush(time.monotonic())

    def _on_info(self, msg: CameraInfo) -> None:
        self._rates['info'].tick(time.monotonic())
        self._coupler.add_info(stamp_ns(msg.header), msg)

    def _on_image(self, msg: Any) -> None:
        self._rates['image'].tick(time.monotonic())
        self._image_bytes = len(msg.data)
        self._coupler.add_image(stamp_ns(msg.header), msg, time.monotonic())

    def facts(self, now: float) -> EyeFacts:
        """Return what can be seen from here, for the diagnostics."""
        return EyeFacts(
            self.name,
            self._topic_facts('image', now),
            self._topic_facts('info', now),
            self._coupler.has_info,
            self._image_bytes,
        )

    def _topic_facts(self, key: str, now: float) -> TopicFacts:
        topic, rate = self._topics[key], self._rates[key]
        kind = (CameraInfo if key == 'info' else self._type).__name__
        publishers = self._node.get_publishers_info_by_topic(topic)
        of_type = [p for p in publishers if p.topic_type.rsplit('/', 1)[-1] == kind]
        others = sorted({p.topic_type for p in publishers} - {p.topic_type for p in of_type})
        subscription = self._subscriptions.get(key)
        qos = subscription.qos_profile if subscription else sensor_qos()
        reliable = qos.reliability == QoSReliabilityPolicy.RELIABLE
        return TopicFacts(
            topic,
            publishers=len(of_type),
            best_effort=sum(
                p.qos_profile.reliability == QoSReliabilityPolicy.BEST_EFFORT for p in of_type
            ),
            latched=sum(
                p.qos_profile.durability == QoSDurabilityPolicy.TRANSIENT_LOCAL for p in of_type
            ),
            other_types=tuple(others),
            kind=f'sensor_msgs/msg/{kind}',
            reliable=reliable,
            # A best-effort subscriber is not given what was sent before it came.
            keeps_latched=reliable and qos.durability == QoSDurabilityPolicy.TRANSIENT_LOCAL,
            hertz=rate.hertz(now),
            silent=rate.silent(now),
            received=rate.total_since_start,
        )
