# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How often depth comes on a running robot."""

from __future__ import annotations

from depth_ros.doctor.seen import CLOUD, INFO, Seen
from depth_ros.types import DepthError


def depth_rate(seen: Seen) -> tuple[str, float]:
    """
    Return the slowest topic of the depth nodes and its messages per second.

    Clouds with a subscriber count, and the calibration that the doctor itself subscribes to.
    """
    nodes = {node.name for node in seen.depth_nodes}
    rates = {
        topic.name: topic.received.hertz
        for topic in seen.topics.values()
        if topic.received is not None
        and len(topic.received.arrivals) > 2
        and any(end.node in nodes and end.type in (CLOUD, INFO) for end in topic.publishers)
    }
    if not rates:
        raise DepthError(
            f'no depth node publishes in domain {seen.domain}, so there is no rate to measure; '
            'start the camera and the node, or give --rate a number'
        )
    slowest = min(rates, key=lambda name: rates[name])
    return slowest, rates[slowest]
