# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The publishers of a node, for each of its cameras.

They exist as long as the node, so that subscribers are known before anything is computed: outputs
without subscribers are not computed, and without any the inputs are not subscribed to.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from rclpy.lifecycle import LifecycleNode

from depth_ros.messages.classes import is_ros_class, type_name
from depth_ros.nodes.output.output import Output, outputs_of
from depth_ros.nodes.parameters.spec import Value
from depth_ros.nodes.qos import output_qos, with_overrides
from depth_ros.pipeline import DepthFrame


@dataclass(frozen=True)
class Settings:
    """What the parameters decide about a frame; replaced as a whole when they change."""

    max_age: float
    prepared: Mapping[str, Any]  # by topic, what its build function takes
    max_rates: Mapping[str, float]  # by topic, Hz
    decimation: int = 1  # of the images as they arrive

    @classmethod
    def of(cls, values: Mapping[str, Value], views: int) -> Settings:
        """Return what these parameter values mean."""
        outputs = outputs_of(views)
        return cls(
            max_age=float(values['max_age']),
            prepared={output.topic: output.prepare(values) for output in outputs},
            max_rates={o.topic: float(values[o.max_rate]) for o in outputs if o.max_rate},
            decimation=int(values['image_decimation']),
        )


class Outputs:
    """The publishers of one camera of a node, below `~/<prefix>`."""

    def __init__(
        self,
        node: LifecycleNode,
        outputs: Iterable[Output],
        complain: Callable[[str], None],
        prefix: str = '',
    ) -> None:
        self._outputs: dict[str, Output] = {}
        for output in outputs:
            if is_ros_class(output.message):
                self._outputs[output.topic] = output
            else:
                name = type_name(output.message)
                node.get_logger().info(f'~/{output.topic} is left out: {name} is not installed')
        self._publishers: dict[str, Any] = {
            name: with_overrides(
                partial(node.create_lifecycle_publisher, output.message, f'~/{prefix}{name}'),
                output_qos,
                f'~/{prefix}{name}',
                complain,
            )
            for name, output in self._outputs.items()
        }
        self._last: dict[str, int] = {}  # the stamp last published on topics with a limited rate

    def consumers(self) -> int:
        """Return the number of subscriptions."""
        return sum(p.get_subscription_count() for p in self._publishers.values())

    def due(self, stamp: int, settings: Settings) -> list[str]:
        """Return the topics with subscribers that the frame of this stamp (ns) belongs to."""
        return [
            topic
            for topic, publisher in self._publishers.items()
            if publisher.get_subscription_count() > 0
            and self._is_due(topic, stamp, settings.max_rates.get(topic, 0.0))
        ]

    def _is_due(self, topic: str, stamp: int, max_rate: float) -> bool:
        last = self._last.get(topic)
        if max_rate <= 0 or last is None or stamp <= last:
            return True
        # A tenth of a period of grace, or a camera at just this rate would lose every other one.
        return (stamp - last) * 1e-9 >= 0.9 / max_rate

    def publish(
        self, topics: Iterable[str], frame: DepthFrame, header: Any, settings: Settings
    ) -> tuple[Mapping[str, float], Mapping[str, str]]:
        """
        Publish the frame on these topics.

        Return the seconds spent on each, and a sentence by each topic this frame left empty.
        """
        timings, empty = {}, {}
        for topic in topics:
            start = time.perf_counter()
            msg = self._outputs[topic].build(frame, header, settings.prepared[topic])
            if msg is None:
                empty[topic] = self._outputs[topic].absent
                continue
            self._publishers[topic].publish(msg)
            stamp = header.stamp
            self._last[topic] = stamp.sec * 1_000_000_000 + stamp.nanosec
            timings[topic] = time.perf_counter() - start
        return timings, empty
