# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The launch files and the parameter files, against what the nodes declare.

The tables are checked wherever the package is; the files are run by the real launch and
launch_ros where these can be imported.
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
import yaml
from domains import free_domain

from depth_ros.files.share import ros_environment, transport_environment
from depth_ros.nodes import launching
from depth_ros.nodes.parameters.spec import ParameterSpec
from depth_ros.nodes.parameters.specs import MONO, MULTI, STEREO, model_options
from depth_ros.types import DepthError

ROOT = Path(launching.__file__).resolve().parents[2]
NODES = {'mono_depth': MONO, 'stereo_depth': STEREO, 'multi_view_depth': MULTI}
FILES = {
    'mono_depth': 'mono.launch.py',
    'stereo_depth': 'stereo.launch.py',
    'multi_view_depth': 'multi_view.launch.py',
}
MAPPED = {'mono_depth': 'image', 'stereo_depth': 'left_image', 'multi_view_depth': 'image'}
TIMEOUT = 30.0

each_node = pytest.mark.parametrize('node', list(NODES))


def tables(node: str) -> dict[str, Any]:
    """Return the module-level tables of a node's launch file, which imports no launch."""
    return runpy.run_path(str(ROOT / 'launch' / FILES[node]))


# --- the tables ---------------------------------------------------------------------------------


@each_node
def test_arguments_have_one_meaning_each(node: str) -> None:
    launch = tables(node)
    names = ['name', *launching.COMMON, *launch['INPUTS'], *launch['OUTPUTS']]
    assert len(names) == len(set(names))
    assert set(launch['REMAPS'].values()) == {*launch['INPUTS'], *launch['OUTPUTS']}


@each_node
def test_no_argument_that_overrides_a_parameter_is_unknown_to_the_node(node: str) -> None:
    declared = {spec.name for spec in NODES[node]} | {'use_sim_time'}
    assert {'model', 'autostart', 'use_sim_time'} <= declared


@pytest.mark.parametrize(
    ('image', 'info'),
    [
        ('image_raw', 'camera_info'),
        ('/camera/image_raw', '/camera/camera_info'),
        ('left/image_rect', 'left/camera_info'),
        ('/image', '/camera_info'),
    ],
)
def test_calibration_is_looked_for_beside_the_image(image: str, info: str) -> None:
    values = {'left_image': image, 'left_camera_info': '', 'image': image, 'camera_info': ''}
    assert launching.topic(values, 'left_camera_info') == info
    assert launching.topic(values, 'camera_info') == info
    values['camera_info'] = '/elsewhere'
    assert launching.topic(values, 'camera_info') == '/elsewhere'


@pytest.mark.parametrize('word', ['true', 'True', '1', 'false', 'False', '0'])
def test_flags(word: str) -> None:
    assert launching.flag({'rviz': word}, 'rviz') == (word.lower() in ('true', '1'))


def test_flags_that_are_none_say_so() -> None:
    with pytest.raises(DepthError, match='rviz:=maybe is neither true nor false'):
        launching.flag({'rviz': 'maybe'}, 'rviz')


@pytest.mark.parametrize(
    ('argument', 'value', 'sentence'),
    [
        ('params_file', '/nowhere/p.yaml', 'params_file:=/nowhere/p.yaml is no file, expected'),
        ('params_file', '/', 'params_file:=/ is no file'),
        ('python', '/nowhere/python', 'python:=/nowhere/python cannot be run, expected'),
        ('log_level', 'loud', 'log_level:=loud, expected one of debug, info, warn, error, fatal'),
    ],
)
def test_arguments_that_lead_nowhere_say_so(argument: str, value: str, sentence: str) -> None:
    good = {
        'params_file': __file__,
        'python': sys.executable,
        'log_level': 'WARN',
        'rviz': 'false',
    }
    launching.check(good)
    launching.check({**good, 'params_file': '', 'python': ''})
    with pytest.raises(DepthError, match=sentence):
        launching.check({**good, argument: value})


NOTHING = {'parameters': '', 'model': '', 'autostart': '', 'use_sim_time': ''}


@pytest.mark.parametrize(
    ('given', 'expected'),
    [
        ({}, []),  # the parameter file alone decides
        ({'model': 'floor'}, [{'model': 'floor'}]),
        ({'autostart': 'false'}, [{'autostart': False}]),
        (
            {'parameters': '{max_depth: 8.0, model: sgbm}', 'model': 'floor'},
            [{'max_depth': 8.0, 'model': 'floor'}],  # the argument of its own wins
        ),
    ],
)
def test_given_parameters(given: dict[str, str], expected: list[dict[str, object]]) -> None:
    assert launching._given({**NOTHING, **given}) == expected


@pytest.mark.parametrize('text', ['max_depth', '8', '[1, 2]', '{a: '])
def test_parameters_that_are_no_mapping_are_refused(text: str) -> None:
    with pytest.raises(DepthError, match='expected YAML such as'):
        launching._given({**NOTHING, 'parameters': text})


# --- the parameter files ------------------------------------------------------------------------


def parameters_of(text: str) -> dict[str, object]:
    return yaml.safe_load(text)['/**']['ros__parameters']


def is_default(value: object, spec: ParameterSpec) -> bool:
    return type(value) is type(spec.default) and value == spec.default


@each_node
def test_parameter_file_is_what_the_node_declares(node: str) -> None:
    given = parameters_of((ROOT / 'config' / f'{node}.yaml').read_text())
    declared = {spec.name: spec for spec in NODES[node]}
    assert list(given) == list(declared)
    assert [name for name, spec in declared.items() if not is_default(given[name], spec)] == []


@each_node
def test_parameter_file_offers_every_option_of_the_default_model(node: str) -> None:
    text = (ROOT / 'config' / f'{node}.yaml').read_text()
    uncommented = re.sub(r'^    # (\w+: \S+)$', r'    \1', text, flags=re.MULTILINE)
    given = parameters_of(uncommented)
    fixed = {spec.name for spec in NODES[node]}
    model = str(next(spec.default for spec in NODES[node] if spec.name == 'model'))
    options = {spec.name: spec for spec in model_options(model) if spec.name not in fixed}
    assert set(given) - fixed == set(options)
    assert [name for name, spec in options.items() if not is_default(given[name], spec)] == []


def test_nav2_example_is_complete() -> None:
    text = (ROOT / 'config' / 'nav2_voxel_layer.yaml').read_text()
    costmap = yaml.safe_load(text)['local_costmap']['local_costmap']['ros__parameters']
    layer = costmap['voxel_layer']
    assert set(costmap['plugins']) == {k for k, v in costmap.items() if isinstance(v, dict)}
    sources = layer['observation_sources'].split()
    assert set(sources) == {k for k, v in layer.items() if isinstance(v, dict)}
    for node in NODES:
        published = {topic for topic, _ in tables(node)['OUTPUTS'].values()}
        for source in (layer[name] for name in sources):
            assert source['topic'].removeprefix('/') in published
            assert source['data_type'] == 'PointCloud2'
    assert {layer[s]['marking'] for s in sources} == {layer[s]['clearing'] for s in sources}
    assert layer['z_voxels'] <= 16  # more do not fit into Nav2's voxels


def test_rviz_shows_what_the_launch_files_publish() -> None:
    config = yaml.safe_load((ROOT / 'config' / 'depth.rviz').read_text())
    shown = {
        display['Topic']['Value']
        for display in config['Visualization Manager']['Displays']
        if 'Topic' in display
    }
    published = {topic for node in NODES for topic, _ in tables(node)['OUTPUTS'].values()}
    assert shown <= published
    assert len(shown) > 0


class LaunchContext:
    """A launch context: what the command line has, and the file that is being read."""

    def __init__(self, *words: str, file: str = '/ws/share/launch/mono.launch.py') -> None:
        self.argv, self.file = words, file

    def get_locals_as_dict(self) -> dict[str, Any]:
        return {'current_launch_file_path': self.file}


@pytest.mark.parametrize(
    ('word', 'advice'),
    [
        ('imge:=/x', 'mono.launch.py has no argument imge; did you mean image?'),
        ('max_depth:=5', 'given as parameters:="{max_depth: 5}"'),
        ('cameras:=front,rear', 'given as parameters:="{cameras: \'front,rear\'}"'),
        ('zzzz:=1', 'zzzz; --show-args lists them all'),
    ],
)
def test_an_argument_that_launch_would_ignore_is_refused(
    monkeypatch: pytest.MonkeyPatch, word: str, advice: str
) -> None:
    known = ('image', 'model')
    monkeypatch.setattr(sys, 'argv', ['ros2', 'launch', 'depth_ros', 'mono.launch.py', word])
    with pytest.raises(DepthError, match=re.escape(advice)):
        launching.refuse_unknown(LaunchContext('model:=floor', word), known)
    launching.refuse_unknown(LaunchContext('model:=floor'), known)
    # The words are those of the file that includes this one.
    monkeypatch.setattr(sys, 'argv', ['ros2', 'launch', 'robot', 'robot.launch.py', word])
    launching.refuse_unknown(LaunchContext(word), known)


@pytest.mark.parametrize(
    ('section', 'namespace', 'read'),
    [
        ('/**', '/front', True),
        ('mono_depth', '', True),
        ('/mono_depth', '/', True),
        ('mono_depth', 'front', False),
        ('/front/mono_depth', 'front', True),
        ('/**/mono_depth', '/a/b', True),
        ('/*', '', True),
        ('/*', 'front', False),
        ('mono', '', False),
    ],
)
def test_a_parameter_file_without_a_section_for_the_node_is_named(
    tmp_path: Path, section: str, namespace: str, read: bool
) -> None:
    file = tmp_path / 'p.yaml'
    file.write_text(yaml.safe_dump({section: {'ros__parameters': {'max_depth': 4.0}}}))
    values = {'params_file': str(file), 'namespace': namespace, 'name': 'mono_depth'}
    said = launching.unread_file(values)
    assert bool(said) != read
    if not read:
        assert f'it has /{section.strip("/")}; name the section /**' in said[0]


def test_a_parameter_file_is_read_as_nested_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / 'p.yaml'
    file.write_text('front:\n  mono_depth:\n    ros__parameters: {max_depth: 4.0}\n')
    values = {'params_file': str(file), 'namespace': '/front', 'name': 'mono_depth'}
    assert launching.unread_file(values) == []
    file.write_text('[1, 2]')
    assert 'it has none' in launching.unread_file(values)[0]
    file.write_text('a: [')
    assert launching.unread_file(values) == []


# --- the real thing -----------------------------------------------------------------------------


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
