# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Look at a running graph for some seconds and return what was seen."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node as RosNode
from rclpy.qos import (
    QoSCompatibility,
    QoSDurabilityPolicy,
    QoSProfile,
    QoSReliabilityPolicy,
    qos_check_compatible,
)
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import get_rmw_implementation_identifier

from depth_ros import libraries
from depth_ros.doctor.cameras import cameras_of, pairs_of
from depth_ros.doctor.listening import Listener, quiet
from depth_ros.doctor.machine import MachineWatch
from depth_ros.doctor.navigation import layers_of, monitors_of
from depth_ros.doctor.parameters import parameters_of, states_of
from depth_ros.doctor.seen import (
    CLOUD,
    COMPRESSED,
    IMAGE,
    INFO,
    KINDS,
    SCAN,
    Clash,
    Endpoint,
    Node,
    Received,
    Seen,
    Statement,
    Topic,
)
from depth_ros.doctor.tree import FrameTree
from depth_ros.doctor.wire import clock_of, transforms_of
from depth_ros.files.share import missing_profile

SETTLED = (
    0.8  # seconds without a new topic, service or node after which the graph is taken as known
)
LOOKS = 20  # looks at the graph in these seconds at least
DISCOVERY = 8.0  # seconds at most
TRIES = 3  # looks, while nodes appear that the one before did not know
WAKING = 1.5  # seconds that depth nodes have to subscribe to their inputs
WARMING = 1.0  # seconds in which subscriptions find their publishers, before anything is counted


def look(seconds: float = 5.0, domain: int | None = None) -> Seen:
    """
    Return what is seen of the graph of a domain, by default that of ROS_DOMAIN_ID.

    Depth nodes compute nothing without a subscriber, so the doctor subscribes to one output of
    each; apart from that it listens only to what other nodes listen to.
    """
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=domain, signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = rclpy.create_node(
            f'_depth_ros_doctor_{os.getpid()}',
            context=context,
            enable_rosout=False,
            start_parameter_services=False,
        )
        try:
            return Look(node, seconds).seen()
        finally:
            node.destroy_node()
    finally:
        rclpy.try_shutdown(context=context)


class Look:
    """One look: discovery, questions, listening."""

    def __init__(self, node: RosNode, seconds: float) -> None:
        self._node, self._seconds = node, seconds
        self._executor = SingleThreadedExecutor(context=node.context)
        self._executor.add_node(node)
        self._watch = MachineWatch()
        self._tree = FrameTree()
        self._clock = Received()
        self._simulated = 0
        self._statements: dict[str, Statement] = {}
        self._off: set[str] = set()  # nodes, or node/camera, that ~/enable turned off
        self._reads_tf = False
        self._doubles: list[str] = []
        self._mute: list[str] = []

    def seen(self) -> Seen:
        """Return what is seen; where the graph turns out to be larger, look at it again."""
        try:
            self._discover()
            self._listen_beside()
            for _ in range(TRIES):
                known = self._services()
                seen, complete = self._try()
                if complete and self._services() <= known:
                    break
            return seen
        finally:
            self._executor.shutdown()

    def _try(self) -> tuple[Seen, bool]:
        """Return what is seen, and whether all was listened to that should have been."""
        nodes = self._nodes()
        woken = self._wake([name for name, node in nodes.items() if node.is_depth])
        seen = self._seen(nodes)
        listeners = [*woken, *self._listeners(seen, {w.name for w in woken})]
        self._spin(WARMING)
        for listener in listeners:
            listener.restart()
        self._clock = Received()
        self._watch = MachineWatch()
        self._spin(self._seconds)
        seen = self._seen(nodes)
        paired = {c.image for pair in pairs_of(seen.cameras) for c in pair}
        for listener in listeners:
            received = listener.finish(self._node, listener.name in paired)
            if listener.name in seen.topics:
                seen.topics[listener.name].received = received
        seen.machine = self._watch.machine(missing_profile(get_rmw_implementation_identifier()))
        return seen, self._wanted(seen) <= {listener.name for listener in listeners}

    def _services(self) -> set[str]:
        """Return the names of all nodes and services; topics come and go with subscriptions."""
        found = {name for name, _ in self._node.get_service_names_and_types()}
        return found | set(self._node_names())

    def _once(self) -> None:
        self._watch.sample()
        self._executor.spin_once(timeout_sec=0.02)

    def _spin(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            self._once()

    def _discover(self) -> None:
        """Wait until nothing new appears and the node of every endpoint is known."""
        known: set[str] = set()
        since, looks = time.monotonic(), 0

        def settled() -> bool:
            nonlocal known, since, looks
            looks += 1
            found = {name for name, _ in self._node.get_topic_names_and_types()}
            found |= self._services()
            if found - known:
                known, since, looks = known | found, time.monotonic(), 0
            # On a crowded machine, time passes and nothing has been done in it.
            if time.monotonic() - since < SETTLED or looks < LOOKS or len(known) < 3:
                return False
            topics = self._topics().values()
            ends = [end for topic in topics for end in (*topic.publishers, *topic.subscribers)]
            return bool(ends) and not any('_UNKNOWN_' in end.node for end in ends)

        self._spin(DISCOVERY, settled)

    def _node_names(self) -> list[str]:
        """Return the names of all nodes that are not hidden."""
        return [
            f'{namespace.rstrip("/")}/{name}'
            for name, namespace in self._node.get_node_names_and_namespaces()
            if not name.startswith('_')
        ]

    def _nodes(self) -> dict[str, Node]:
        """Return the nodes with their parameters and states."""
        every = self._node_names()
        names = sorted(set(every))
        self._doubles = [name for name in names if every.count(name) > 1]
        services = {name for name, _ in self._node.get_service_names_and_types()}
        asked = [name for name in names if f'{name}/list_parameters' in services]
        parameters = parameters_of(self._node, self._once, asked)
        self._mute = sorted(set(asked) - parameters.keys())
        cyclic = [name for name in names if f'{name}/get_state' in services]
        states = states_of(self._node, self._once, cyclic)
        return {name: Node(name, parameters.get(name, {}), states.get(name, '')) for name in names}

    def _wake(self, depth_nodes: list[str]) -> list[Listener]:
        """Subscribe to the camera_info of depth nodes, and wait for them to take their inputs."""
        if not depth_nodes:
            return []
        listeners = []
        for topic in self._topics().values():
            own = [end for end in topic.publishers if end.node in depth_nodes]
            if any(end.type == INFO for end in own):
                listeners.append(Listener(self._node, topic, INFO, self._now))

        def awake() -> bool:
            readers = {
                end.node
                for topic in self._topics().values()
                for end in topic.subscribers
                if end.type in (IMAGE, COMPRESSED)
            }
            return set(depth_nodes) <= readers

        self._spin(WAKING, awake)
        return listeners

    def _topics(self) -> dict[str, Topic]:
        """Return the topics of kinds that matter here, with their other ends."""
        topics = {}
        for name, types in self._node.get_topic_names_and_types():
            if set(types) & set(KINDS):
                topics[name] = self._topic(name)
        return topics

    def _topic(self, name: str) -> Topic:
        publishers = self._node.get_publishers_info_by_topic(name)
        mine = self._node.get_name()
        subscribers = [
            end
            for end in self._node.get_subscriptions_info_by_topic(name)
            if end.node_name != mine
        ]
        clashes = []
        for publisher in publishers:
            for subscriber in subscribers:
                if publisher.topic_type != subscriber.topic_type:
                    continue
                fits, reason = qos_check_compatible(publisher.qos_profile, subscriber.qos_profile)
                if fits == QoSCompatibility.ERROR:
                    text = reason.removeprefix('ERROR: ').strip().rstrip(';').lower()
                    clashes.append(Clash(_name(publisher), _name(subscriber), text))
        return Topic(
            name,
            [_endpoint(end) for end in publishers],
            [_endpoint(end) for end in subscribers],
            clashes,
        )

    def _seen(self, nodes: dict[str, Node]) -> Seen:
        topics = self._topics()
        return Seen(
            seconds=self._seconds,
            domain=self._node.context.get_domain_id(),
            topics=topics,
            nodes=nodes,
            cameras=cameras_of(
                topics,
                [name for name, node in nodes.items() if node.is_depth],
                [name for name, node in nodes.items() if node.is_stereo],
            ),
            tree=self._tree,
            clock=self._clock,
            statements=list(self._statements.values()),
            turned_off=sorted(self._off),
            doubles=self._doubles,
            mute=self._mute,
            reads_tf=self._reads_tf,
        )

    def _listeners(self, seen: Seen, woken: set[str]) -> list[Listener]:
        """Subscribe to what is wanted and not listened to already."""
        topics = [seen.topic(name) for name in sorted(self._wanted(seen) - woken)]
        return [Listener(self._node, topic, _kinds(topic)[0], self._now) for topic in topics]

    def _wanted(self, seen: Seen) -> set[str]:
        """Return the published topics of cameras, and clouds and scans that others read."""
        wanted = {name for camera in seen.cameras for name in (camera.image, camera.info)}
        wanted |= {source.topic for layer in layers_of(seen) for source in layer.sources}
        wanted |= {source.topic for source in monitors_of(seen)}
        wanted |= {
            topic.name
            for topic in seen.topics.values()
            if topic.subscribers and any(end.type in (CLOUD, SCAN) for end in topic.publishers)
        }
        return {name for name in wanted if _kinds(seen.topic(name))}

    def _listen_beside(self) -> None:
        """Subscribe to the clock, to TF and to diagnostics."""
        node = self._node
        deep = QoSProfile(depth=100, reliability=QoSReliabilityPolicy.BEST_EFFORT)
        with suppress(ImportError):  # of a part of rclpy
            from rosgraph_msgs.msg import Clock

            node.create_subscription(
                Clock, '/clock', self._tick, deep, raw=True, event_callbacks=quiet()
            )
        try:
            kind = importlib.import_module('tf2_msgs.msg').TFMessage
        except ImportError:
            kind = None
        self._reads_tf = kind is not None
        if kind is not None:
            latched = QoSProfile(
                depth=100,
                reliability=QoSReliabilityPolicy.RELIABLE,
                durability=QoSDurabilityPolicy.TRANSIENT_LOCAL,
            )
            for topic, profile in (('/tf', deep), ('/tf_static', latched)):
                node.create_subscription(
                    kind, topic, self._place, profile, raw=True, event_callbacks=quiet()
                )
        if libraries.module('diagnostic_msgs') is not None:
            from diagnostic_msgs.msg import DiagnosticArray

            node.create_subscription(
                DiagnosticArray, '/diagnostics', self._hear, 10, event_callbacks=quiet()
            )

    def _now(self) -> int:
        """Return the nanoseconds of /clock where it runs, else those of the machine."""
        return self._simulated or time.time_ns()

    def _tick(self, data: bytes) -> None:
        self._simulated = clock_of(data)
        self._clock.arrivals.append(time.monotonic())

    def _place(self, data: bytes) -> None:
        for parent, child, pose in transforms_of(data):
            self._tree.add(parent, child, pose)

    def _hear(self, array: Any) -> None:
        for status in array.status:
            name, _, what = status.name.rpartition(': ')
            if not name or what.split(' ')[-1:] != [
                'depth'
            ]:  # `depth`, or `front depth` of several cameras
                continue
            level = ord(status.level) if isinstance(status.level, bytes) else int(status.level)
            self._statements.pop(status.name, None)
            values = {item.key: item.value for item in status.values}
            part = f'/{name.lstrip("/")}/{what.removesuffix("depth").strip()}'.rstrip('/')
            self._off.discard(part)
            if values.get('enabled') == 'false':
                self._off.add(part)
            if level:
                self._statements[status.name] = Statement(
                    f'/{name.lstrip("/")}', values.get('state', ''), status.message, level >= 2
                )


def _kinds(topic: Topic) -> list[str]:
    return [end.type for end in topic.publishers if end.type in KINDS]


def _name(end: Any) -> str:
    return f'{end.node_namespace.rstrip("/")}/{end.node_name}'


def _endpoint(end: Any) -> Endpoint:
    profile = end.qos_profile
    return Endpoint(
        _name(end),
        end.topic_type,
        profile.reliability != QoSReliabilityPolicy.BEST_EFFORT,
        profile.durability == QoSDurabilityPolicy.TRANSIENT_LOCAL,
    )
