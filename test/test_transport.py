# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The Fast DDS profile for large messages, and what it is for."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import textwrap
import xml.etree.ElementTree as ET

import pytest

from depth_ros.files import share
from depth_ros.files.share import ros_environment, transport_environment, transport_profile

OLD, NEW = 'FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE'
NAMESPACE = '{http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles}'


@pytest.fixture(autouse=True)
def _nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(OLD, raising=False)
    monkeypatch.delenv(NEW, raising=False)


@pytest.mark.parametrize(
    ('rclpy_version', 'names'),
    [
        ('3.3.15', {OLD}),  # Humble
        ('7.1.6', {OLD}),  # Jazzy
        ('9.1.2', {NEW}),  # Kilted
        (None, {OLD, NEW}),  # no rclpy that says its version
    ],
)
def test_each_fast_dds_gets_the_variable_it_reads(
    rclpy_version: str | None, names: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(_: str) -> str:
        if rclpy_version is None:
            raise share.importlib.metadata.PackageNotFoundError
        return rclpy_version

    monkeypatch.setattr(share.importlib.metadata, 'version', version)
    assert transport_environment() == dict.fromkeys(names, str(transport_profile()))


@pytest.mark.parametrize('name', [OLD, NEW])
def test_a_chosen_profile_stays(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, '/my/own.xml')
    assert transport_environment() == {}
    assert ros_environment()[name] == '/my/own.xml'


def test_profile_is_well_formed() -> None:
    root = ET.parse(transport_profile()).getroot()
    offered = {
        d.findtext(f'{NAMESPACE}transport_id'): d
        for d in root.iter(f'{NAMESPACE}transport_descriptor')
    }
    used = root.find(f'.//{NAMESPACE}userTransports')
    assert used is not None
    assert {element.text for element in used} == set(offered)
    assert {d.findtext(f'{NAMESPACE}type') for d in offered.values()} == {'SHM', 'UDPv4'}
    # A socket buffer above the kernel's rmem_max would keep every node from being made.
    tags = {element.tag.removeprefix(NAMESPACE) for element in root.iter()}
    assert not tags & {'sendBufferSize', 'receiveBufferSize', 'sendSocketBufferSize'}


FRAMES = 120
CAMERA = textwrap.dedent(f"""
    import array, rclpy
    from rclpy.qos import qos_profile_sensor_data
    from sensor_msgs.msg import Image

    rclpy.init()
    node = rclpy.create_node('camera')
    publisher = node.create_publisher(Image, 'image', qos_profile_sensor_data)
    while publisher.get_subscription_count() == 0:
        rclpy.spin_once(node, timeout_sec=0.05)
    data = array.array('B', bytes(640 * 480 * 3))
    sent = 0

    def tick():
        global sent
        if sent < {FRAMES}:
            message = Image(height=480, width=640, step=640 * 3, encoding='bgr8', data=data)
            message.header.stamp.sec = sent
            publisher.publish(message)
            sent += 1

    node.create_timer(0.1, tick)
    while publisher.get_subscription_count() > 0 and rclpy.ok():
        rclpy.spin_once(node, timeout_sec=0.1)
    print('sent', sent, flush=True)
    rclpy.try_shutdown()
""")
SUBSCRIBER = textwrap.dedent(f"""
    import time, rclpy
    from rclpy.qos import qos_profile_sensor_data
    from sensor_msgs.msg import Image

    rclpy.init()
    node = rclpy.create_node('subscriber')
    stamps = []
    node.create_subscription(
        Image, 'image', lambda m: stamps.append(m.header.stamp.sec), qos_profile_sensor_data)
    end = time.monotonic() + 45
    # The last one ends it; were it lost, time would.
    while {FRAMES - 1} not in stamps and time.monotonic() < end:
        rclpy.spin_once(node, timeout_sec=0.1)
    print('received', len(set(stamps)), flush=True)
    rclpy.try_shutdown()
""")


@pytest.mark.ros
@pytest.mark.slow
def test_every_best_effort_colour_picture_arrives() -> None:
    pytest.importorskip('rclpy')
    environment = ros_environment(ROS_DOMAIN_ID=str(random.SystemRandom().randint(1, 200)))
    assert str(transport_profile()) in (environment.get(OLD), environment.get(NEW))
    processes = [
        subprocess.Popen(
            [sys.executable, '-c', code],
            env=environment,
            cwd=os.sep,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for code in (SUBSCRIBER, CAMERA)
    ]
    try:
        said = [process.communicate(timeout=90)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert f'sent {FRAMES}' in said[1], said
    assert f'received {FRAMES}' in said[0], said
