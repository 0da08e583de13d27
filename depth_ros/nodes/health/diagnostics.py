# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Report the state of the node once a second: on /diagnostics, or in the log without it."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rclpy.lifecycle import LifecycleNode

from depth_ros import libraries
from depth_ros.nodes.health.health import Snapshot
from depth_ros.nodes.health.reasons import Facts, Level, Reason

REPEAT = 30.0  # seconds after which the log says the same thing again


class Throttle:
    """Let a thing be said at once, and again only after a while; from any thread."""

    def __init__(self, period: float = REPEAT, remembered: int = 64) -> None:
        self._period, self._remembered = period, remembered
        self._said: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, key: str, now: float) -> bool:
        with self._lock:
            last = self._said.get(key)
            if last is not None and now - last < self._period:
                return False
            self._said[key] = now
            self._said.move_to_end(key)
            while len(self._said) > self._remembered:
                self._said.popitem(last=False)
        return True


def figures(snapshot: Snapshot, facts: Facts, details: Mapping[str, str]) -> dict[str, str]:
    """Return the key-value pairs of a status."""
    result = {**details, 'state': facts.state, 'enabled': str(facts.enabled).lower()}
    for eye in facts.eyes:
        side = f'{eye.name} ' if eye.name else ''
        result[f'{side}image (Hz)'] = f'{eye.image.hertz:.2f}'
        result[f'{side}camera_info (Hz)'] = f'{eye.info.hertz:.2f}'
    result['frames published'] = str(snapshot.frames)
    result['rate (Hz)'] = f'{snapshot.rate:.2f}'
    result['age p50 (ms)'] = f'{1e3 * snapshot.age.p50:.1f}'
    result['age p99 (ms)'] = f'{1e3 * snapshot.age.p99:.1f}'
    result['waiting for a processor (%)'] = f'{100 * facts.waiting:.0f}'
    result['dropped'] = str(sum(snapshot.drops.values()))
    for cause, count in sorted(snapshot.drops.items()):
        result[f'dropped, {cause}'] = str(count)
    result['failed'] = str(snapshot.failures)
    for stage, spent in snapshot.stages.items():
        result[f'{stage} p50 (ms)'] = f'{1e3 * spent.p50:.2f}'
        result[f'{stage} p99 (ms)'] = f'{1e3 * spent.p99:.2f}'
    return result


class Status(NamedTuple):
    """What is said about one camera; its name is empty where the node has one only."""

    camera: str
    reasons: Sequence[Reason]
    values: Mapping[str, str]


class Reporter:
    """Publish or log the status of one node."""

    def __init__(self, node: LifecycleNode) -> None:
        self._node = node
        self._throttle = Throttle()
        self._known: frozenset[str] = frozenset()
        self._publisher: Any = None
        if libraries.module('diagnostic_msgs') is not None:
            from diagnostic_msgs.msg import DiagnosticArray

            self._publisher = node.create_publisher(DiagnosticArray, '/diagnostics', 10)

    def log(self, level: Level, text: str, key: str = '') -> None:
        """Log a sentence, unless the same was said a moment ago."""
        if not self._throttle(key or text, time.monotonic()):
            return
        logger = self._node.get_logger()
        # One call site per level: rclpy refuses a site that changes its level.
        if level >= Level.ERROR:
            logger.error(text)
        elif level == Level.WARN:
            logger.warning(text)
        else:
            logger.info(text)

    def report(self, statuses: Sequence[Status], hardware: str) -> None:
        """Say it; the log has what is new, and repeats only what is wrong."""
        reasons = [reason for status in statuses for reason in status.reasons]
        known, self._known = self._known, frozenset(reason.code for reason in reasons)
        for reason in reasons:
            if reason.code.endswith('_no_publisher') and reason.code not in known:
                continue  # a driver that is started together with the node needs a moment
            # Failures of frames are logged when they happen.
            if not reason.code.endswith('failure') and (reason.level or reason.code not in known):
                # What kept it from configuring was logged, by its text, when it happened.
                key = reason.text if reason.code == 'not_configured' else reason.code
                self.log(reason.level, reason.text, key)
        if self._publisher is not None:
            self._publish(statuses, hardware)

    def _publish(self, statuses: Sequence[Status], hardware: str) -> None:
        from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

        array = DiagnosticArray()
        array.header.stamp = self._node.get_clock().now().to_msg()
        node = self._node.get_fully_qualified_name().lstrip('/')
        for camera, reasons, values in statuses:
            level = max((reason.level for reason in reasons), default=Level.OK)
            pairs = [KeyValue(key=f'reason {i + 1}', value=r.text) for i, r in enumerate(reasons)]
            pairs += [KeyValue(key=key, value=value) for key, value in values.items()]
            array.status.append(
                DiagnosticStatus(
                    level=bytes([level]),
                    name=f'{node}: {camera} depth' if camera else f'{node}: depth',
                    message=reasons[0].text if reasons else 'depth is published',
                    hardware_id=hardware,
                    values=pairs,
                )
            )
        self._publisher.publish(array)
