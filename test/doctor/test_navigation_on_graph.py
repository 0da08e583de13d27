# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Frames, costmaps and collision monitors that are wrong, on real graphs."""

import time

import numpy as np
import pytest

pytest.importorskip('rclpy')

from forged_tf import OPTICAL
from scene import DEPTH_NODE, RELIABLE, Diagnosis
from sensor_msgs.msg import CameraInfo, Image, PointCloud2

pytestmark = pytest.mark.ros

LEVEL = (0, 0, 0, 1)
MOUNTS = (
    ('base_link', 'optical', (0.1, 0, 0.5), OPTICAL),
    ('base_link', 'camera_link', (0.1, 0, 0.5), LEVEL),
    ('odom', 'base_link', (0, 0, 0), LEVEL),
    ('other_robot', 'far_away', (0, 0, 0), OPTICAL),
)
# In the optical frame: 1 to 3 m ahead, 0.3 m above the floor.
OBSTACLE = [(x, 0.2, z) for x in (-0.1, 0.1) for z in (1.0, 2.0, 3.0)]
HIGH = [(0.0, -4.0, 2.0)]
GOOD = {
    'topic': '/obstacles', 'data_type': 'PointCloud2', 'marking': True, 'clearing': True,
    'min_obstacle_height': 0.0, 'max_obstacle_height': 2.0, 'obstacle_max_range': 4.0,
    'raytrace_max_range': 5.0,
}  # fmt: skip


def costmap(robot, name, changes=None, layer=None, remove=()):
    """Return a node with the parameters of a costmap of one voxel layer and one source."""
    source = {k: v for k, v in {**GOOD, **(changes or {})}.items() if k not in remove}
    values = {
        'global_frame': 'odom', 'robot_base_frame': 'base_link',
        'plugins': ['voxel_layer', 'inflation_layer'],
        'voxel_layer__plugin': 'nav2_costmap_2d::VoxelLayer',
        'inflation_layer__plugin': 'nav2_costmap_2d::InflationLayer',
        'voxel_layer__enabled': True, 'voxel_layer__observation_sources': 'depth',
        'voxel_layer__z_voxels': 16, 'voxel_layer__z_resolution': 0.125,
        **{f'voxel_layer__{key}': value for key, value in (layer or {}).items()},
        **{f'voxel_layer__depth__{key}': value for key, value in source.items()},
    }  # fmt: skip
    return robot.node(name, f'/{name}', **values)


def stvl(robot, name, **changes):
    source = {
        'topic': '/obstacles', 'data_type': 'PointCloud2', 'obstacle_range': 4.0,
        'min_obstacle_height': 0.0, 'max_obstacle_height': 2.0, **changes,
    }  # fmt: skip
    values = {
        'global_frame': 'odom', 'robot_base_frame': 'base_link', 'plugins': ['stvl_layer'],
        'stvl_layer__plugin': 'spatio_temporal_voxel_layer/SpatioTemporalVoxelLayer',
        'stvl_layer__observation_sources': 'depth',
        **{f'stvl_layer__depth__{key}': value for key, value in source.items()},
    }  # fmt: skip
    return robot.node(name, f'/{name}', **values)


def frames(robot):
    robot.joints(*MOUNTS)
    robot.camera('right_one')
    robot.camera('lost', frame='optical_2')
    robot.camera('body', frame='camera_link')
    robot.cloud('/stray', OBSTACLE, frame='far_away')
    robot.read('/stray', PointCloud2)
    costmap(robot, 'frames_costmap', remove=('topic',))


def costmaps(robot):
    robot.joints(*MOUNTS)
    robot.cloud('/obstacles', OBSTACLE)
    robot.cloud('/ceiling', HIGH)
    costmap(robot, 'good')
    costmap(robot, 'no_such_topic', {'topic': '/obstacle'})
    costmap(robot, 'as_scan', remove=('data_type',))
    costmap(robot, 'as_image', {'data_type': 'Image'})
    costmap(robot, 'no_height', remove=('max_obstacle_height',))
    costmap(robot, 'no_overlap', {'min_obstacle_height': 2.5, 'max_obstacle_height': 3.0})
    costmap(robot, 'no_range', {'obstacle_min_range': 5.0})
    costmap(robot, 'too_short', {'obstacle_max_range': 0.5})
    costmap(robot, 'wrong_frame', {'sensor_frame': 'camera_optical'})
    costmap(robot, 'apart', {'sensor_frame': 'far_away'})
    costmap(robot, 'above', {'topic': '/ceiling'})
    costmap(robot, 'ghosts', {'raytrace_max_range': 3.0})
    costmap(robot, 'keeps', {'clearing': False})
    costmap(robot, 'low_voxels', layer={'z_voxels': 3})
    costmap(robot, 'threshold', layer={'mark_threshold': 2})
    costmap(robot, 'off', layer={'enabled': False})
    costmap(robot, 'nothing', {'marking': False, 'clearing': False})
    costmap(robot, 'no_sources', layer={'observation_sources': ''})
    stvl(robot, 'good_stvl')
    stvl(robot, 'short_stvl', obstacle_range=0.5)
    stvl(robot, 'frustum', marking=False, clearing=True, min_z=4.0, max_z=2.0)
    costmap(robot, 'seldom', {'expected_update_rate': 0.02})


def monitor(robot, name, **changes):
    source = {
        'type': 'pointcloud', 'topic': '/obstacles', 'min_height': 0.1, 'max_height': 1.0,
        **changes,
    }  # fmt: skip
    values = {
        'base_frame_id': 'base_link', 'odom_frame_id': 'odom', 'source_timeout': 5.0,
        'observation_sources': ['depth'],
        **{f'depth__{key}': value for key, value in source.items()},
    }  # fmt: skip
    return robot.node(name, **values)


def monitors(robot):
    robot.joints(*MOUNTS)
    robot.cloud('/obstacles', OBSTACLE, more={'height': np.full(len(OBSTACLE), 0.3, np.float32)})
    robot.cloud('/points', OBSTACLE, clock=lambda: time.time_ns() - 300_000_000)
    monitor(robot, 'good_monitor', use_global_height=True)
    monitor(robot, 'blind', topic='/scan_points')
    monitor(robot, 'flat', min_height=1.0, max_height=0.5)
    monitor(robot, 'heightless', topic='/points', use_global_height=True)
    monitor(robot, 'hasty', topic='/points', source_timeout=0.2)


CASES = [
    (frames, 'no_transform', ("frame 'optical_2' of /lost/image is not in TF", 'TF has optical')),
    (frames, 'no_transform', ("does not connect frame 'far_away'", "'base_link'", "'odom'")),
    (frames, 'rotation', ("frame 'camera_link' of /body/image has its z axis up", '-1.5708')),
    (costmaps, 'costmap_topic', ('/no_such_topic', 'reads /obstacle,', '/obstacles carries one')),
    (costmaps, 'costmap_type', ('/as_scan', 'LaserScan', 'carries sensor_msgs/msg/PointCloud2')),
    (costmaps, 'costmap_type', ('/as_image', "'Image', expected PointCloud2 or LaserScan")),
    (costmaps, 'costmap_heights', ('/no_height', 'heights from 0 to 0 m', 'its default is 0')),
    (costmaps, 'costmap_heights', ('/no_overlap', 'its layer from 0 to 2 m')),
    (costmaps, 'costmap_ranges', ('/no_range', 'obstacle_min_range 5', 'obstacle_max_range 4')),
    (costmaps, 'costmap_points', ('/too_short', 'drops every point', 'marks from 0 to 0.5 m')),
    (costmaps, 'costmap_points', ('/short_stvl', 'from 0 to 0.5 m; raise obstacle_range')),
    (costmaps, 'costmap_ranges', ('/frustum', 'min_z 4 and max_z 2 m')),
    (costmaps, 'costmap_frame', ('/wrong_frame', "'camera_optical', which is not in TF")),
    (costmaps, 'costmap_frame', ('/apart', "'far_away', which is not connected with 'odom'")),
    (costmaps, 'costmap_points', ('/above', 'their heights in', 'are 4.50 to 4.50 m')),
    (costmaps, 'costmap_clearing', ('/ghosts', 'marks up to 4 m and clears up to 3 m')),
    (costmaps, 'costmap_clearing', ('/keeps', 'obstacles stay for ever')),
    (costmaps, 'costmap_clearing', ('/low_voxels', '0.50 m high', 'from 0 to 0.375 m')),
    (costmaps, 'costmap_threshold', ('/threshold', 'mark_threshold 2')),
    (costmaps, 'costmap_disabled', ('/off', 'enabled: false')),
    (costmaps, 'costmap_disabled', ('/nothing', 'marking and clearing false')),
    (costmaps, 'costmap_sources', ('/no_sources', 'no observation_sources')),
    (costmaps, 'rate', ('/seldom', 'every 0.02 s', 'raise expected_update_rate')),
    (monitors, 'monitor_topic', ('/blind', 'reads /scan_points')),
    (monitors, 'monitor_heights', ('/flat', 'heights from 1 to 0.5 m')),
    (monitors, 'monitor_field', ('/heightless', 'no field height', 'x, y, z')),
    (monitors, 'monitor_timeout', ('/hasty', 'older than 0.2 s', 'set source_timeout to')),
]


@pytest.fixture(scope='module')
def diagnoses():
    return {}


def diagnosis_of(build, diagnoses):
    if build not in diagnoses:
        diagnoses[build] = Diagnosis(build)
    return diagnoses[build]


@pytest.mark.parametrize(('build', 'code', 'parts'), CASES)
def test_a_fault_has_its_sentence(diagnoses, build, code, parts):
    diagnosis_of(build, diagnoses).expect(code, *parts)


@pytest.mark.parametrize(
    ('build', 'name'),
    [
        (frames, '/right_one/'),
        (costmaps, '/good/good '),
        (costmaps, '/good_stvl/'),
        (monitors, '/good_monitor '),
    ],
)
def test_what_is_right_beside_the_faults_is_not_blamed(diagnoses, build, name):
    diagnosis = diagnosis_of(build, diagnoses)
    assert not [f for f in diagnosis.findings if name in f.text], str(diagnosis)


def test_a_sound_robot_has_no_findings():
    def sound(robot):
        robot.joints(*MOUNTS)
        node = robot.node('depth', **DEPTH_NODE)
        robot.camera('front', node=node)
        output = robot.driver.create_publisher(CameraInfo, '/depth/depth/camera_info', RELIABLE)
        assert output is not None
        robot.read('/front/image', Image)
        robot.cloud('/obstacles', OBSTACLE)
        costmap(robot, 'local_costmap', {'expected_update_rate': 20.0})
        monitor(robot, 'collision_monitor', source_timeout=20.0)

    diagnosis = Diagnosis(sound)
    assert diagnosis.seen.cameras
    assert diagnosis.codes() <= {'processor'}, str(diagnosis)
