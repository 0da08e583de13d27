# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The Fast DDS profile for large messages, and which process uses it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from depth_ros.files import share
from depth_ros.files.share import (
    missing_profile,
    ros_environment,
    transport_environment,
    transport_profile,
)

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


def test_a_profile_is_missing_only_where_fast_dds_would_read_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv('FASTDDS_BUILTIN_TRANSPORTS', raising=False)
    assert missing_profile('rmw_cyclonedds_cpp') == ''
    assert missing_profile('rmw_fastrtps_cpp') == ' and '.join(transport_environment()) != ''
    monkeypatch.setenv('FASTDDS_BUILTIN_TRANSPORTS', 'LARGE_DATA')
    assert missing_profile('rmw_fastrtps_cpp') == ''
    monkeypatch.delenv('FASTDDS_BUILTIN_TRANSPORTS')
    monkeypatch.setenv(NEW, '/my/own.xml')
    assert missing_profile('rmw_fastrtps_cpp') == ''


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


def test_share_directory_is_the_checkout_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('AMENT_PREFIX_PATH', raising=False)
    assert (share.share_directory() / 'package.xml').is_file()


def test_a_workspace_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tmp_path / 'share' / 'depth_ros'
    (installed / 'config').mkdir(parents=True)
    monkeypatch.setenv('AMENT_PREFIX_PATH', f'/opt/none:{tmp_path}')
    assert share.share_directory() == installed


def test_an_inherited_library_path_is_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('LD_LIBRARY_PATH', '/of/the/parent')
    monkeypatch.setenv('_ROS_WHEELS_BOOTSTRAP_COMPLETE', '1')
    environment = ros_environment(EXTRA='yes')
    assert 'LD_LIBRARY_PATH' not in environment
    assert '_ROS_WHEELS_BOOTSTRAP_COMPLETE' not in environment
    assert environment['EXTRA'] == 'yes'


def test_the_profile_for_8k_holds_whole_frames() -> None:
    """A best-effort message is lost where its parts fill the segment or the queue."""
    frame = 3 * 7680 * 4320
    profile = share.share_directory() / 'config' / 'fastdds_8k.xml'
    tree = ET.parse(profile)
    parts = int(tree.findtext(f'.//{NAMESPACE}port_queue_capacity', '0'))
    assert share.segment_size(profile) > 4 * frame
    assert parts * 65_000 > 4 * frame  # UDP beside it limits a part to 64 kB
    assert not any(b'socket_buffer' in line for line in profile.read_bytes().splitlines())
