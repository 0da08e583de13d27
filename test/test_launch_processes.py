# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The nodes with their parameter files, and the launch files by the real launch and launch_ros.

The latter are skipped where launch_ros cannot be imported.
"""

from __future__ import annotations

import importlib.util
import os
import re
import runpy
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny_da3
from domains import free_domain
from launch_files import FILES, NODES, ROOT, each_node, tables

from depth_ros.files.share import ros_environment, transport_environment
from depth_ros.nodes import launching

MAPPED = {'mono_depth': 'image', 'stereo_depth': 'left_image', 'multi_view_depth': 'image'}
TIMEOUT = 30.0


@pytest.fixture
def graph_side() -> Iterator[tuple[int, Any]]:
    """Yield a domain and a node of this process in it."""
    rclpy = pytest.importorskip('rclpy')
    domain = free_domain()
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=domain)
    node = rclpy.create_node('test_side', context=context)
    yield domain, node
    node.destroy_node()
    context.try_shutdown()


class Process:
    """A process of its own group whose output is kept."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.text = ''
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.text += line

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + TIMEOUT
        while not condition():
            assert self.process.poll() is None, f'ended before {what}:\n{self.text}'
            assert time.monotonic() < end, f'timed out waiting for {what}:\n{self.text}'
            time.sleep(0.05)

    def interrupt(self) -> int:
        """End the whole group as Ctrl-C does, and return the exit code."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        try:
            code = self.process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise AssertionError(f'did not end:\n{self.text}') from None
        self._reader.join(5)
        return code


def topics_of(node: Any) -> set[str]:
    return {name for name, _ in node.get_topic_names_and_types()}


def model_at_hand(node: str, folder: Path) -> str:
    """Return a model that can be loaded here; empty for the default; skip where there is none."""
    if node == 'multi_view_depth':
        pytest.importorskip('nav_msgs')
        return str(tiny_da3.write(folder, tiny_da3.RAYS))
    lacks_torch = node == 'mono_depth' and importlib.util.find_spec('torch') is None
    return 'plane' if lacks_torch else ''


@pytest.mark.ros
@each_node
def test_node_takes_its_parameter_file_and_has_the_remapped_topics(
    node: str, graph_side: tuple[int, Any], tmp_path: Path
) -> None:
    from sensor_msgs.msg import PointCloud2

    domain, side = graph_side
    file = ROOT / 'config' / f'{node}.yaml'
    model = model_at_hand(node, tmp_path / 'model')
    process = Process(
        [
            sys.executable,
            '-m',
            f'depth_ros.nodes.{node}',
            '--ros-args',
            '--params-file',
            str(file),
            *(['-p', f'model:={model}'] if model else []),
        ],
        ros_environment(ROS_DOMAIN_ID=str(domain), PYTHONPATH=str(ROOT)),
    )
    remapped = tables(node)['REMAPS']
    outputs = {f'/{node}/{name[2:]}' for name in remapped if name.startswith('~/')}
    # A prompt is subscribed to for models that take one only.
    inputs = {f'/{n}' for n in remapped if not n.startswith('~/') and n != 'prompt'}
    try:
        process.wait_for(lambda: 'loaded in' in process.text, 'the model')
        process.wait_for(lambda: outputs <= topics_of(side), f'outputs {sorted(outputs)}')
        side.create_subscription(PointCloud2, f'/{node}/points', lambda _: None, 1)
        for name in inputs:
            process.wait_for(lambda n=name: side.count_subscribers(n) == 1, f'an input {name}')
    finally:
        code = process.interrupt()
    assert code == 0, process.text
    # What a node says of a parameter that it does not have, or of a value that it refuses.
    assert not re.search(r'parameter \w+ (was given|must be)', process.text), process.text


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """Return an install prefix as colcon would make it, that runs this checkout."""
    marker = tmp_path / 'share' / 'ament_index' / 'resource_index' / 'packages' / 'depth_ros'
    marker.parent.mkdir(parents=True)
    marker.touch()
    share = tmp_path / 'share' / 'depth_ros'
    share.mkdir()
    for folder in ('launch', 'config'):
        (share / folder).symlink_to(ROOT / folder)
    libexec = tmp_path / 'lib' / 'depth_ros'
    libexec.mkdir(parents=True)
    for node in NODES:
        script = libexec / node
        script.write_text(
            f'#!{sys.executable}\nfrom depth_ros.nodes.{node} import main\n\nmain()\n'
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return tmp_path


RUN = textwrap.dedent("""
    import sys
    from launch import LaunchDescription, LaunchService
    from launch.actions import IncludeLaunchDescription
    from launch.launch_description_sources import PythonLaunchDescriptionSource

    file, *arguments = sys.argv[1:]
    service = LaunchService()
    service.include_launch_description(LaunchDescription([IncludeLaunchDescription(
        PythonLaunchDescriptionSource(file),
        launch_arguments=[argument.split(':=', 1) for argument in arguments])]))
    sys.exit(service.run())
""")


def launch(file: str, prefix: Path, domain: int, *arguments: str) -> Process:
    environment = ros_environment(
        ROS_DOMAIN_ID=str(domain),
        PYTHONPATH=str(ROOT),
        AMENT_PREFIX_PATH=str(prefix),
        ROS_LOG_DIR=str(prefix / 'log'),
    )
    for name in transport_names():
        environment.pop(name, None)
    path = str(prefix / 'share' / 'depth_ros' / 'launch' / file)
    return Process([sys.executable, '-c', RUN, path, *arguments], environment)


def transport_names() -> tuple[str, str]:
    return 'FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE'


@pytest.mark.ros
@each_node
def test_launch_file_starts_the_node_under_the_usual_names(
    node: str, prefix: Path, graph_side: tuple[int, Any]
) -> None:
    pytest.importorskip('launch_ros')
    domain, side = graph_side
    model = model_at_hand(node, prefix / 'model')
    process = launch(
        FILES[node],
        prefix,
        domain,
        *([f'model:={model}'] if model else []),
        'namespace:=/robot',
        'name:=front',
        f'{MAPPED[node]}:=/cam/image',
        'parameters:={max_depth: 7.5}',
    )
    outputs = tables(node)['OUTPUTS']
    expected = {f'/robot/{topic}' for topic, _ in outputs.values() if topic}
    try:
        process.wait_for(lambda: expected <= topics_of(side), f'topics {sorted(expected)}')
        info = launching.topic({k: v[0] for k, v in outputs.items()}, 'depth_camera_info')
        assert f'/robot/{info}' in topics_of(side)
        process.wait_for(lambda: 'loaded in' in process.text, 'the model')
        # Lazily: subscribed to while the output has subscribers, under its remapped name.
        from sensor_msgs.msg import PointCloud2

        side.create_subscription(PointCloud2, f'/robot/{outputs["points"][0]}', lambda _: None, 1)
        process.wait_for(lambda: side.count_subscribers('/cam/image') == 1, 'its subscription')
        process.wait_for(
            lambda: side.count_subscribers('/cam/camera_info') == 1, 'that of its calibration'
        )
        profile = environment_of(prefix / 'lib' / 'depth_ros' / node).get(
            next(iter(transport_environment_unset()))
        )
        assert profile == str(prefix / 'share/depth_ros/config/fastdds_large_data.xml')
    finally:
        code = process.interrupt()
    assert code == 0, process.text
    assert 'process has finished cleanly' in process.text, process.text


@pytest.mark.ros
def test_launch_file_of_a_driver_starts_the_node_on_its_topics(
    prefix: Path, graph_side: tuple[int, Any]
) -> None:
    pytest.importorskip('launch_ros')
    domain, side = graph_side
    process = launch(
        'zed.launch.py', prefix, domain, 'views:=mono', 'model:=plane', 'camera:=/robot/zed'
    )
    try:
        process.wait_for(lambda: 'loaded in' in process.text, 'the model')
        process.wait_for(lambda: '/points' in topics_of(side), 'the cloud')
        from sensor_msgs.msg import PointCloud2

        side.create_subscription(PointCloud2, '/points', lambda _: None, 1)
        for topic in ('image', 'camera_info'):
            name = f'/robot/zed/rgb/color/rect/{topic}'
            process.wait_for(lambda n=name: side.count_subscribers(n) == 1, name)
    finally:
        code = process.interrupt()
    assert code == 0, process.text
    assert not re.search(r'parameter \w+ (was given|must be)', process.text), process.text


AROUND = textwrap.dedent("""
    import sys
    from launch import LaunchDescription
    from launch.actions import IncludeLaunchDescription
    from launch.launch_description_sources import PythonLaunchDescriptionSource
    from launch_ros.actions import SetParameter

    def generate_launch_description():
        given = {'model': 'plane', 'python': PYTHON}
        return LaunchDescription([
            SetParameter('max_depth', 3.0),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(FILE), launch_arguments=given.items()),
        ])
""")


@pytest.mark.ros
def test_parameters_set_around_a_launch_file_count_and_its_python_may_have_a_space(
    prefix: Path, graph_side: tuple[int, Any], tmp_path: Path
) -> None:
    pytest.importorskip('launch_ros')
    from rcl_interfaces.srv import GetParameters
    from rclpy.executors import SingleThreadedExecutor

    domain, side = graph_side
    python = tmp_path / 'my python' / 'python3'
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    share = prefix / 'share' / 'depth_ros' / 'launch'
    text = f'PYTHON = {str(python)!r}\nFILE = {str(share / FILES["mono_depth"])!r}\n{AROUND}'
    around = tmp_path / 'around.launch.py'
    around.write_text(text)
    process = launch(str(around), prefix, domain)
    try:
        process.wait_for(lambda: 'loaded in' in process.text, 'the model')
        client = side.create_client(GetParameters, '/mono_depth/get_parameters')
        process.wait_for(client.service_is_ready, 'the service')
        future = client.call_async(GetParameters.Request(names=['max_depth']))
        executor = SingleThreadedExecutor(context=side.context)
        executor.add_node(side)
        executor.spin_until_future_complete(future, TIMEOUT)
        executor.shutdown()
        assert future.result().values[0].double_value == 3.0
    finally:
        code = process.interrupt()
    assert code == 0, process.text


def test_transport_launch_file_sets_what_is_launched_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip('launch_ros')
    from launch import LaunchService

    for name in transport_names():
        monkeypatch.delenv(name, raising=False)
    expected = transport_environment()
    file = runpy.run_path(str(ROOT / 'launch' / 'transport.launch.py'))
    service = LaunchService(noninteractive=True)
    service.include_launch_description(file['generate_launch_description']())
    assert service.run() == 0
    assert {k: service.context.environment.get(k) for k in expected} == expected


def transport_environment_unset() -> dict[str, str]:
    """Return what the launch files set when nothing is chosen."""
    saved = {name: os.environ.pop(name, None) for name in transport_names()}
    try:
        return transport_environment()
    finally:
        os.environ.update({k: v for k, v in saved.items() if v is not None})


def environment_of(script: Path) -> dict[str, str]:
    """Return the environment of the process that runs a script."""
    for folder in Path('/proc').iterdir():
        try:
            command = (folder / 'cmdline').read_text().split('\0')
            if str(script) in command:
                pairs = (folder / 'environ').read_text().split('\0')
                return dict(pair.split('=', 1) for pair in pairs if '=' in pair)
        except OSError:
            continue
    return {}
