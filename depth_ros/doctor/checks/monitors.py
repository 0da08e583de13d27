# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Collision monitors: topics, heights, and the age at which they stop the robot."""

from __future__ import annotations

import math
from collections.abc import Iterator

from depth_ros.doctor.checks.inputs import alike
from depth_ros.doctor.finding import Finding, error
from depth_ros.doctor.navigation import monitors_of
from depth_ros.doctor.seen import CLOUD, SCAN, Seen


def check(seen: Seen) -> Iterator[Finding]:
    """Yield what makes a collision monitor blind, or stop without an obstacle."""
    for source in monitors_of(seen):
        where, values = f'{source.node} {source.name}', source.values
        topic = seen.topic(source.topic)
        kind = CLOUD if values['type'] == 'pointcloud' else SCAN
        if not any(end.type == kind for end in topic.publishers):
            yield error(
                'monitor_topic',
                f'{where} reads {source.topic}, which has no publisher of {kind}; correct its '
                f'topic or its type{alike(seen, source.topic, kind)}',
            )
            continue
        low, high = float(values['min_height']), float(values['max_height'])
        if kind == CLOUD and high <= low:
            yield error(
                'monitor_heights',
                f'{where} keeps heights from {low:g} to {high:g} m, that is no point; raise '
                'max_height',
            )
        received = topic.received
        if received is None or not received.arrivals:
            continue
        if kind == CLOUD and values['use_global_height'] and received.messages:
            names = [field.name for field in received.messages[-1].fields]
            if 'height' not in names:
                yield error(
                    'monitor_field',
                    f'{where} has use_global_height and {source.topic} has no field height (it '
                    f'has {", ".join(names)}), so all of it is dropped; read ~/obstacles, or set '
                    'use_global_height to false',
                )
        timeout, oldest = float(values['source_timeout']), received.oldest
        if timeout > 0 and not math.isnan(oldest) and oldest > timeout:
            yield error(
                'monitor_timeout',
                f'{where} stops the robot when {source.topic} is older than {timeout:g} s, and it '
                f'was up to {oldest:.2g} s old ({received.hertz:.1f} Hz, {received.age:.2g} s old '
                f'at arrival); set source_timeout to {4 / received.hertz + received.age:.1f}, or '
                'use a faster model',
            )
