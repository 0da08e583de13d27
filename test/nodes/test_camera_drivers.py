# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The launch files of camera drivers: their topics and encodings, replayed to the real nodes.

The names below are copied from the sources of the drivers, as docs/cameras.md cites them, and not
from the launch files.
"""

import re
import runpy

import numpy as np
import pytest

from depth_ros.nodes import camera_drivers, launching
from depth_ros.nodes.parameters.specs import MONO, STEREO
from depth_ros.types import Camera, DepthError

ROOT = camera_drivers.share_directory()
FILES = ('realsense', 'zed', 'oak', 'usb_cam', 'v4l2', 'gscam', 'argus')
# (launch file, views) -> topics that the driver publishes with its own defaults
PUBLISHED = {
    ('realsense', 'mono'): ['/camera/camera/color/image_raw', '/camera/camera/color/camera_info'],
    ('realsense', 'stereo'): [
        '/camera/camera/infra1/image_rect_raw',
        '/camera/camera/infra1/camera_info',
        '/camera/camera/infra2/image_rect_raw',
        '/camera/camera/infra2/camera_info',
    ],
    ('zed', 'stereo'): [
        '/zed/zed_node/left/color/rect/image',
        '/zed/zed_node/left/color/rect/camera_info',
        '/zed/zed_node/right/color/rect/image',
        '/zed/zed_node/right/color/rect/camera_info',
    ],
    ('zed', 'mono'): [
        '/zed/zed_node/rgb/color/rect/image',
        '/zed/zed_node/rgb/color/rect/camera_info',
    ],
    ('oak', 'mono'): ['/oak/rgb/image_raw', '/oak/rgb/camera_info'],
    ('oak', 'stereo'): [
        '/oak/left/image_rect',
        '/oak/left/camera_info',
        '/oak/right/image_rect',
        '/oak/right/camera_info',
    ],
    ('usb_cam', 'mono'): ['/camera1/image_raw', '/camera1/camera_info'],
    ('v4l2', 'mono'): ['/image_raw', '/camera_info'],
    ('gscam', 'mono'): ['/camera/image_raw', '/camera/camera_info'],
    ('argus', 'mono'): ['/image_raw', '/camera_info'],
    ('argus', 'stereo'): [
        '/left/image_raw',
        '/left/camera_info',
        '/right/image_raw',
        '/right/camera_info',
    ],
}
CAMERA = Camera.pinhole(160, 120, 140.0)
BASELINE = 0.1


def driver_of(name):
    return runpy.run_path(str(ROOT / 'launch' / f'{name}.launch.py'))['DRIVER']


def given(driver, **more):
    """Return the launch arguments as launch would have them."""
    return {
        key: default for key, (default, _) in camera_drivers.arguments_of(driver).items()
    } | more


def remaps_of(driver, **more):
    node, values = camera_drivers.resolve(driver, given(driver, **more))
    views = 'stereo' if node == 'stereo_depth' else 'mono'
    remaps = camera_drivers.tables_of(views)['REMAPS']
    return node, {inner: launching.topic(values, key) for inner, key in remaps.items()}


def test_every_driver_is_in_the_table():
    assert {name for name, _ in PUBLISHED} == set(FILES)
    files = {
        path.name.removesuffix('.launch.py') for path in (ROOT / 'launch').glob('*.launch.py')
    }
    assert set(FILES) <= files
    assert {(name, views) for name in FILES for views in driver_of(name).views} == set(PUBLISHED)


@pytest.mark.parametrize('key', PUBLISHED, ids='-'.join)
def test_inputs_are_what_the_driver_publishes(key):
    name, views = key
    _, remaps = remaps_of(driver_of(name), views=views)
    inputs = [topic for inner, topic in remaps.items() if not inner.startswith('~/')]
    assert [topic for topic in inputs if topic != 'prompt'] == PUBLISHED[key]


@pytest.mark.parametrize('name', FILES)
def test_parameters_of_a_driver_are_those_of_its_nodes(name):
    driver = driver_of(name)
    for views in driver.views:
        specs = {spec.name: spec for spec in (STEREO if views == 'stereo' else MONO)}
        for parameter, value in driver.parameters.items():
            assert specs[parameter].check(value) == value
    assert set(driver.encodings) == set(driver.topics)


def test_arguments_win_over_the_driver():
    driver = driver_of('realsense')
    node, remaps = remaps_of(driver, camera='/robot/front/', points='cloud', name='eyes')
    assert node == 'mono_depth'
    assert remaps['image'] == '/robot/front/color/image_raw'
    assert remaps['camera_info'] == '/robot/front/color/camera_info'
    assert remaps['~/points'] == 'cloud'
    assert remaps['~/depth/image'] == 'depth/image_rect'
    _, remaps = remaps_of(driver, image='/other/image', camera_info='/other/info')
    assert (remaps['image'], remaps['camera_info']) == ('/other/image', '/other/info')
    _, values = camera_drivers.resolve(driver, given(driver, name='eyes'))
    assert values['name'] == 'eyes'


def test_a_driver_of_one_eye_has_no_pair():
    driver = driver_of('usb_cam')
    with pytest.raises(DepthError, match=re.escape('views:=stereo, expected mono')):
        camera_drivers.resolve(driver, given(driver, views='stereo'))


@pytest.mark.ros
@pytest.mark.parametrize('key', PUBLISHED, ids='-'.join)
def test_depth_follows_from_the_topics_and_encodings_of_the_driver(key):
    pytest.importorskip('rclpy')
    from node_harness import CameraSide, Graph, Listener, NodeProcess, header, new_stamp
    from node_scene import encoded

    from depth_ros.messages.camera_info import camera_to_camera_info
    from depth_ros.messages.depth_image import image_to_depth

    name, views = key
    driver = driver_of(name)
    node, remaps = remaps_of(driver, views=views)
    parameters = dict(driver.parameters)
    if views == 'mono':
        parameters |= {'model': 'plane', 'distance': 2.0}
    else:
        parameters |= {'disparity_range': 64}
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 255, (120, 180, 3), np.uint8)
    shift = round(CAMERA.fx * BASELINE / 2.0)  # both eyes see a wall at 2 m
    images = [texture[:, :160], texture[:, shift : 160 + shift]]
    cameras = [CAMERA, Camera.pinhole(160, 120, 140.0, baseline=BASELINE)]
    graph = Graph()
    try:
        inputs = {k: v for k, v in remaps.items() if not k.startswith('~/')}
        process = NodeProcess(['-m', f'depth_ros.nodes.{node}'], graph.domain, parameters, inputs)
        graph.processes.append(process)
        topics = PUBLISHED[key]
        sides = [CameraSide(graph, *topics[i : i + 2]) for i in range(0, len(topics), 2)]
        listener = Listener(graph, node, 'depth/image')
        for encoding in driver.encodings[views]:
            for side in sides:
                side.wait()
            stamp = new_stamp()
            for side, image, camera in zip(sides, images, cameras):
                head = header(stamp)
                side.send(encoded(encoding, image, head), camera_to_camera_info(camera, head))
            (message,) = listener.wait(stamp, 'depth/image')
            depth = image_to_depth(message)
            seen = np.isfinite(depth)
            assert seen.mean() > (0.5 if views == 'stereo' else 0.99)
            assert np.median(depth[seen]) == pytest.approx(2.0, rel=0.02)
    finally:
        graph.close()
