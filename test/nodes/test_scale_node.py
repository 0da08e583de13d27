# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A relative model in its own process becomes metric by what sensors publish, or says why not."""

import itertools
import re

import numpy as np
import pytest

pytest.importorskip('rclpy')
pytest.importorskip('diagnostic_msgs')

from node_harness import RELIABLE, SENSOR, CameraSide, Listener, header, new_stamp
from node_scene import encoded
from scale_side import (
    CAMERA,
    DISTANCE,
    FRAME,
    LIDAR_POSE,
    NORMAL,
    SCAN_POSE,
    TRUTH,
    as_lidar_sees,
    beam,
    cloud,
    scan,
    sparse_depth,
    surface,
)
from sensor_msgs.msg import Image, LaserScan, PointCloud2, Range

from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.messages.depth_image import image_to_depth

pytestmark = pytest.mark.ros

MONO = 'depth_ros.nodes.mono_depth'
RELATIVE = {
    'model': 'inverse_plane',
    'distance': DISTANCE,
    **dict(zip(('normal_x', 'normal_y', 'normal_z'), NORMAL)),
}
PICTURE = np.random.default_rng(0).integers(0, 255, (72, 96, 3), np.uint8)
TOPICS = ('depth/image', 'points', 'relative', 'scale')
KINDS = {'depth': Image, 'cloud': PointCloud2, 'scan': LaserScan, 'range': Range}
_drift = itertools.count(1)


class Side:
    """The camera and the sensors, and what the node makes of them."""

    def __init__(self, graph, node):
        self.graph, self.node, self.stamp = graph, node, 0
        self.camera, self.listener = CameraSide(graph), Listener(graph, 'mono_depth', *TOPICS)
        # Every sensor has a quality of service of its own.
        self.sensors = {
            name: graph.node.create_publisher(
                kind, f'scale/{name}', RELIABLE if name in ('cloud', 'range') else SENSOR
            )
            for name, kind in KINDS.items()
        }
        self.camera.wait()

    def use(self, source, **parameters):
        """Choose a source, and forget what is known of the scale."""
        values = {'scale.source': source, 'scale.drift': 0.02 + 1e-6 * next(_drift)}
        values |= {name.replace('__', '.'): value for name, value in parameters.items()}
        for name, value in values.items():
            assert self.graph.set_parameter('mono_depth', name, value) == (True, '')
        for name in source.split(','):
            if name in self.sensors:
                publisher = self.sensors[name]
                self.graph.spin_until(publisher.get_subscription_count, f'subscriber of {name}')
        self.graph.spin_for(0.3)  # the other side learns of the match a moment later

    def head(self, frame=FRAME):
        """Return a header with the stamp that the next image will have too."""
        self.stamp = new_stamp()
        return header(self.stamp, frame)

    def measure(self, name, message):
        self.sensors[name].publish(message)
        self.graph.spin_for(0.2)  # in order: the reading before the image

    def see(self, stamp=None):
        """Send an image; return its stamp and its ~/scale, once the node is done with it."""
        stamp = stamp or self.stamp or new_stamp()
        self.stamp = 0
        head = header(stamp, FRAME)
        self.camera.send(encoded('rgb8', PICTURE, head), camera_to_camera_info(CAMERA, head))
        _, message = self.listener.wait(stamp, 'relative', 'scale')
        return stamp, message.status[0]

    def depth(self, stamp):
        (message, _) = self.listener.wait(stamp, 'depth/image', 'points')
        return image_to_depth(message)

    def refused(self, name, message, pattern):
        """Assert that a reading makes no metres, and that ~/scale says why."""
        self.measure(name, message)
        stamp, status = self.see()
        assert re.search(pattern, status.message), status.message
        assert status.level == b'\x02'
        self.see()  # what is published of the first image has come by now
        for topic in ('depth/image', 'points'):
            assert stamp not in self.listener.received[topic]


@pytest.fixture(scope='module')
def side(graph):
    parameters = {**RELATIVE, 'scale.source': 'depth', 'scale.scan.pose': SCAN_POSE}
    return Side(graph, graph.start(MONO, parameters))


def numbers(status):
    return {pair.key: pair.value for pair in status.values}


@pytest.mark.parametrize('source', ['depth', 'cloud', 'scan'])
def test_a_sensor_makes_metres_of_a_relative_model(side, source):
    side.use(source)
    head = side.head()
    messages = {'depth': sparse_depth(head), 'cloud': cloud(head, surface()), 'scan': scan(head)}
    side.measure(source, messages[source])
    stamp, status = side.see()
    # A scan between two rows of pixels is read at one of them.
    np.testing.assert_allclose(side.depth(stamp), TRUTH, rtol=0.05 if source == 'scan' else 1e-3)
    said = numbers(status)
    assert status.level == b'\x00'
    assert said['source'] == status.hardware_id == source
    assert float(said['scale']) == pytest.approx(1 / 7.5, rel=0.02)
    assert float(said['shift']) == pytest.approx(-0.25 / 7.5, abs=0.005)
    assert 0 < int(said['inliers']) <= int(said['points'])
    assert float(said['age']) < 0.5


def test_one_beam_knows_how_little_it_knows_and_gives_way_to_a_surer_source(side):
    side.use('range', scale__range__pose='0 0 0 0 -0.70710678 0 0.70710678')
    ahead = float(TRUTH[35, 47])
    side.measure('range', beam(side.head(), ahead))
    stamp, status = side.see()
    doubt = float(numbers(status)['uncertainty'])
    assert doubt > 0.05
    assert abs(np.median(side.depth(stamp) / TRUTH) - 1) < doubt
    side.use('range', scale__max_uncertainty=0.05)
    side.refused('range', beam(side.head(), ahead), 'leaves depth uncertain by')
    side.use('range,depth', scale__max_uncertainty=0.3)
    head = side.head()
    side.measure('range', beam(head, ahead))
    side.measure('depth', sparse_depth(head))
    stamp, status = side.see()
    assert numbers(status)['source'] == 'depth'
    np.testing.assert_allclose(side.depth(stamp), TRUTH, rtol=0.01)


def test_the_pose_of_a_sensor_is_a_parameter(side):
    side.use('cloud', scale__cloud__pose=LIDAR_POSE)
    head = side.head('lidar')
    side.measure('cloud', cloud(head, as_lidar_sees(surface())))
    stamp, _ = side.see()
    np.testing.assert_allclose(side.depth(stamp), TRUTH, rtol=0.01)


def test_without_pose_and_tf_a_foreign_frame_is_refused(side):
    side.use('cloud', scale__cloud__pose='')
    head = side.head('lidar')
    side.refused('cloud', cloud(head, surface()), "pose of frame 'lidar' in 'camera_optical'")


def test_a_wrong_pose_of_the_sensor_is_refused(side):
    side.use('cloud', scale__cloud__pose='0 0 0 0 0 0.70710678 0.70710678')  # on its side
    message = cloud(side.head('lidar'), surface())
    side.refused('cloud', message, 'disagree with the prediction.*extrinsic calibration')
    side.use('cloud', scale__cloud__pose='')


def test_motion_without_odometry_makes_no_metres(side):
    side.use('motion')
    for _ in range(2):
        _, status = side.see()
        assert status.level == b'\x02'
        assert 'motion: no odometry came on /odometry' in status.message


def test_a_late_reading_serves_the_next_image(side):
    side.use('cloud')
    stamp, status = side.see()
    assert status.level == b'\x02'
    side.measure('cloud', cloud(header(stamp, FRAME), surface()))
    after, status = side.see(stamp + 200_000_000)  # too far from the reading by itself
    np.testing.assert_allclose(side.depth(after), TRUTH, rtol=0.01)
    assert float(numbers(status)['age']) == pytest.approx(0.2, abs=1e-3)
    assert stamp not in side.listener.received['depth/image']


def test_a_reading_of_another_time_is_not_used(side):
    side.use('cloud')
    old = header(new_stamp() - 3_000_000_000, FRAME)
    side.refused('cloud', cloud(old, surface()), 'from an image.*tolerance')


def nothing(points):
    return points[:0]


def not_a_number(points):
    return points * np.nan


def zeros(points):
    return points * 0


def behind(points):
    return -points


def outliers(points):
    metres = np.random.default_rng(1).uniform(1, 20, (len(points), 1))
    return points / points[:, 2:] * metres


def turned_over(points):
    """Points that are far where the prediction is near: only a negative scale would fit."""
    inverse = 1 / points[:, 2:]
    return points / points[:, 2:] / (inverse.max() + inverse.min() - inverse)


BAD = {
    nothing: 'points can be used',
    not_a_number: 'points can be used',
    zeros: 'points can be used',
    behind: 'points can be used',
    outliers: 'agree|disagree',
    turned_over: 'only a negative scale',
}


@pytest.mark.parametrize('spoil', BAD, ids=lambda f: f.__name__)
def test_bad_points_make_no_metres(side, spoil):
    side.use('cloud')
    message = cloud(side.head(), spoil(surface()))
    side.refused('cloud', message, BAD[spoil])


def test_a_bad_reading_does_not_spoil_a_known_scale(side):
    side.use('cloud')
    side.measure('cloud', cloud(side.head(), surface()))
    side.see()
    for spoil in (outliers, turned_over, behind):
        side.measure('cloud', cloud(side.head(), spoil(surface())))
        stamp, status = side.see()
        assert status.level == b'\x01'
        np.testing.assert_allclose(side.depth(stamp), TRUTH, rtol=0.01)


def test_a_jump_is_held_until_it_is_confirmed(side):
    side.use('cloud')
    scales = [1, 1, 2, 1, 2, 2, 2, 2]
    seen = []
    for scale in scales:
        side.measure('cloud', cloud(side.head(), scale * surface()))
        stamp, _ = side.see()
        seen.append(float(np.median(side.depth(stamp) / TRUTH)))
    np.testing.assert_allclose(seen[:6], 1, rtol=0.02)  # never between the two
    np.testing.assert_allclose(seen[6:], 2, rtol=0.02)


def test_stamps_that_go_back_start_afresh(side):
    side.use('cloud')
    side.measure('cloud', cloud(side.head(), surface()))
    side.see()
    _, status = side.see(new_stamp() - 60_000_000_000)
    assert status.level == b'\x02'
    side.measure('cloud', cloud(side.head(), surface()))
    stamp, _ = side.see()
    np.testing.assert_allclose(side.depth(stamp), TRUTH, rtol=0.01)


@pytest.mark.parametrize(
    ('text', 'sentence'),
    [
        ('sonar', "names 'sonar', expected fixed, or one or several of depth, cloud"),
        ('fixed,cloud', 'goes with no other source'),
        ('cloud, cloud', 'expected every source once'),
        ('', "names ''"),
    ],
)
def test_sources_that_cannot_be_are_refused(side, text, sentence):
    done, reason = side.graph.set_parameter('mono_depth', 'scale.source', text)
    assert not done
    assert sentence in reason


def test_scale_and_shift_are_parameters_without_a_source(side):
    graph = side.graph
    assert graph.set_parameter('mono_depth', 'scale.source', 'fixed') == (True, '')
    assert graph.set_parameter('mono_depth', 'shift', -0.25 / 7.5) == (True, '')
    assert graph.set_parameter('mono_depth', 'scale', 1 / 7.5) == (True, '')
    stamp = new_stamp()
    head = header(stamp, FRAME)
    side.camera.send(encoded('rgb8', PICTURE, head), camera_to_camera_info(CAMERA, head))
    np.testing.assert_allclose(side.depth(stamp), TRUTH, rtol=1e-4)
    assert stamp not in side.listener.received['scale']
