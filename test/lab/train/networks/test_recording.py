# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A recording is learned from as the folder with the same images and poses is."""

import drives
import numpy as np
import pytest
from bag_files import START, camera_info, header, image, kind, write

from depth_ros.geometry.poses import quaternion_of
from depth_ros.lab.train.networks.choice import make_task
from depth_ros.lab.train.networks.clips import read_clips
from depth_ros.lab.train.networks.recording import read_recording
from depth_ros.types import DepthError

SIZE = (96, 72)
PERIOD = 200_000_000
MOUNT = np.array([[0, 0, 1, 0.2], [-1, 0, 0, 0.1], [0, -1, 0, 0.5], [0, 0, 0, 1.0]])


def of_pose(name, pose):
    """Return a geometry message of a 4x4 pose: 'Pose' or 'Transform'."""
    x, y, z = pose[:3, 3]
    turn = kind('geometry_msgs/msg/Quaternion')(*quaternion_of(pose[:3, :3]))
    place = {'Pose': 'Point', 'Transform': 'Vector3'}[name]
    return kind(f'geometry_msgs/msg/{name}')(kind(f'geometry_msgs/msg/{place}')(x, y, z), turn)


def odometry(stamp, pose):
    zero = kind('geometry_msgs/msg/Vector3')(0, 0, 0)
    twist = kind('geometry_msgs/msg/Twist')(zero, zero)
    return kind('nav_msgs/msg/Odometry')(
        header(stamp, 'odom'),
        'base_link',
        kind('geometry_msgs/msg/PoseWithCovariance')(of_pose('Pose', pose), np.zeros(36)),
        kind('geometry_msgs/msg/TwistWithCovariance')(twist, np.zeros(36)),
    )


@pytest.fixture(scope='module')
def clip(tmp_path_factory):
    return read_clips([drives.write_rough_drive(tmp_path_factory.mktemp('drive'))], *SIZE)[0]


def recorded(clip, folder, odometry_for=range(6), mounted=True):
    """Write the drive as a recording of a robot."""
    mount = kind('geometry_msgs/msg/TransformStamped')(
        header(START, 'base_link'), 'camera_optical', of_pose('Transform', MOUNT)
    )
    messages = [('/tf_static', START, kind('tf2_msgs/msg/TFMessage')([mount]))] if mounted else []
    for index in range(6):
        stamp = START + index * PERIOD
        pixels, camera = clip.original(index)
        messages.append(('/camera/camera_info', stamp + 1, camera_info(camera, stamp)))
        messages.append(('/camera/image_raw', stamp + 2, image(pixels, 'rgb8', stamp)))
        if index in odometry_for:
            body = clip.poses[index] @ np.linalg.inv(MOUNT)
            messages.append(('/odom', stamp + 3, odometry(stamp, body)))
    return write(folder, messages)


@pytest.mark.parametrize('wanted', [True, False], ids=['odometry', 'video'])
def test_images_and_poses_are_those_of_the_folder(clip, tmp_path, wanted):
    path = recorded(clip, tmp_path / 'bag', mounted=wanted)
    [found] = read_recording(path, SIZE, '', '' if wanted else None)
    np.testing.assert_array_equal(found.images, clip.images)
    assert found.camera == clip.camera
    np.testing.assert_array_equal(found.original(3)[0], clip.original(3)[0])
    if wanted:
        np.testing.assert_allclose(found.poses, clip.poses, atol=1e-6)
    else:
        assert found.poses is None


def test_a_network_learns_from_a_recording(clip, tmp_path):
    path = recorded(clip, tmp_path / 'bag')
    for wanted in (True, False):
        config = drives.configuration('builtin', path, learn='video', odometry=wanted, colour=0.0)
        task = make_task(config, [str(path)], [])
        batch = task.batches.batch(0)
        assert np.isfinite(float(task.learner.loss(batch, 0.0).detach()))
        assert (batch.corners is None) is wanted


def test_a_sequence_ends_where_an_image_has_no_odometry(clip, tmp_path):
    path = recorded(clip, tmp_path / 'bag', odometry_for=(0, 1, 2, 3))
    [found] = read_recording(path, SIZE, '', '')
    assert len(found.images) == 4
    nowhere = recorded(clip, tmp_path / 'short', odometry_for=(0, 1))
    with pytest.raises(DepthError, match='no 3 images in a row on /camera/image_raw'):
        read_recording(nowhere, SIZE, '', '')


@pytest.mark.parametrize(
    ('changes', 'topics', 'words'),
    [
        ({'odometry_for': ()}, ('', ''), 'has no odometry, expected one topic'),
        ({}, ('', '/wheels'), 'has /odom, expected /wheels; set data.odometry_topic'),
        ({'mounted': False}, ('', ''), "no transform from 'camera_optical' to 'base_link'"),
        ({}, ('/nothing', ''), '--image is data.image_topic'),
    ],
)
def test_what_is_missing_is_named(clip, tmp_path, changes, topics, words):
    path = recorded(clip, tmp_path / 'bag', **changes)
    with pytest.raises(DepthError) as caught:
        read_recording(path, SIZE, *topics)
    assert words in str(caught.value)
