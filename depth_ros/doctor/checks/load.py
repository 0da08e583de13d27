# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Rates, ages and the processor: whether depth comes often and soon enough."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from depth_ros.doctor.finding import Finding, error, warning
from depth_ros.doctor.navigation import layers_of
from depth_ros.doctor.seen import INFO, Seen

LATE = 0.5  # seconds that depth may take from capture to publication
CROWDED = 1.5  # runnable threads per processor
STALLED = 0.5  # share of the time in which some thread waits for a processor


def check(seen: Seen) -> Iterator[Finding]:
    """Yield what comes too seldom or too late, and whether the processor is the cause."""
    for layer in layers_of(seen):
        for source in layer.sources:
            limit = float(source.values['expected_update_rate'])
            received = seen.topic(source.topic).received
            if limit <= 0 or received is None or len(received.arrivals) < 2:
                continue
            gap = float(np.diff(received.arrivals).max())
            if gap > limit:
                yield error(
                    'rate',
                    f'{source.node} {source.name} expects {source.topic} every {limit:g} s and '
                    f'waited up to {gap:.2g} s ({received.hertz:.1f} Hz), so the costmap is not '
                    'current and the robot stops; raise expected_update_rate, or use a faster '
                    'model',
                )
    for node in seen.depth_nodes:
        yield from _age(seen, node.name)
    machine = seen.machine
    if machine.runnable > CROWDED * machine.cores and machine.stalled > STALLED:
        yield warning(
            'processor',
            f'{machine.runnable:.1f} threads share {machine.cores} processors and wait '
            f'{machine.stalled:.0%} of the time; stop other programs, use a smaller model or '
            'input_size, or give depth a higher priority (nice, cgroups)',
        )


def _age(seen: Seen, node: str) -> Iterator[Finding]:
    ages = [
        topic.received.age
        for topic in seen.topics.values()
        if topic.received is not None
        and topic.received.ages
        and any(end.node == node and end.type == INFO for end in topic.publishers)
    ]
    inputs = [
        received.age
        for camera in seen.cameras
        if camera.node == node and (received := seen.topic(camera.image).received)
        if received.ages
    ]
    if not ages or not inputs:
        return
    age, before = max(ages), min(inputs)
    if LATE < age - before < 60:
        yield warning(
            'age',
            f'depth of {node} is {age:.2g} s old when it is published, {age - before:.2g} s of '
            'them since its image arrived; use a smaller model or input_size, or a GPU',
        )
