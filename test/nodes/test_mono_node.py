# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`mono_depth` in its own process, fed over DDS: every published number against exact geometry."""

import itertools

import numpy as np
import pytest

pytest.importorskip('rclpy')

from node_harness import RELIABLE, SENSOR, CameraSide, Listener, header, new_stamp
from node_scene import (
    DISTANCE,
    ENCODINGS,
    NORMAL,
    cloud_fields,
    encoded,
    grey,
    plane_depth,
    ray_colour,
    ray_image,
)
from sensor_msgs.msg import CameraInfo, CompressedImage

from depth_ros.geometry.distortion import project
from depth_ros.messages.camera_info import camera_info_to_camera
from depth_ros.messages.depth_image import image_to_depth
from depth_ros.types import Camera, Distortion

pytestmark = pytest.mark.ros

PLANE = {
    'model': 'plane',
    'distance': DISTANCE,
    **dict(zip(('normal_x', 'normal_y', 'normal_z'), NORMAL)),
}
MODULE = 'depth_ros.nodes.mono_depth'
OUTPUTS = ('depth/image', 'depth/camera_info', 'points', 'depth/color')

# The sensor: 320x240 with a lens, seen whole, binned, or through a window.
K = np.array([[250.0, 0, 150], [0, 260, 125], [0, 0, 1]])
P = np.hstack([np.array([[240.0, 0, 152], [0, 240, 120], [0, 0, 1]]), np.zeros((3, 1))])
LENSES = {
    'rectified': ('plumb_bob', [0.0] * 5, P[:, :3]),
    'plumb_bob': ('plumb_bob', [-0.2, 0.05, 0.001, -0.002, 0.0], K),
    'rational': ('rational_polynomial', [0.3, 0.05, 0.001, 0.002, 0.01, 0.5, 0.1, 0.02], K),
    'equidistant': ('equidistant', [0.02, -0.01, 0.005, -0.001], K),
}
WINDOWS = {
    'whole': ((1, 1), (0, 0, 0, 0)),
    'binned': ((2, 2), (0, 0, 0, 0)),
    'roi': ((1, 1), (60, 40, 200, 160)),
    'roi_binned': ((2, 2), (60, 40, 200, 160)),
}


def camera_info(lens, window, head):
    """Return the message as a driver with this calibration would send it."""
    model, D, matrix = LENSES[lens]
    (bx, by), (x, y, w, h) = WINDOWS[window]
    info = CameraInfo(header=head, width=320, height=240, distortion_model=model, d=D)
    info.k, info.p, info.r = matrix.ravel(), P.ravel(), np.eye(3).ravel()
    info.binning_x, info.binning_y = bx, by
    info.roi.x_offset, info.roi.y_offset, info.roi.width, info.roi.height = x, y, w, h
    return info


def pixels_of(window, matrix):
    """Return the size and the intrinsics of the pixels that arrive, written out by hand."""
    (bx, by), (x, y, w, h) = WINDOWS[window]
    w, h = w or 320, h or 240
    fx, fy, cx, cy = matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2]
    return w // bx, h // by, (fx / bx, fy / by, (cx - x) / bx, (cy - y) / by)


def arriving_camera(lens, window, rectified):
    """Return the camera whose image arrives."""
    model, D, matrix = LENSES[lens]
    matrix = P[:, :3] if rectified else matrix
    width, height, (fx, fy, cx, cy) = pixels_of(window, matrix)
    if rectified:
        model, D = '', []
    return Camera(
        width,
        height,
        np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]),
        np.array(D),
        Distortion(model),
    )


@pytest.fixture(scope='module')
def node(graph):
    """The node, with the analytic plane as its model."""
    return graph.start(MODULE, PLANE)


@pytest.fixture(scope='module')
def cameras(graph, node):
    return {
        'best_effort': CameraSide(graph, qos=SENSOR),
        'reliable': CameraSide(graph, qos=RELIABLE),
    }


@pytest.fixture(scope='module')
def listener(graph, node):
    return Listener(graph, 'mono_depth', *OUTPUTS)


@pytest.fixture(scope='module')
def rectify(graph, node):
    """Return a function that configures the node anew where `rectify` must change."""
    current = ['auto']

    def change(mode):
        if current[0] == mode:
            return
        assert graph.transition('mono_depth', 'deactivate')
        assert graph.transition('mono_depth', 'cleanup')
        assert graph.set_parameter('mono_depth', 'rectify', mode) == (True, '')
        assert graph.transition('mono_depth', 'configure')
        assert graph.transition('mono_depth', 'activate')
        current[0] = mode

    return change


# `never` says that the image is rectified already, whatever the calibration says.
MODES = [
    ('auto', 'rectified'),
    ('auto', 'plumb_bob'),
    ('auto', 'rational'),
    ('auto', 'equidistant'),
    ('always', 'plumb_bob'),
    ('never', 'plumb_bob'),
]
# Every encoding, quality of service and window in the mode that users have; the other modes with
# the encodings that go different ways through the conversion.
CASES = [
    (mode, encoding, qos, window)
    for mode in MODES
    for encoding, qos, window in itertools.product(
        ENCODINGS if mode == MODES[1] else ('rgb8', 'mono16_big_endian', 'nv12'),
        ('best_effort', 'reliable') if mode == MODES[1] else ('best_effort',),
        WINDOWS,
    )
]


@pytest.mark.parametrize(
    ('mode', 'encoding', 'qos', 'window'), CASES, ids=['-'.join((*c[0], *c[1:])) for c in CASES]
)
def test_numbers_are_exact(cameras, listener, rectify, mode, encoding, qos, window):
    rectify(mode[0])
    rectified = mode[0] == 'never' or mode[1] == 'rectified'
    source = arriving_camera(mode[1], window, rectified)
    stamp = new_stamp()
    head = header(stamp)
    image = ray_image(source)
    side = cameras[qos]
    side.wait()
    side.send(encoded(encoding, image, head, padding=24), camera_info(mode[1], window, head))
    depth_msg, info, cloud, color = listener.wait(stamp, *OUTPUTS)

    # camera_info is that of the pixels which leave, written out by hand
    width, height, (fx, fy, cx, cy) = pixels_of(window, P)
    assert (info.width, info.height, info.binning_x, info.roi.width) == (width, height, 1, 0)
    np.testing.assert_allclose(info.k, [fx, 0, cx, 0, fy, cy, 0, 0, 1], rtol=1e-12)
    np.testing.assert_allclose(info.p[:3], [fx, 0, cx], rtol=1e-12)
    assert not any(info.d)

    # depth is that of the plane where the image shows it, cloud is the unprojection of the depth
    depth = image_to_depth(depth_msg)
    known = np.isfinite(depth)
    exact = plane_depth(camera_info_to_camera(info))
    np.testing.assert_allclose(depth[known], exact[known], rtol=1e-4)
    v, u = np.mgrid[:height, :width]
    rays = np.stack([(u - cx) / fx, (v - cy) / fy, np.ones(u.shape)], -1)
    beyond = np.abs(project(source, rays) / (np.array(source.size_wh) - 1) - 0.5).max(-1) - 0.5
    assert known[beyond < -1e-4].all()
    assert not known[beyond > 1e-4].any()
    points = cloud_fields(cloud)
    np.testing.assert_allclose(points['z'], depth, rtol=1e-6)
    np.testing.assert_allclose(points['x'], (u - cx) / fx * depth, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(points['y'], (v - cy) / fy * depth, rtol=1e-6, atol=1e-6)
    assert cloud.is_dense == known.all()

    # the colour of a point is that of its ray, where the image shows it
    expected = ray_colour((u - cx) / fx, (v - cy) / fy)
    if ENCODINGS[encoding][2]:
        expected = np.repeat(grey(expected)[..., None], 3, -1)
    error = np.abs(points['rgb'].astype(float) - expected)[3:-3, 3:-3].max(-1)
    seen = points['rgb'][3:-3, 3:-3].any(-1)  # beyond the raw image it is black
    assert seen.mean() > 0.8
    assert np.quantile(error[seen], 0.97) <= ENCODINGS[encoding][3] + 2

    messages = (depth_msg, info, cloud, color)
    assert {m.header.frame_id for m in messages} == {'camera_optical'}
    assert (color.encoding, color.height, color.width) == ('rgb8', height, width)


def send(cameras, encoding='rgb8', lens='rectified', window='whole', frame_id='camera_optical'):
    """Send one good image and return its stamp."""
    stamp = new_stamp()
    head = header(stamp, frame_id)
    image = ray_image(arriving_camera(lens, window, lens == 'rectified'))
    cameras['best_effort'].wait()
    cameras['best_effort'].send(encoded(encoding, image, head), camera_info(lens, window, head))
    return stamp


def test_one_output_per_input(graph, cameras, listener, rectify):
    rectify('auto')
    stamps = []
    for _ in range(15):
        stamps.append(send(cameras))
        listener.wait(stamps[-1], 'depth/image', 'points')
    graph.spin_for(0.1)
    for topic in ('depth/image', 'points'):
        assert [s for s in listener.order[topic] if s >= stamps[0]] == stamps


def test_millimetres(graph, cameras, listener, rectify):
    rectify('auto')
    assert graph.set_parameter('mono_depth', 'depth_encoding', '16UC1')[0]
    stamp = send(cameras)
    (message,) = listener.wait(stamp, 'depth/image')
    assert graph.set_parameter('mono_depth', 'depth_encoding', '32FC1')[0]
    assert message.encoding == '16UC1'
    values = np.frombuffer(message.data, np.uint16).reshape(240, 320)
    exact = plane_depth(arriving_camera('rectified', 'whole', True))
    assert np.abs(values - 1e3 * exact).max() <= 0.51


def test_decimated_images_show_the_same_plane(graph, cameras, listener, rectify):
    rectify('auto')
    assert graph.set_parameter('mono_depth', 'image_decimation', 4)[0]
    stamp = send(cameras)
    message, info, cloud = listener.wait(stamp, 'depth/image', 'depth/camera_info', 'points')
    assert graph.set_parameter('mono_depth', 'image_decimation', 1)[0]
    assert (message.width, message.height) == (cloud.width, cloud.height) == (80, 60)
    camera = camera_info_to_camera(info, 80, 60)
    np.testing.assert_allclose(image_to_depth(message), plane_depth(camera), rtol=1e-4)
    whole = arriving_camera('rectified', 'whole', True)
    assert camera.fx == pytest.approx(whole.fx / 4)
    assert camera.cx == pytest.approx((whole.cx + 0.5) / 4 - 0.5)


def test_depth_range_is_that_of_rep_117(graph, cameras, listener, rectify):
    rectify('auto')
    assert graph.set_parameter('mono_depth', 'min_depth', 2.6)[0]
    assert graph.set_parameter('mono_depth', 'max_depth', 3.5)[0]
    stamp = send(cameras)
    message, cloud = listener.wait(stamp, 'depth/image', 'points')
    assert graph.set_parameter('mono_depth', 'min_depth', 0)[0]  # an integer is a number
    assert graph.set_parameter('mono_depth', 'max_depth', float('inf'))[0]
    depth = image_to_depth(message)
    exact = plane_depth(arriving_camera('rectified', 'whole', True))
    clear = (np.abs(exact - 2.6) > 1e-3) & (np.abs(exact - 3.5) > 1e-3)
    assert (exact < 2.6).any()
    assert (exact > 3.5).any()
    assert np.isneginf(depth[clear & (exact < 2.6)]).all()
    assert np.isposinf(depth[clear & (exact > 3.5)]).all()
    inside = clear & (exact > 2.6) & (exact < 3.5)
    np.testing.assert_allclose(depth[inside], exact[inside], rtol=1e-4)
    points = cloud_fields(cloud)
    assert np.array_equal(np.isnan(points['x']), ~np.isfinite(depth))
    assert not cloud.is_dense


@pytest.mark.parametrize(
    ('parameters', 'fields', 'shape'),
    [
        ({'points_fields': 'xyz'}, ['x', 'y', 'z'], (240, 320)),
        ({'points_fields': 'xyzi'}, ['x', 'y', 'z', 'intensity'], (240, 320)),
        ({'decimation_x': 3, 'decimation_y': 4}, ['x', 'y', 'z', 'rgb'], (60, 107)),
        ({'points_max_range': 3.0}, ['x', 'y', 'z', 'rgb'], (240, 320)),
        ({'points_organised': False, 'points_max_range': 3.0}, ['x', 'y', 'z', 'rgb'], None),
        ({'points_organised': False, 'points_min_height': 0.2}, ['x', 'y', 'z', 'rgb'], None),
    ],
    ids=lambda value: '_'.join(map(str, value)) if isinstance(value, dict) else '',
)
def test_cloud_parameters(graph, cameras, listener, rectify, parameters, fields, shape):
    rectify('auto')
    defaults = {name: graph.parameter('mono_depth', name) for name in parameters}
    for name, value in parameters.items():
        assert graph.set_parameter('mono_depth', name, value) == (True, '')
    cloud, message = listener.wait(send(cameras), 'points', 'depth/image')
    for name, value in defaults.items():
        assert graph.set_parameter('mono_depth', name, value) == (True, '')
    points = cloud_fields(cloud)
    assert [f.name for f in cloud.fields] == fields
    step = (parameters.get('decimation_y', 1), parameters.get('decimation_x', 1))
    depth = image_to_depth(message)[:: step[0], :: step[1]]
    camera = arriving_camera('rectified', 'whole', True)
    v = np.mgrid[: camera.height, : camera.width][0][:: step[0], :: step[1]]
    height = -(v - camera.cy) / camera.fy * depth
    kept = depth <= parameters.get('points_max_range', np.inf)
    kept &= height >= parameters.get('points_min_height', -np.inf)
    assert kept.any()
    if shape is None:
        assert (cloud.height, cloud.width, cloud.is_dense) == (1, kept.sum(), True)
        np.testing.assert_allclose(points['z'][0], depth[kept], rtol=1e-6)
    else:
        assert (cloud.height, cloud.width) == shape
        np.testing.assert_allclose(points['z'], np.where(kept, depth, np.nan), rtol=1e-6)


def test_cloud_rate_limit_counts_stamps(graph, cameras, listener, rectify):
    rectify('auto')
    assert graph.set_parameter('mono_depth', 'points_max_rate', 2.0)[0]
    base = new_stamp() + 1_000_000_000  # clear of the last cloud
    stamps = [base + i * 100_000_000 for i in range(15)]  # 10 Hz by their stamps
    image = ray_image(arriving_camera('rectified', 'whole', True))
    for stamp in stamps:
        head = header(stamp)
        cameras['best_effort'].send(
            encoded('rgb8', image, head), camera_info('rectified', 'whole', head)
        )
        listener.wait(stamp, 'depth/image')
    graph.spin_for(0.1)
    assert graph.set_parameter('mono_depth', 'points_max_rate', 0.0)[0]
    sent = [i for i, stamp in enumerate(stamps) if stamp in listener.received['points']]
    assert sent == [0, 5, 10]


def test_calibration_is_remembered(graph, cameras, listener, rectify):
    """An image whose calibration came once, with another stamp, is not lost."""
    rectify('auto')
    listener.wait(send(cameras), 'depth/image')
    stamp = new_stamp()
    head = header(stamp)
    image = ray_image(arriving_camera('rectified', 'whole', True))
    cameras['best_effort'].send(encoded('rgb8', image, head), None)
    (message,) = listener.wait(stamp, 'depth/image')
    np.testing.assert_allclose(
        image_to_depth(message),
        plane_depth(arriving_camera('rectified', 'whole', True)),
        rtol=1e-4,
    )


@pytest.mark.parametrize('topic', ['front/image_rect', 'front/image_rect_color'])
def test_a_topic_called_image_rect_is_not_rectified_again(graph, topic):
    """image_proc sends rectified images beside the calibration of the raw ones."""
    remaps = {'image': topic, 'camera_info': 'front/camera_info', '__node': 'front_depth'}
    node = graph.start(MODULE, PLANE, remaps=remaps)
    camera = CameraSide(graph, topic, 'front/camera_info')
    listener = Listener(graph, 'front_depth', 'depth/image', 'depth/camera_info')
    camera.wait()
    stamp = new_stamp()
    head = header(stamp)
    arriving = arriving_camera('plumb_bob', 'whole', True)
    image = encoded('rgb8', ray_image(arriving), head)
    camera.send(image, camera_info('plumb_bob', 'whole', head))
    depth, info = listener.wait(stamp, 'depth/image', 'depth/camera_info')
    np.testing.assert_allclose(image_to_depth(depth), plane_depth(arriving), rtol=1e-4)
    np.testing.assert_array_equal(info.k, arriving.K.ravel())
    listener.close()
    node.stop()


def test_best_effort_consumers_hear_it_too(graph, cameras, rectify):
    rectify('auto')
    extra = Listener(graph, 'mono_depth', 'depth/image', qos=SENSOR)
    extra.wait_matched()
    extra.wait(send(cameras), 'depth/image')
    extra.close()


def test_nobody_listens_nothing_is_subscribed(graph, cameras, listener, rectify):
    rectify('auto')
    listener.wait(send(cameras), 'depth/image')
    side = cameras['best_effort']
    listener.close()
    for publisher in (side.images, side.infos):
        graph.spin_until(lambda p=publisher: p.get_subscription_count() == 0, 'no subscription')
    # camera_info is a consumer of its own
    again = Listener(graph, 'mono_depth', 'depth/camera_info')
    again.wait(send(cameras), 'depth/camera_info')
    again.close()


@pytest.mark.parametrize('kind', ['jpeg', 'png'])
def test_compressed(kind, compressed_node):
    import cv2

    _, side, listener = compressed_node
    side.wait()
    stamp = new_stamp()
    head = header(stamp)
    image = ray_image(arriving_camera('rectified', 'whole', True))
    data = cv2.imencode(f'.{kind}', image[..., ::-1])[1].tobytes()
    side.send(
        CompressedImage(header=head, format=kind, data=data),
        camera_info('rectified', 'whole', head),
    )
    cloud, depth = listener.wait(stamp, 'points', 'depth/image')
    error = np.abs(cloud_fields(cloud)['rgb'].astype(int) - image.astype(int))
    assert error.mean() <= (0 if kind == 'png' else 2)
    np.testing.assert_allclose(
        image_to_depth(depth),
        plane_depth(arriving_camera('rectified', 'whole', True)),
        rtol=1e-4,
    )


@pytest.fixture(scope='module')
def compressed_node(graph):
    graph.start(
        MODULE,
        {**PLANE, 'image_transport': 'compressed'},
        remaps={'__node': 'packed', 'image': '/cam/image_raw', 'camera_info': '/cam/info'},
    )
    side = CameraSide(graph, '/cam/image_raw', '/cam/info', compressed=True)
    return graph, side, Listener(graph, 'packed', 'points', 'depth/image')
