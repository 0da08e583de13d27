# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Inputs that do not arrive: each fault is made on a real graph and named by the doctor."""

import pytest

pytest.importorskip('rclpy')

import rclpy
from scene import DEPTH_NODE, PIXELS, RELIABLE, SENSOR, Diagnosis, Robot, header
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from depth_ros.messages.image import array_to_image

pytestmark = pytest.mark.ros


def faults(robot):
    robot.kept.append(rclpy.create_node('asleep', context=robot.stranger.context))
    robot.node('twin')
    robot.kept.append(
        rclpy.create_node('twin', context=robot.stranger.context, start_parameter_services=False)
    )
    node = robot.node('no_camera', **DEPTH_NODE)
    robot.read('absent/image', Image, node=node)
    robot.read('absent/camera_info', CameraInfo, node=node)
    node = robot.node('other_type', **DEPTH_NODE)
    compressed = robot.stranger.create_publisher(CompressedImage, 'typed/image', SENSOR)
    robot.every(lambda: compressed.publish(CompressedImage()))
    robot.driver.create_publisher(CameraInfo, 'typed/camera_info', SENSOR)
    robot.read('typed/image', Image, node=node)
    robot.read('typed/camera_info', CameraInfo, node=node)
    robot.camera('asked', read=False)
    robot.read('asked/image', Image, RELIABLE)
    robot.read('asked/camera_info', CameraInfo)
    node = robot.node('waits', **DEPTH_NODE)
    robot.driver.create_publisher(Image, 'still/image', SENSOR)
    robot.driver.create_publisher(CameraInfo, 'still/camera_info', SENSOR)
    robot.read('still/image', Image, node=node)
    robot.read('still/camera_info', CameraInfo, node=node)
    for name, info in (('bare', False), ('mute', True)):
        node = robot.node(f'{name}_reader', **DEPTH_NODE)
        publisher = robot.driver.create_publisher(Image, f'{name}/image', SENSOR)

        def send(publisher=publisher):
            stamp = robot.driver.get_clock().now().nanoseconds
            publisher.publish(array_to_image(PIXELS, 'mono8', header(stamp)))

        robot.every(send)
        robot.read(f'{name}/image', Image, node=node)
        robot.read(f'{name}/camera_info', CameraInfo, node=node)
        if info:
            robot.driver.create_publisher(CameraInfo, f'{name}/camera_info', SENSOR)


@pytest.fixture(scope='module')
def diagnosis():
    return Diagnosis(faults)


@pytest.mark.parametrize(
    ('code', 'parts'),
    [
        ('no_answer', ('/asleep did not answer',)),
        ('same_name', ('two nodes are called /twin', '__node')),
        ('no_publisher', ('/absent/image has no publisher', '/no_camera expects image', 'remap')),
        ('no_publisher', ('/absent/camera_info has no publisher', 'carries one')),
        ('wrong_type', ('/typed/image carries sensor_msgs/msg/CompressedImage', '/other_type')),
        ('qos', ('/consumer receives nothing from /driver on /asked/image', 'best effort')),
        ('silent', ('/still/image has a publisher (/driver) and nothing arrived in 2 s',)),
        ('no_publisher', ('/bare/camera_info has no publisher, /bare_reader expects',)),
        ('info_missing', ('/mute/image arrives and nothing came on /mute/camera_info',)),
    ],
)
def test_a_fault_has_its_sentence(diagnosis, code, parts):
    diagnosis.expect(code, *parts)


def test_causes_come_before_consequences(diagnosis):
    codes = [finding.code for finding in diagnosis.findings]
    assert codes.index('no_publisher') < codes.index('qos') < codes.index('silent')
    assert codes.index('silent') < codes.index('info_missing')


def test_an_empty_graph_is_named():
    from depth_ros.doctor.checkup import findings
    from depth_ros.doctor.graph import look

    robot = Robot()
    try:
        seen = look(0.5, robot.domain)
    finally:
        robot.close()
    assert findings(seen)[0].code == 'empty_graph'
    assert f'domain {robot.domain}' in findings(seen)[0].text


def test_a_camera_without_calibration_is_named_where_nothing_reads_it():
    def alone(robot):
        publisher = robot.driver.create_publisher(Image, '/image_raw', RELIABLE)
        robot.every(lambda: publisher.publish(array_to_image(PIXELS, 'mono8', header(1))))

    diagnosis = Diagnosis(alone, 0.6)
    diagnosis.expect('info_missing', '/image_raw arrives and /camera_info has no publisher')
