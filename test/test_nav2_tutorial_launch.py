# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The launch file for Nav2's tutorial, by the real launch and over DDS."""

from __future__ import annotations

import runpy
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy')
pytest.importorskip('torch')

import tiny_da3
from launch_files import ROOT
from test_launch_processes import graph_side, launch, prefix  # noqa: F401

from depth_ros.files.nav2_tutorial import NODE
from depth_ros.messages.cloud import cloud_to_points
from depth_ros.messages.depth_image import image_to_depth
from depth_ros.models.registry import create_model
from depth_ros.nodes import launching
from depth_ros.types import Camera, View

EXACT = {'input_size': 84, 'precision': 'float32', 'device': 'cpu'}
CAMERA = Camera.pinhole(80, 60, 70.0)
PARAMETERS = """
depth_anything_v3:
  ros__parameters:
    onnx_path: "models/DA3METRIC-LARGE.onnx"
    precision: "fp32"
    enable_debug: false
    sky_threshold: 0.5
    sky_depth_cap: 200.0
    point_cloud_downsample_factor: 3
    colorize_point_cloud: true
"""


def file() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / 'launch' / 'nav2_tutorial.launch.py'))


def test_the_arguments_are_those_of_the_node_that_it_replaces() -> None:
    tables = file()
    given = {*tables['INPUTS'], *tables['OUTPUTS'], *launching.COMMON}
    assert {
        *('params_file', 'input_image_topic', 'input_camera_info_topic'),
        *('output_depth_topic', 'output_point_cloud_topic'),
    } <= given
    assert set(tables['REMAPS'].values()) == {*tables['INPUTS'], *tables['OUTPUTS']}


@pytest.mark.ros
def test_a_camera_gets_the_depth_and_the_cloud_of_the_tutorial(
    prefix: Path,  # noqa: F811
    graph_side: tuple[int, Any],  # noqa: F811
) -> None:
    pytest.importorskip('launch_ros')
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from sensor_msgs.msg import CompressedImage, Image, PointCloud2

    from depth_ros.messages.camera_info import camera_to_camera_info
    from depth_ros.messages.classes import CameraInfo, make_header

    domain, side = graph_side
    weights = tiny_da3.write(prefix / 'weights', tiny_da3.METRIC)
    (prefix / 'params.yaml').write_text(PARAMETERS)
    process = launch(
        'nav2_tutorial.launch.py',
        prefix,
        domain,
        f'params_file:={prefix / "params.yaml"}',
        f'parameters:={{weights: {weights}, input_size: 84, device: cpu}}',
    )
    found: dict[str, Any] = {}
    topics = {'/depth_image': Image, '/pipeline/points': PointCloud2}
    for topic, kind in topics.items():
        side.create_subscription(kind, topic, lambda m, t=topic: found.__setitem__(t, m), 10)
    images = side.create_publisher(CompressedImage, '/resize/image_raw/compressed', 10)
    infos = side.create_publisher(CameraInfo, '/resize/camera_info', 10)
    executor = SingleThreadedExecutor(context=side.context)
    executor.add_node(side)
    coarse = np.random.default_rng(0).integers(0, 256, (8, 10, 3), np.uint8)
    png = cv2.imencode('.png', cv2.resize(coarse, (80, 60), interpolation=cv2.INTER_CUBIC))[1]
    rgb = cv2.cvtColor(cv2.imdecode(png, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    last = [0.0]

    def arrived() -> bool:
        executor.spin_once(timeout_sec=0.05)
        if images.get_subscription_count() and time.monotonic() > last[0] + 0.5:
            last[0] = time.monotonic()
            head = make_header(time.time_ns(), 'camera')
            infos.publish(camera_to_camera_info(CAMERA, head))
            images.publish(CompressedImage(header=head, format='png', data=png.tobytes()))
        return set(found) == set(topics)

    try:
        process.wait_for(lambda: 'loaded in' in process.text, 'the model')
        process.wait_for(arrived, 'depth and cloud')
        assert f'/{NODE}' in {f'/{name}' for name, _ in side.get_node_names_and_namespaces()}
    finally:
        process.interrupt()
        executor.shutdown()
        rclpy.try_shutdown(context=side.context)
    expected = create_model(str(weights), {**EXACT, 'sky_threshold': 0.5})
    depth = expected.predict([View(rgb, CAMERA)]).values
    published = image_to_depth(found['/depth_image'])
    assert published.shape == depth.shape
    same = np.isfinite(published)  # edges are removed, nothing else is changed
    assert same.mean() > 0.5
    np.testing.assert_allclose(published[same], depth[same], rtol=1e-3)
    cloud = found['/pipeline/points']
    assert (cloud.width, cloud.height) == (27, 20)  # every third pixel
    assert 'rgb' in cloud_to_points(cloud).dtype.names
    assert 'sky_depth_cap has no effect: sky is +Inf' in process.text
    assert 'onnx_path has no effect: the model is da3-metric-large' in process.text


@pytest.mark.ros
@pytest.mark.parametrize(
    ('text', 'sentence'),
    [
        ('usb_cam: {ros__parameters: {a: 1}}', 'has no parameters for depth_anything_v3'),
        ('depth_anything_v3: {ros__parameters: {precision: int8}}', 'expected fp16 or fp32'),
    ],
)
def test_a_file_that_cannot_be_used_ends_in_one_sentence(
    prefix: Path,  # noqa: F811
    text: str,
    sentence: str,
) -> None:
    pytest.importorskip('launch_ros')
    (prefix / 'params.yaml').write_text(text)
    process = launch('nav2_tutorial.launch.py', prefix, 1, f'params_file:={prefix}/params.yaml')
    assert process.process.wait(60) != 0
    process._reader.join(5)
    assert sentence in process.text
