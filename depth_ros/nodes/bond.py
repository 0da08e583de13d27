# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The bond that Nav2's lifecycle_manager expects of an active node.

The manager shuts a node down whose bond breaks or is never made within `bond_timeout` (4 s). The
message is bond/msg/Status; bondpy is not needed to keep its protocol: the node publishes its
heartbeat on `bond`, and the manager answers there with the same id.
"""

from __future__ import annotations

import importlib
import uuid
from contextlib import suppress
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile

PERIOD = 0.1  # seconds between heartbeats, as nav2_util has it
TIMEOUT = 4.0  # seconds without one after which the other side takes the bond for broken
TOPIC = 'bond'  # beside the node, as that of the manager


class Bond:
    """
    The node's half of a bond, while it is active.

    Where the message package `bond` is not installed there is no bond, and `reason` says so; set
    `bond_timeout: 0.0` in the manager then.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self.reason = ''
        self._timer: Any = None
        try:
            self._message = importlib.import_module('bond.msg').Status
        except (ImportError, AttributeError):
            self._message = None
            self.reason = 'the package bond is not installed'
            return
        self._publisher = node.create_publisher(self._message, TOPIC, QoSProfile(depth=10))
        self._id = ''

    def start(self) -> None:
        """Begin the heartbeat: the node has become active."""
        if self._message is None or self._timer is not None:
            return
        self._id = str(uuid.uuid4())
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = self._node.create_timer(PERIOD, lambda: self._beat(True), clock=steady)
        self._beat(True)

    def stop(self) -> None:
        """End the bond on purpose: the node is no longer active."""
        if self._timer is None:
            return
        self._node.destroy_timer(self._timer)
        self._timer = None
        # At the end of the process nothing can be published any more: the heartbeat just ends.
        if self._node.context.ok():
            with suppress(Exception):  # it may end between the two
                self._beat(False)

    def _beat(self, active: bool) -> None:
        message = self._message(
            id=self._node.get_name(),
            instance_id=self._id,
            active=active,
            heartbeat_timeout=TIMEOUT,
            heartbeat_period=PERIOD,
        )
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)
