# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What is seen of a running graph, as plain values; graph.py fills it, the checks read it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from depth_ros.doctor.tree import FrameTree

IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED = 'sensor_msgs/msg/CompressedImage'
INFO = 'sensor_msgs/msg/CameraInfo'
CLOUD = 'sensor_msgs/msg/PointCloud2'
SCAN = 'sensor_msgs/msg/LaserScan'
KINDS = (IMAGE, COMPRESSED, INFO, CLOUD, SCAN)


@dataclass(frozen=True)
class Endpoint:
    """A publisher or a subscription of another node."""

    node: str
    type: str
    reliable: bool = True
    latched: bool = False  # transient local


@dataclass
class Received:
    """What arrived on one topic while the doctor listened."""

    listened: float = 0.0  # seconds
    arrivals: list[float] = field(default_factory=list)  # seconds, of a steady clock
    stamps: list[int] = field(default_factory=list)  # ns
    ages: list[float] = field(default_factory=list)  # seconds from stamp to arrival; by /clock
    wall_ages: list[float] = field(default_factory=list)  # the same by the clock of the machine
    frame: str = ''
    size: int = 0  # bytes of the last message
    shape: tuple[int, int] | None = None  # width and height of an image
    messages: list[Any] = field(default_factory=list)  # the last few, converted

    @property
    def hertz(self) -> float:
        """Messages per second."""
        count = len(self.arrivals)
        if count > 1 and self.arrivals[-1] > self.arrivals[0]:
            return (count - 1) / (self.arrivals[-1] - self.arrivals[0])
        return count / self.listened if self.listened > 0 else 0.0

    @property
    def age(self) -> float:
        """Median seconds from stamp to arrival; NaN where nothing arrived."""
        return statistics.median(self.ages) if self.ages else float('nan')

    @property
    def oldest(self) -> float:
        """How old the newest message was at the worst moment, in seconds."""
        gaps = [b - a for a, b in zip(self.arrivals, self.arrivals[1:])]
        if not self.ages or not gaps:
            return float('nan')
        return max(age + gap for age, gap in zip(self.ages, gaps))


@dataclass(frozen=True)
class Clash:
    """A publisher and a subscription that are not connected, with the reason."""

    publisher: str
    subscriber: str
    reason: str


@dataclass
class Topic:
    """One topic of the graph; the doctor's own subscriptions are left out."""

    name: str
    publishers: Sequence[Endpoint] = ()
    subscribers: Sequence[Endpoint] = ()
    clashes: Sequence[Clash] = ()
    received: Received | None = None  # None where the doctor did not listen

    @property
    def count(self) -> int:
        """The number of messages that arrived."""
        return len(self.received.arrivals) if self.received else 0


@dataclass
class Node:
    """A node, its parameters and the state of its life cycle ('' where it has none)."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    state: str = ''

    @property
    def is_depth(self) -> bool:
        """Whether it is a depth node of this package, by its parameters."""
        return {'model', 'edge_threshold', 'max_age', 'rectify'} <= self.parameters.keys()

    @property
    def is_stereo(self) -> bool:
        """Whether it is a depth node of pairs."""
        return self.is_depth and 'approximate_sync' in self.parameters

    @property
    def sim_time(self) -> bool:
        """Whether it takes the time from /clock."""
        return bool(self.parameters.get('use_sim_time', False))


@dataclass(frozen=True)
class Camera:
    """An image topic and the calibration beside it; `node` is the depth node that reads both."""

    image: str
    info: str
    node: str = ''
    side: str = ''  # '', 'left' or 'right'


@dataclass(frozen=True)
class Machine:
    """The machine that the doctor runs on."""

    cores: int = 1
    runnable: float = 0.0  # mean number of threads that ran or waited for a processor
    stalled: float = 0.0  # share of the time in which some thread waited for one
    shared_memory: int = 1 << 40  # bytes of /dev/shm
    shared_memory_free: int = 1 << 40
    profile: str = ''  # the variables that would make Fast DDS pass large messages; '' if set


@dataclass(frozen=True)
class Statement:
    """What a depth node states on /diagnostics, where it is no OK."""

    node: str
    state: str  # of its life cycle
    text: str
    error: bool = True


@dataclass
class Seen:
    """One look at a graph."""

    seconds: float = 0.0
    domain: int = 0
    topics: dict[str, Topic] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    cameras: Sequence[Camera] = ()
    tree: FrameTree = field(default_factory=FrameTree)
    clock: Received = field(default_factory=Received)  # of /clock: arrivals only
    machine: Machine = field(default_factory=Machine)
    statements: Sequence[Statement] = ()
    turned_off: Sequence[str] = ()  # depth nodes that ~/enable turned off
    doubles: Sequence[str] = ()  # names that more than one node has
    mute: Sequence[str] = ()  # nodes that did not answer to questions for their parameters
    reads_tf: bool = True  # whether /tf can be read here

    def topic(self, name: str) -> Topic:
        """Return a topic, an empty one where the graph has none of this name."""
        return self.topics.get(name) or Topic(name)

    @property
    def depth_nodes(self) -> list[Node]:
        """The depth nodes of this package."""
        return [node for node in self.nodes.values() if node.is_depth]
