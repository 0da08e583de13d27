# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E402
"""
Real nodes in their own processes, and this process's side of the graph.

Nothing here waits for a time: everything waits for what is to happen, and fails with what the
node said meanwhile if it does not.
"""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path

import pytest
from domains import free_domain

rclpy = pytest.importorskip('rclpy')

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter, parameter_value_to_python
from rclpy.qos import QoSProfile, QoSReliabilityPolicy, qos_profile_sensor_data
from sensor_msgs.msg import (
    CameraInfo,
    CompressedImage,
    Image,
    LaserScan,
    PointCloud2,
    Range,
)
from std_msgs.msg import Header
from stereo_msgs.msg import DisparityImage

from depth_ros.files.share import ros_environment, transport_environment

os.environ.update(transport_environment())  # of this process too, before DDS starts
os.environ.setdefault('ROS_PYTHON_CHECK_FIELDS', '1')

TIMEOUT = 30.0
REPOSITORY = Path(__file__).resolve().parents[2]
RELIABLE = QoSProfile(depth=10, reliability=QoSReliabilityPolicy.RELIABLE)
SENSOR = qos_profile_sensor_data
OUTPUTS = {
    'depth/image': Image,
    'depth/camera_info': CameraInfo,
    'points': PointCloud2,
    'disparity': DisparityImage,
    'confidence': Image,
    'depth/color': Image,
    'relative': Image,
    'depth/image/compressedDepth': CompressedImage,
    'free_points': PointCloud2,
    'ground': PointCloud2,
    'obstacles': PointCloud2,
    'scan': LaserScan,
    'range': Range,
    'scale': DiagnosticArray,
}
_START = time.time_ns()
_counter = itertools.count(1)


def new_stamp() -> int:
    """Return a stamp (ns) that was never used, near to now."""
    return max(time.time_ns(), _START + next(_counter))


def header(stamp: int, frame_id: str = 'camera_optical') -> Header:
    result = Header(frame_id=frame_id)
    result.stamp.sec, result.stamp.nanosec = divmod(stamp, 1_000_000_000)
    return result


def stamp_of(msg) -> int:
    return msg.header.stamp.sec * 1_000_000_000 + msg.header.stamp.nanosec


class NodeProcess:
    """One process, started as `python WHAT... --ros-args ...`; its log is kept."""

    def __init__(self, what, domain, parameters=None, remaps=None, environment=None, files=()):
        command = [sys.executable, '-u', *what, '--ros-args']
        for file in files:
            command += ['--params-file', str(file)]
        for name, value in (parameters or {}).items():
            command += ['-p', f'{name}:={_yaml(value)}']
        for source, target in (remaps or {}).items():
            command += ['-r', f'{source}:={target}']
        settings = ros_environment(
            ROS_DOMAIN_ID=str(domain),
            PYTHONPATH=os.pathsep.join([str(REPOSITORY), os.environ.get('PYTHONPATH', '')]),
            ROS_PYTHON_CHECK_FIELDS='1',
            OMP_NUM_THREADS='2',
            RCUTILS_LOGGING_USE_STDOUT='1',
            RCUTILS_LOGGING_BUFFERED_STREAM='0',
        )
        for name, value in (environment or {}).items():
            settings.pop(name, None)
            if value is not None:
                settings[name] = value
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            command,
            env=settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    @property
    def log(self) -> str:
        return '\n'.join(self.lines)

    def said(self, pattern: str, since: int = 0) -> bool:
        return re.search(pattern, '\n'.join(self.lines[since:])) is not None

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def stop(self, how=signal.SIGINT, timeout=TIMEOUT) -> int:
        """End it and return its exit code."""
        if self.alive:
            self.process.send_signal(how)
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f'the node did not end:\n{self.log}') from None
        self._reader.join(5)
        return code


def _yaml(value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, float) and value in (float('inf'), -float('inf')):
        return '.inf' if value > 0 else '-.inf'
    return repr(value)


class Graph:
    """This process's node, in a domain of its own, and the processes it started there."""

    def __init__(self):
        self.domain = free_domain()
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=self.domain)
        self.node = rclpy.create_node('test_side', context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.processes: list[NodeProcess] = []
        self._clients = {}

    def start(self, module, parameters=None, **rest) -> NodeProcess:
        """Start a node of the package."""
        process = NodeProcess(['-m', module], self.domain, parameters, **rest)
        self.processes.append(process)
        return process

    def start_script(self, path, *arguments, ns='/', environment=None) -> NodeProcess:
        """Start a script beside the tests."""
        what, remaps = [path, *arguments], {'__ns': ns}
        process = NodeProcess(what, self.domain, None, remaps, environment)
        self.processes.append(process)
        return process

    def spin_until(self, condition, what: str, timeout: float = TIMEOUT) -> None:
        end = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > end:
                logs = '\n'.join(p.log for p in self.processes)
                raise AssertionError(f'timed out waiting for {what}; the nodes said:\n{logs}')
            self.executor.spin_once(timeout_sec=0.02)

    def spin_for(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.02)

    def _call(self, kind, service, request):
        key = (kind, service)
        if key not in self._clients:
            self._clients[key] = self.node.create_client(kind, service)
        client = self._clients[key]
        self.spin_until(client.service_is_ready, f'service {service}')
        # A node that has not discovered the client's end yet cannot answer, and never does: what
        # may be asked twice is.
        for timeout in (5.0, TIMEOUT) if kind is not ChangeState else (TIMEOUT,):
            future = client.call_async(request)
            try:
                self.spin_until(future.done, f'answer of {service}', timeout)
                break
            except AssertionError:
                if timeout == TIMEOUT:
                    raise
        return future.result()

    def set_parameter(self, node: str, name: str, value):
        """Return (successful, reason)."""
        request = SetParameters.Request(
            parameters=[Parameter(name, value=value).to_parameter_msg()]
        )
        result = self._call(SetParameters, f'/{node}/set_parameters', request).results[0]
        return result.successful, result.reason

    def parameter(self, node: str, name: str):
        """Return a parameter's value."""
        request = GetParameters.Request(names=[name])
        values = self._call(GetParameters, f'/{node}/get_parameters', request).values
        return parameter_value_to_python(values[0])

    def transition(self, node: str, label: str) -> bool:
        number = getattr(Transition, f'TRANSITION_{label.upper()}')
        request = ChangeState.Request(transition=Transition(id=number))
        return self._call(ChangeState, f'/{node}/change_state', request).success

    def state(self, node: str) -> str:
        return self._call(GetState, f'/{node}/get_state', GetState.Request()).current_state.label

    def close(self) -> None:
        for process in self.processes:
            if process.alive:
                process.stop()
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.try_shutdown(context=self.context)


class CameraSide:
    """Publish what a camera driver would."""

    def __init__(self, graph, image='image', info='camera_info', qos=SENSOR, compressed=False):
        self.graph, self.matched = graph, 0
        kind = CompressedImage if compressed else Image
        topic = f'{image}/compressed' if compressed else image
        self.images = graph.node.create_publisher(kind, topic, qos)
        self.infos = graph.node.create_publisher(CameraInfo, info, qos)

    def wait(self, count=1) -> None:
        """Wait until the node has subscribed to both."""

        def matched():
            topics = (self.images, self.infos)
            return all(topic.get_subscription_count() >= count for topic in topics)

        self.graph.spin_until(matched, f'subscribers of {self.images.topic_name}')
        if self.matched < count:
            # A publisher knows of a subscriber at once, the other side learns of the publisher a
            # moment later, and nothing tells when: what is sent before is lost to it.
            self.graph.spin_for(0.5)
            self.matched = count

    def send(self, image, info) -> None:
        if info is not None:
            self.infos.publish(info)
        if image is not None:
            self.images.publish(image)

    def close(self) -> None:
        self.graph.node.destroy_publisher(self.images)
        self.graph.node.destroy_publisher(self.infos)


class Listener:
    """Subscribe to outputs of a node and keep what comes, by topic and stamp."""

    def __init__(self, graph, node, *topics, qos=RELIABLE):
        self.graph, self.node = graph, node
        self.received = defaultdict(dict)
        self.order = defaultdict(list)
        self.subscriptions = [
            graph.node.create_subscription(
                OUTPUTS[topic], f'/{node}/{topic}', lambda m, t=topic: self._keep(t, m), qos
            )
            for topic in topics
        ]

    def _keep(self, topic, msg):
        self.received[topic][stamp_of(msg)] = msg
        self.order[topic].append(stamp_of(msg))

    def wait(self, stamp, *topics, timeout=TIMEOUT):
        """Return the messages of these topics with this stamp."""
        self.graph.spin_until(
            lambda: all(stamp in self.received[t] for t in topics),
            f'{", ".join(topics)} of {self.node}',
            timeout,
        )
        return [self.received[t][stamp] for t in topics]

    def wait_matched(self) -> None:
        """Wait until every topic has its publisher."""
        self.graph.spin_until(
            lambda: all(
                self.graph.node.count_publishers(s.topic_name) for s in self.subscriptions
            ),
            f'publishers of {self.node}',
        )

    def close(self) -> None:
        for subscription in self.subscriptions:
            self.graph.node.destroy_subscription(subscription)
