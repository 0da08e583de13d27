# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A bag that is processed holds what a live node publishes for the same messages."""

import array

import numpy as np
import pytest

pytest.importorskip('rclpy')
pytest.importorskip('rosbags', reason='rosbags is not installed (extra bags)')

import bag_files
from node_harness import CameraSide, Listener, header
from sensor_msgs.msg import CameraInfo, Image

from depth_ros.reprocess.job import run_job
from depth_ros.reprocess.settings import BagJob
from depth_ros.types import Camera

pytestmark = pytest.mark.ros

COUNT = 3
CAMERA = Camera.pinhole(96, 64, 80.0)
EYES = {'left': CAMERA, 'right': Camera.pinhole(96, 64, 80.0, baseline=0.1)}
MONO = ('depth/image', 'depth/camera_info', 'points')
STEREO = (*MONO, 'disparity', 'confidence')
# Parameters and a lens, so that more than the defaults is compared.
LENS = [-0.2, 0.05, 0.001, -0.002, 0.0]


def to_ros(message, kind):
    """Return a message of the library rosbags in the class of ROS."""
    result = kind()
    result.header = header(stamp_of(message), message.header.frame_id)
    for name in kind.get_fields_and_field_types():
        value = getattr(message, name)
        if name not in ('header', 'roi'):
            if isinstance(value, np.ndarray):
                is_bytes = value.dtype == np.uint8
                value = array.array('B', value.tobytes()) if is_bytes else value.tolist()
            setattr(result, name, value)
    return result


def stamp_of(message):
    return message.header.stamp.sec * 10**9 + message.header.stamp.nanosec


def same(ours, theirs):
    """Compare every field of two messages, of whatever classes."""
    if hasattr(theirs, 'get_fields_and_field_types'):
        for name in theirs.get_fields_and_field_types():
            same(getattr(ours, name), getattr(theirs, name))
    elif isinstance(theirs, (array.array, np.ndarray)):
        assert np.asarray(ours).tobytes() == np.asarray(theirs).tobytes()
    elif isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs):
            same(one, other)
    else:
        assert ours == theirs


def recorded(eyes, encoding, distorted=False):
    """Return (topic, time, message) of a few moments, and the moments' stamps."""
    rng = np.random.default_rng(5)
    messages, stamps = [], []
    for i in range(COUNT):
        stamps.append(bag_files.START + i * bag_files.PERIOD)
        texture = rng.integers(0, 256, (64, 120, 3), np.uint8)
        for eye, camera in eyes.items():
            pixels = texture[:, 9:105] if eye == 'right' else texture[:, :96]
            info = bag_files.camera_info(camera, stamps[-1])
            if distorted:
                info.d = np.array(LENS)
            prefix = f'/{eye}/' if eye else '/'
            messages.append((f'{prefix}camera_info', stamps[-1], info))
            image = bag_files.image(pixels, encoding, stamps[-1])
            messages.append((f'{prefix}image', stamps[-1] + 1, image))
    return messages, stamps


def published(graph, node, prefixes, messages, stamps, topics):
    """Feed the node and return what it publishes, by topic and stamp."""
    listener = Listener(graph, node, *topics)
    sides = {p: CameraSide(graph, f'{p}image', f'{p}camera_info') for p in prefixes}
    for side in sides.values():
        side.wait()
    kinds = {'Image': Image, 'CameraInfo': CameraInfo}
    for stamp in stamps:
        pairs = []
        for prefix, side in sides.items():
            infos, images = (
                [
                    to_ros(m, kinds[m.__msgtype__.rsplit('/', 1)[1]])
                    for topic, _, m in messages
                    if topic == f'/{prefix}{name}' and stamp_of(m) == stamp
                ]
                for name in ('camera_info', 'image')
            )
            pairs.append((side, images[0], infos[0]))
        for attempt in range(4):  # what is sent best-effort may be lost on a busy machine
            for side, image, info in pairs:
                side.send(image, info)
            try:
                listener.wait(stamp, *topics, timeout=5.0 if attempt < 3 else 30.0)
                break
            except AssertionError:
                if attempt == 3:
                    raise
    listener.close()
    for side in sides.values():
        side.close()
    return listener.received


def computed(tmp_path, messages, **settings):
    """Return what the bag processor writes, by topic and stamp."""
    from rosbags.rosbag2 import Reader

    source = bag_files.write(tmp_path / 'in', messages)
    run_job(BagJob(str(source), str(tmp_path / 'out'), **settings))
    found = {}
    with Reader(tmp_path / 'out') as bag:
        for connection, _, data in bag.messages():
            message = bag_files.STORE.deserialize_cdr(data, connection.msgtype)
            topic = connection.topic.split('/', 2)[2]
            found.setdefault(topic, {})[stamp_of(message)] = message
    return found


def test_a_mono_bag_equals_the_mono_node(graph, tmp_path):
    messages, stamps = recorded({'': CAMERA}, 'bgr8', distorted=True)
    options = {'distance': 2.5, 'normal_x': 0.1, 'normal_y': -0.2, 'normal_z': 1.0}
    parameters = {'max_depth': 2.6, 'decimation_x': 2, 'points_organised': False}
    graph.start('depth_ros.nodes.mono_depth', {'model': 'plane', **options, **parameters})
    live = published(graph, 'mono_depth', [''], messages, stamps, MONO)
    bag = computed(tmp_path, messages, model='plane', options=options, parameters=parameters)
    for topic in MONO:
        assert list(bag[topic]) == stamps
        for stamp in stamps:
            same(bag[topic][stamp], live[topic][stamp])


def test_a_stereo_bag_equals_the_stereo_node(graph, tmp_path):
    messages, stamps = recorded(EYES, 'rgb8')
    options = {'disparity_range': 32}
    graph.start('depth_ros.nodes.stereo_depth', options)
    live = published(graph, 'stereo_depth', ['left/', 'right/'], messages, stamps, STEREO)
    bag = computed(tmp_path, messages, model='sgbm', options=options)
    for topic in STEREO:
        assert list(bag[topic]) == stamps
        for stamp in stamps:
            same(bag[topic][stamp], live[topic][stamp])
    disparity = bag['disparity'][stamps[0]].image.data.view(np.float32)
    assert np.median(disparity[disparity > 0]) == pytest.approx(9.0, abs=0.2)
