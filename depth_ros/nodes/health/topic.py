# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`~/health`: ten times a second, how old the newest depth is, against `source_timeout`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode

from depth_ros import libraries
from depth_ros.nodes.health.freshness import Freshness, judge, worth_a_report
from depth_ros.nodes.health.health import Health
from depth_ros.nodes.health.reasons import Reason

PERIOD = 0.1  # seconds


class HealthTopic:
    """
    Publish a diagnostic_msgs/DiagnosticStatus while the topic has a subscriber.

    It is published in every state of the life cycle, and counts as no consumer of depth. Where
    diagnostic_msgs is not installed there is no topic, only the sentences in the reports.

    :param topic: ~/health, or ~/CAMERA/health in a node of several cameras.
    :param wanted: whether depth is to be published now.
    :param limits: source_timeout in seconds and min_rate in Hz; 0 is no limit.
    """

    def __init__(
        self,
        node: LifecycleNode,
        topic: str,
        health: Health,
        wanted: Callable[[], bool],
        limits: Callable[[], tuple[float, float]],
    ) -> None:
        self._node, self._health = node, health
        camera = topic.removeprefix('~/').removesuffix('health').strip('/')
        self._what = f'{camera} health'.strip()
        self._wanted, self._limits = wanted, limits
        self._since: float | None = None
        self._publisher: Any = None
        if libraries.module('diagnostic_msgs') is not None:
            from diagnostic_msgs.msg import DiagnosticStatus

            self._publisher = node.create_publisher(DiagnosticStatus, topic, 2)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        node.create_timer(PERIOD, self._tick, clock=steady)

    def freshness(self) -> Freshness:
        """Return the figures of this moment."""
        now, wanted = time.monotonic(), self._wanted()
        if not wanted:
            self._since = None
        elif self._since is None:
            self._since = now
        age, rate = self._health.newest(now)
        timeout, least = self._limits()
        waited = 0.0 if self._since is None else now - self._since
        return Freshness(wanted, age, waited, rate, timeout, least)

    def reason(self) -> Reason | None:
        """Return the sentence for the diagnostics; None where they need none."""
        fresh = self.freshness()
        reason = judge(fresh)
        return reason if worth_a_report(reason, fresh) else None

    def _tick(self) -> None:
        fresh = self.freshness()
        if self._publisher is None or self._publisher.get_subscription_count() == 0:
            return
        from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

        reason = judge(fresh)
        figures = {
            'age (s)': f'{fresh.age:.3f}',
            'source_timeout (s)': f'{fresh.source_timeout:g}',
            'rate (Hz)': f'{fresh.rate:.2f}',
            'min_rate (Hz)': f'{fresh.min_rate:g}',
            'code': reason.code,
        }
        self._publisher.publish(
            DiagnosticStatus(
                level=bytes([reason.level]),
                name=f'{self._node.get_fully_qualified_name().lstrip("/")}: {self._what}',
                message=reason.text,
                values=[KeyValue(key=key, value=value) for key, value in figures.items()],
            )
        )
