# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
A network from a local folder, in the node's process: what comes out is one call of the pipeline.
"""

import signal
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rclpy')
pytest.importorskip('torch')
pytest.importorskip('transformers')

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'models' / 'mono'))

import tiny_checkpoints as tiny
from node_harness import CameraSide, Listener, header, new_stamp
from node_scene import cloud_fields, encoded
from sensor_msgs.msg import Image

from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.messages.depth_image import depth_to_image, image_to_depth
from depth_ros.models.registry import create_model
from depth_ros.pipeline import Options, Pipeline
from depth_ros.types import Camera, Known, View

pytestmark = pytest.mark.ros

CAMERA = Camera.pinhole(128, 96, 110.0)
OPTIONS = {'precision': 'float32', 'device': 'cpu'}


@pytest.mark.parametrize('family', ['depth_anything_metric', 'depth_anything_relative'])
def test_a_node_publishes_what_the_pipeline_returns(graph, tmp_path, family):
    folder = tiny.write_checkpoint(tmp_path / family, tiny.FAMILIES[family]())
    image = tiny.image(96, 128)
    frame = Pipeline(create_model(str(folder), OPTIONS), Options())([View(image, CAMERA)])
    topics = ['relative'] if frame.depth is None else ['depth/image', 'points']
    name = f'net_{family}'
    remaps = {'__node': name, 'image': f'/{name}/image', 'camera_info': f'/{name}/info'}
    process = graph.start(
        'depth_ros.nodes.mono_depth', {'model': str(folder), **OPTIONS}, remaps=remaps
    )
    listener = Listener(graph, name, *topics)
    side = CameraSide(graph, f'/{name}/image', f'/{name}/info')
    graph.spin_until(lambda: process.said('loaded in'), 'the network', timeout=90)
    side.wait()
    stamp = new_stamp()
    head = header(stamp)
    side.send(encoded('rgb8', image, head), camera_to_camera_info(CAMERA, head))
    messages = listener.wait(stamp, *topics)
    values = image_to_depth(messages[0])
    if frame.depth is None:
        np.testing.assert_allclose(values, frame.prediction.values, rtol=1e-4, atol=1e-5)
    else:
        np.testing.assert_allclose(values, frame.depth, rtol=1e-4, atol=1e-5)
        points = cloud_fields(messages[1])
        np.testing.assert_allclose(points['z'], values, rtol=1e-6)
        assert np.array_equal(points['rgb'], image)
    assert process.stop() == 0


def test_a_prompt_has_its_own_topic(graph, tmp_path):
    folder = tiny.write_checkpoint(tmp_path / 'prompt', tiny.FAMILIES['prompt_depth_anything']())
    image = tiny.image(96, 128)
    prompt = np.random.default_rng(5).uniform(1, 3, (12, 16)).astype(np.float32)
    model = create_model(str(folder), OPTIONS)
    expected = Pipeline(model, Options())([View(image, CAMERA, Known(depth=prompt))]).depth
    name = 'prompted'
    remaps = {'__node': name, **{t: f'/{name}/{t}' for t in ('image', 'camera_info', 'prompt')}}
    process = graph.start(
        'depth_ros.nodes.mono_depth', {'model': str(folder), **OPTIONS}, remaps=remaps
    )
    listener = Listener(graph, name, 'depth/image')
    side = CameraSide(graph, f'/{name}/image', f'/{name}/camera_info')
    prompts = graph.node.create_publisher(Image, f'/{name}/prompt', 5)
    graph.spin_until(lambda: process.said('loaded in'), 'the network', timeout=90)
    side.wait()
    graph.spin_until(lambda: prompts.get_subscription_count() > 0, 'a subscriber of the prompt')

    def send(stamp):
        head = header(stamp)
        side.send(encoded('rgb8', image, head), camera_to_camera_info(CAMERA, head))

    send(new_stamp())  # without a prompt there are no metres, and it is said
    graph.spin_until(lambda: process.said('none came on'), 'a word on the missing prompt')
    stamp = new_stamp()
    late = header(stamp - 2_000_000_000)
    prompts.publish(depth_to_image(prompt * 2, late))
    graph.spin_for(0.3)
    send(new_stamp())
    graph.spin_until(lambda: process.said('prompt_tolerance is'), 'a word on the late prompt')
    prompts.publish(depth_to_image(prompt, header(stamp)))
    graph.spin_for(0.3)
    send(stamp)
    (message,) = listener.wait(stamp, 'depth/image')
    np.testing.assert_allclose(image_to_depth(message), expected, rtol=1e-4)
    listener.close()
    graph.spin_until(lambda: prompts.get_subscription_count() == 0, 'the last subscriber leaves')
    assert process.stop() == 0


@pytest.mark.parametrize('how', [signal.SIGINT, signal.SIGTERM], ids=['SIGINT', 'SIGTERM'])
def test_the_end_does_not_wait_for_a_model_that_loads(graph, tmp_path, how):
    folder = tiny.write_checkpoint(tmp_path / 'net', tiny.FAMILIES['depth_anything_metric']())
    process = graph.start('depth_ros.nodes.mono_depth', {'model': str(folder), **OPTIONS})
    graph.spin_until(lambda: process.said('libraries:'), 'the node')
    assert process.stop(how) == 0
    assert 'Traceback' not in process.log
