# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Listen to running depth nodes for `depth_ros view`: their clouds, and their parameters."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import rclpy
from rcl_interfaces.srv import GetParameters, ListParameters, SetParameters
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node, NodeNameNonExistentError
from rclpy.parameter import Parameter, parameter_value_to_python
from sensor_msgs.msg import Image as ImageMessage
from sensor_msgs.msg import PointCloud2

from depth_ros.messages.cloud import cloud_to_points, unpack_rgb
from depth_ros.messages.image import image_to_array
from depth_ros.nodes.parameters.spec import ParameterSpec, Value
from depth_ros.nodes.parameters.specs import MONO, MULTI, STEREO
from depth_ros.nodes.qos import sensor_qos
from depth_ros.types import FloatImage, Image

PERIOD = 0.1  # seconds between two clouds of one node that are shown
PATIENCE = 3.0  # seconds for a node to answer
CLOUDLESS = 6.0  # seconds without a cloud after which relative values are asked for
LOOK = 0.5  # seconds between two looks at the graph
OTHER_CLOUDS = ('obstacles', 'free_points', 'ground', 'local_points')
Arrived = Callable[[str, dict[str, Any]], None]


class LiveNodes:
    """
    Subscriptions to nodes, spun in a thread of their own.

    :param arrived: called with a node's name and what came: image, depth (H, W), points (N, 3)
        with colours, or relative values.
    """

    def __init__(self, names: Sequence[str], arrived: Arrived) -> None:
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self._node = Node('depth_view', context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._arrived = arrived
        self._last: dict[tuple[str, str], float] = {}
        self._names = list(names)
        self._since: dict[str, float] = {}  # name -> when its cloud was subscribed to
        self._seen: set[str] = set()  # names that sent something, or are waited for no longer
        self._look()
        self._node.create_timer(LOOK, self._look)
        self._thread = threading.Thread(target=self._spin, name='live_nodes', daemon=True)
        self._thread.start()

    def parameters(self, name: str) -> tuple[list[ParameterSpec], dict[str, Value]]:
        """Return the parameters of a node that can be changed at any time, and their values."""
        specs = (*MONO, *STEREO, *MULTI)
        known = {spec.name: spec for spec in specs if spec.live and not spec.read_only}
        found = self._call(ListParameters, name, 'list_parameters', ListParameters.Request())
        names = [n for n in known if found is not None and n in found.result.names]
        if not names:
            return [], {}
        answer = self._call(
            GetParameters, name, 'get_parameters', GetParameters.Request(names=names)
        )
        if answer is None:
            return [], {}
        values: list[Any] = [parameter_value_to_python(value) for value in answer.values]
        return [known[n] for n in names], dict(zip(names, values))

    def set_parameter(self, name: str, parameter: str, value: Value) -> str:
        """Set a parameter of a node; return why not, or nothing."""
        request = SetParameters.Request(
            parameters=[Parameter(parameter, value=value).to_parameter_msg()]
        )
        answer = self._call(SetParameters, name, 'set_parameters', request)
        if answer is None:
            return f'{name} does not answer'
        result = answer.results[0]
        return '' if result.successful else str(result.reason)

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown()
        self._thread.join(5)
        self._node.destroy_node()
        rclpy.try_shutdown(context=self._context)

    def _look(self) -> None:
        """Subscribe to the cloud of each node, and to relative values where no cloud comes."""
        now = time.monotonic()
        for name in self._names:
            base = '/' + name.strip('/')
            if name not in self._since:
                topic = cloud_of(base, self._clouds(base))
                if topic:
                    self._since[name] = now
                    self._listen(name, topic, PointCloud2, _of_cloud)
            elif name not in self._seen and now - self._since[name] > CLOUDLESS:
                # Not before: a node with metres would warn that this one stays empty.
                self._seen.add(name)
                self._listen(name, f'{base}/relative', ImageMessage, _of_relative)

    def _clouds(self, base: str) -> list[str]:
        """Return the clouds that a node publishes, whatever they were remapped to."""
        if self._node.count_publishers(f'{base}/points'):
            return [f'{base}/points']  # also of one camera of several: node/camera
        namespace, _, name = base.rpartition('/')
        try:
            found = self._node.get_publisher_names_and_types_by_node(name, namespace or '/')
        except NodeNameNonExistentError:
            return []
        return [topic for topic, kinds in found if 'sensor_msgs/msg/PointCloud2' in kinds]

    def _listen(self, name: str, topic: str, kind: type, read: Callable[[Any], Any]) -> None:
        def receive(message: Any) -> None:
            now = time.monotonic()
            if now - self._last.get((name, topic), 0.0) >= PERIOD:
                self._last[name, topic] = now
                self._seen.add(name)
                self._arrived(name, read(message))

        self._node.create_subscription(kind, topic, receive, sensor_qos())

    def _call(self, kind: Any, name: str, service: str, request: Any) -> Any:
        client: Any = self._node.create_client(kind, f'/{name.strip("/")}/{service}')
        try:
            if not client.wait_for_service(PATIENCE):
                return None
            done = threading.Event()
            future = client.call_async(request)
            future.add_done_callback(lambda _: done.set())
            return future.result() if done.wait(PATIENCE) else None
        finally:
            self._node.destroy_client(client)

    def _spin(self) -> None:
        try:
            self._executor.spin()
        except ExternalShutdownException:
            pass


def cloud_of(base: str, clouds: Sequence[str]) -> str:
    """Return the topic of all points among the clouds of a node; empty where it has none."""
    last = {topic: topic.rpartition('/')[2] for topic in clouds}
    rest = [topic for topic in clouds if last[topic] not in OTHER_CLOUDS]
    named = [topic for topic in rest if last[topic] in ('points', 'points2')]
    own = [topic for topic in named if topic == f'{base}/points']
    return next(iter(own or named or rest), '')


def _of_cloud(message: PointCloud2) -> dict[str, Any]:
    """Return what a cloud holds: of an organised one also its image and depth."""
    points = cloud_to_points(message)
    xyz: FloatImage = np.stack([points[axis] for axis in 'xyz'], axis=-1)
    names = points.dtype.names or ()
    rgb: Image | None = unpack_rgb(points) if 'rgb' in names else None
    if points.ndim == 2:
        depth = np.ascontiguousarray(xyz[..., 2])
        return {'image': rgb, 'depth': depth, 'points': _flat(xyz, rgb)}
    return {'points': _flat(xyz, rgb)}


def _flat(xyz: FloatImage, rgb: Image | None) -> tuple[FloatImage, Image]:
    points = xyz.reshape(-1, 3)
    if rgb is None:
        return points, np.full(points.shape, 180, np.uint8)
    return points, rgb.reshape(-1, 3)


def _of_relative(message: ImageMessage) -> dict[str, Any]:
    return {'relative': np.array(image_to_array(message)[0], np.float32)}
