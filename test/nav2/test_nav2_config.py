# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Generated configuration has names that its readers know, and numbers that fit the camera."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import upstream_names as upstream
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from nav2_costmap import VoxelLayer

from depth_ros.cli.main import main
from depth_ros.files.calibration import write_camera
from depth_ros.files.nav2_config import navigation_files
from depth_ros.files.nav2_numbers import Setup
from depth_ros.geometry.distortion import project
from depth_ros.geometry.level_frame import level_rotation
from depth_ros.types import Camera, DepthError, Distortion

REPOSITORY = Path(__file__).resolve().parents[2]
CAMERA = Camera.pinhole(640, 480, 450.0)
LENS = Camera(
    640, 480, CAMERA.K, np.array([-0.2, 0.05, 0, 0, 0]), Distortion.PLUMB_BOB,
    P=np.array([[420.0, 0, 300, 0], [0, 421, 250, 0], [0, 0, 1, 0]]),
)  # fmt: skip
SETUPS = {
    'mono': Setup(CAMERA, 0.5, 0.15),
    'stereo': Setup(CAMERA, 0.3, 0.1, baseline=0.12, rate=30.0),
    'lens': Setup(LENS, 1, 0, 0.05, robot_height=2, rate=4),
    'high': Setup(CAMERA, 1.6, 0.5, robot_height=1.7, relative_error=0.3),
}
SOURCES = {'voxel_layer', 'stvl_layer'}


def check(given, known, where, beside=()):
    """Assert that every parameter is known and has its type."""
    for name, value in given.items():
        if name in beside:
            continue
        assert name in known, f'{where} has no parameter {name}'
        kind = known[name]
        # rclcpp refuses an integer where a double is declared, and the other way round.
        assert type(value) is kind, f'{where}.{name} is {value!r}, expected {kind.__name__}'


def check_costmap(document):
    costmap = document['local_costmap']['local_costmap']['ros__parameters']
    check(costmap, upstream.COSTMAP, 'costmap', beside=costmap['plugins'])
    for name in costmap['plugins']:
        layer = costmap[name]
        known, of_source = upstream.PLUGINS[layer['plugin']]
        sources = layer.get('observation_sources', '').split()
        check(layer, known, name, beside=sources)
        for source in sources:
            check(layer[source], of_source, f'{name}.{source}')
    return costmap


@pytest.fixture(params=SETUPS, scope='module')
def setup(request):
    return SETUPS[request.param]


@pytest.fixture(scope='module')
def files(setup):
    return {name: yaml.safe_load(text) for name, text in navigation_files(setup).items()}


@pytest.mark.parametrize('name', ['voxel_layer', 'stvl', 'ground_consistency'])
def test_costmaps_hold_parameters_that_nav2_declares(files, name):
    check_costmap(files[f'nav2_{name}.yaml'])


def test_the_shipped_voxel_layer_holds_parameters_that_nav2_declares():
    text = (REPOSITORY / 'config' / 'nav2_voxel_layer.yaml').read_text()
    check_costmap(yaml.safe_load(text))


def test_the_collision_monitor_holds_parameters_that_it_declares(files, setup):
    monitor = files['nav2_collision_monitor.yaml']['collision_monitor']['ros__parameters']
    named = [*monitor['polygons'], *monitor['observation_sources']]
    check(monitor, upstream.COLLISION_MONITOR, 'collision_monitor', beside=named)
    for name in monitor['polygons']:
        check(monitor[name], upstream.POLYGON, name)
    for name in monitor['observation_sources']:
        check(monitor[name], upstream.MONITOR_CLOUD, name)
    assert monitor['source_timeout'] >= 4 / setup.rate


def test_slam_toolbox_holds_parameters_that_it_declares(files):
    slam = files['slam_toolbox.yaml']['slam_toolbox']['ros__parameters']
    check(slam, upstream.SLAM_TOOLBOX, 'slam_toolbox')


@pytest.mark.parametrize('name', ['level_frame', 'rtabmap', 'nvblox'])
def test_launch_files_start_what_is_there_with_remaps_that_lead_somewhere(files, name):
    document = files[f'{name}.launch.yaml']
    assert list(document) == ['launch']
    for entry in document['launch']:
        node = entry['node']
        which = node['pkg'], node['exec']
        assert set(node) <= {'pkg', 'exec', 'name', 'args', 'param', 'remap'}
        given = {p['name']: p['value'] for p in node.get('param', [])}
        check(given, upstream.PARAMETERS[which], which[1])
        for remap in node.get('remap', []):
            assert set(remap) == {'from', 'to'}
            assert remap['from'] in upstream.TOPICS[which]


def test_topics_and_parameters_are_those_of_the_nodes(files, setup):
    pytest.importorskip('sensor_msgs')
    import runpy

    from depth_ros.nodes.parameters.spec import checked
    from depth_ros.nodes.parameters.specs import MONO, STEREO

    given = files['depth_ros.yaml']['/**']['ros__parameters']
    specs = {spec.name: spec for spec in (STEREO if setup.baseline else MONO)}
    assert set(given) <= set(specs)
    checked(specs.values(), given)
    kind = setup.node.removesuffix('_depth')
    launch = runpy.run_path(str(REPOSITORY / 'launch' / f'{kind}.launch.py'))
    published = {f'/{topic}' for topic, _ in launch['OUTPUTS'].values() if topic}
    published |= {'/depth/camera_info'}
    voxel = files['nav2_voxel_layer.yaml']['local_costmap']['local_costmap']['ros__parameters']
    monitor = files['nav2_collision_monitor.yaml']['collision_monitor']['ros__parameters']
    slam = files['slam_toolbox.yaml']['slam_toolbox']['ros__parameters']
    nvblox = files['nvblox.launch.yaml']['launch'][0]['node']['remap']
    assert {voxel['voxel_layer'][name]['topic'] for name in ('mark', 'clear')} <= published
    assert monitor['obstacles']['topic'] in published
    assert slam['scan_topic'] in published
    assert {remap['to'] for remap in nvblox} <= published


def test_ranges_are_in_order(files, setup):
    costmap = check_costmap(files['nav2_voxel_layer.yaml'])
    layer = costmap['voxel_layer']
    node = files['depth_ros.yaml']['/**']['ros__parameters']
    mark, clear = layer['mark'], layer['clear']
    # Nav2 stops two cells before the end of a ray: rays into the sky must end that much farther.
    beyond = clear['raytrace_max_range'] + 2 * costmap['resolution']
    assert mark['obstacle_max_range'] < clear['raytrace_max_range']
    assert node['clearing_range'] >= beyond
    assert setup.height < layer['z_voxels'] * layer['z_resolution']
    assert setup.robot_height <= layer['z_voxels'] * layer['z_resolution']
    assert clear['max_obstacle_height'] > setup.height + node['clearing_range']
    step = node['decimation_x'] / setup.pinhole.fx
    assert step * clear['raytrace_max_range'] <= costmap['resolution'] or step < 1.01 / 400
    # A camera below the top is what the model of the layer needs to clear at all.
    model = VoxelLayer(layer, 10.0, 10.0, costmap['resolution'])
    assert model.size_z * model.z_resolution > setup.height


@given(
    width=st.integers(100, 2000),
    height=st.integers(100, 2000),
    focal=st.floats(80, 3000),
    off=st.tuples(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3)),
)
@settings(max_examples=60)
def test_the_frustum_of_stvl_lies_within_the_image(width, height, focal, off):
    """Its corners, turned as depth_camera_frustum.cpp turns them, are seen by the camera."""
    cx, cy = (0.5 + off[0]) * width, (0.5 + off[1]) * height
    camera = Camera.pinhole(width, height, focal, cx=cx, cy=cy)
    across, down = Setup(camera, 0.5).field_of_view
    for h in (-across / 2, across / 2):
        for v in (-down / 2, down / 2):
            corner = (
                math.sin(h),
                -math.cos(h) * math.sin(v),
                math.cos(h) * math.cos(v),
            )
            u, w = project(camera, corner)
            assert -0.5 - 1e-6 <= u <= width - 0.5 + 1e-6
            assert -0.5 - 1e-6 <= w <= height - 0.5 + 1e-6
    # And one side of it at least is that of the image.
    widest = math.tan(across / 2) / math.cos(down / 2) * focal
    assert widest == pytest.approx(min(cx + 0.5, width - 0.5 - cx), rel=1e-6)


def test_where_the_floor_begins_is_where_the_lowest_ray_meets_it():
    setup = SETUPS['mono']
    ray = np.array([0.5 / 450, 239.5 / 450, 1.0]) @ level_rotation(setup.ground.down).T
    assert setup.floor_from == pytest.approx(0.5 * math.hypot(*ray[:2]) / -ray[2], rel=1e-3)
    assert Setup(CAMERA, 0.5, -0.6).floor_from == math.inf
    top = np.array([0.5 / 450, -239.5 / 450, 1.0]) @ level_rotation(setup.ground.down).T
    assert setup.whole_from == pytest.approx(0.5 * math.hypot(*top[:2]) / top[2], rel=1e-3)
    assert Setup(CAMERA, 0.5, 0.6).whole_from == math.inf
    assert Setup(CAMERA, 1.5, 0.6).whole_from == 0.0


def test_worse_depth_is_marked_less_far():
    ranges = [Setup(CAMERA, 0.5, relative_error=e).mark_range for e in (0.05, 0.1, 0.15)]
    assert ranges == sorted(ranges, reverse=True)
    assert len(set(ranges)) == 3
    near, far = (Setup(CAMERA, 0.5, baseline=b) for b in (0.05, 0.1))
    assert near.mark_range < far.mark_range
    assert near.error_at(near.mark_range) == pytest.approx(0.25, rel=0.1)


def test_the_level_frame_is_level():
    setup = dataclasses.replace(SETUPS['mono'], roll=0.2)
    text = navigation_files(setup)['level_frame.launch.yaml']
    words = yaml.safe_load(text)['launch'][0]['node']['args'].split()
    values = dict(zip(words[::2], words[1::2]))
    assert values['--child-frame-id'] == f'{values["--frame-id"]}_level'
    x, y, z, w = (float(values[f'--q{n}']) for n in 'xyzw')
    up = np.array([2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y)])
    np.testing.assert_allclose(up, -setup.ground.down, atol=1e-5)


@pytest.mark.parametrize(
    ('changes', 'sentence'),
    [
        ({'height': 0.0}, 'height of the camera'),
        ({'pitch': 20.0}, 'radians'),
        ({'baseline': -0.1}, 'baseline'),
        ({'rate': 0.0}, 'rate'),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(changes, sentence):
    with pytest.raises(DepthError, match=sentence):
        dataclasses.replace(SETUPS['mono'], **changes)


def test_the_command_writes_files_and_keeps_those_that_are_there(tmp_path, capsys):
    info, out = tmp_path / 'camera.yaml', tmp_path / 'out'
    write_camera(LENS, info)
    command = ['nav2', '--camera-info', str(info), '--mount', '0.5', '0.1', '--out', str(out)]
    assert main(command) == 0
    written = {path.name: path.read_text() for path in out.iterdir()}
    assert written == navigation_files(Setup(LENS, 0.5, 0.1))
    assert 'are marked up to' in capsys.readouterr().out
    assert main(command) == 2
    assert '--force' in capsys.readouterr().err
    assert main([*command, '--force', '--rate', '5']) == 0
    assert (out / 'nav2_collision_monitor.yaml').read_text() != written[
        'nav2_collision_monitor.yaml'
    ]
    assert main([*command[:4], '1', '2', '3', '4', '--out', str(out)]) == 2
    assert 'at most' in capsys.readouterr().err
