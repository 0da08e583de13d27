# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E402
"""A robot with faults: nodes on a real graph in a domain of its own, spun by one thread."""

from __future__ import annotations

import os
import threading
import time

import forged_tf
import numpy as np
import pytest
from domains import free_domain

rclpy = pytest.importorskip('rclpy')

from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, QoSReliabilityPolicy, qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header

from depth_ros.doctor.checkup import findings
from depth_ros.files.share import transport_environment
from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.messages.cloud_points import points_to_cloud
from depth_ros.messages.image import array_to_image
from depth_ros.types import Camera

os.environ.update(transport_environment())

RELIABLE = QoSProfile(depth=10, reliability=QoSReliabilityPolicy.RELIABLE)
SENSOR = qos_profile_sensor_data
PERIOD = 0.1
CAMERA = Camera.pinhole(64, 48, 60.0)
PIXELS = np.random.default_rng(0).integers(0, 255, (48, 64), np.uint8)
DEPTH_NODE = {'model': 'plane', 'edge_threshold': 0.0, 'max_age': 0.0, 'rectify': 'auto'}


def header(stamp: int, frame: str = 'optical') -> Header:
    result = Header(frame_id=frame)
    result.stamp.sec, result.stamp.nanosec = divmod(stamp, 1_000_000_000)
    return result


class Robot:
    """Nodes and what they publish ten times a second."""

    def __init__(self):
        self.domain = free_domain()
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=self.domain)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.nodes, self.kept = {}, []
        self.consumer = self.node('consumer')
        self.driver = self.node('driver')
        # One DDS participant refuses two types on one topic.
        self._apart = rclpy.Context()
        rclpy.init(context=self._apart, domain_id=self.domain)
        self.stranger = rclpy.create_node(
            'stranger', context=self._apart, start_parameter_services=False
        )
        self._thread = threading.Thread(target=self._spin, daemon=True)

    def _spin(self):
        try:
            self.executor.spin()
        except ExternalShutdownException:
            pass

    def node(self, name, namespace='', **parameters):
        """Return a node with these parameters; `__` in a name stands for a dot."""
        given = [Parameter(k.replace('__', '.'), value=v) for k, v in parameters.items()]
        node = rclpy.create_node(
            name,
            namespace=namespace,
            context=self.context,
            parameter_overrides=given,
            automatically_declare_parameters_from_overrides=True,
        )
        self.nodes[node.get_fully_qualified_name()] = node
        return node

    def every(self, work, period=PERIOD):
        """Call a function again and again, by the clock of the machine."""
        from rclpy.clock import Clock, ClockType

        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.kept.append(self.driver.create_timer(period, work, clock=steady))

    def read(self, topic, kind, qos=SENSOR, node=None):
        """Subscribe, as another node."""
        self.kept.append(
            (node or self.consumer).create_subscription(kind, topic, lambda _: None, qos)
        )

    def camera(
        self, name, camera=CAMERA, pixels=PIXELS, change=lambda info: None, qos=SENSOR,
        frame='optical', info_frame=None, clock=time.time_ns, info_clock=None, node=None,
        read=True,
    ):  # fmt: skip
        """Publish NAME/image and NAME/camera_info, read by a node."""
        image, info = f'{name}/image', f'{name}/camera_info'
        images = self.driver.create_publisher(Image, image, qos)
        infos = self.driver.create_publisher(CameraInfo, info, qos)
        if read:
            self.read(image, Image, node=node)
            self.read(info, CameraInfo, node=node)

        def send():
            stamp = clock()
            message = camera_to_camera_info(
                camera, header(info_clock() if info_clock else stamp, info_frame or frame)
            )
            change(message)
            infos.publish(message)
            images.publish(array_to_image(pixels, 'mono8', header(stamp, frame)))

        self.every(send)

    def cloud(self, topic, points, frame='optical', more=None, clock=time.time_ns, period=PERIOD):
        """Publish a cloud."""
        publisher = self.driver.create_publisher(PointCloud2, topic, RELIABLE)
        points = np.asarray(points, np.float32).reshape(-1, 3)

        def send():
            publisher.publish(points_to_cloud(points, header(clock(), frame), more))

        self.every(send, period)

    def joints(self, *joints):
        """Publish static transforms."""
        self.kept.append(forged_tf.publish(self.driver, *joints))

    def start(self):
        """Spin, from now on."""
        for node in self.nodes.values():
            self.executor.add_node(node)
        self._thread.start()

    def seen(self, seconds=1.5):
        """Start, and return what the doctor sees."""
        from depth_ros.doctor.graph import look

        self.start()
        return look(seconds, self.domain)

    def close(self):
        self.executor.shutdown()
        rclpy.try_shutdown(context=self.context)
        if self._thread.is_alive():
            self._thread.join(5)
        for node in self.nodes.values():
            node.destroy_node()
        self.stranger.destroy_node()
        rclpy.try_shutdown(context=self._apart)


class Diagnosis:
    """What the doctor found in a scene."""

    def __init__(self, build, seconds=1.5):
        forged_tf.install()
        robot = Robot()
        try:
            build(robot)
            self.seen = robot.seen(seconds)
        finally:
            robot.close()
        self.findings = findings(self.seen)

    def texts(self, code):
        return [finding.text for finding in self.findings if finding.code == code]

    def codes(self):
        return {finding.code for finding in self.findings}

    def __str__(self):
        return '\n'.join(f'{f.severity.name} {f.code}: {f.text}' for f in self.findings)

    def expect(self, code, *parts):
        """Assert that one finding of this code has all of these parts in its text."""
        assert any(all(part in text for part in parts) for text in self.texts(code)), (
            f'no {code} with {parts} in\n{self}'
        )
