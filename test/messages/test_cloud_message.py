# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Clouds against the unprojection of the depth they were made from."""

import array
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip('sensor_msgs')

from clouds import xyz
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

from depth_ros.geometry.depth_values import is_valid
from depth_ros.geometry.unproject import depth_to_points
from depth_ros.messages import cloud_kernels
from depth_ros.messages.cloud import CloudBuilder, cloud_to_points, unpack_rgb
from depth_ros.types import Camera, DepthError, Distortion

HEADER = Header(frame_id='camera_optical')
PLAIN = Camera.pinhole(120, 90, 100.0, 105.0, 57.3, 44.1)
LENS = Camera(120, 90, PLAIN.K, np.array([-0.2, 0.05, 0.001, -0.002, 0.0]), Distortion.PLUMB_BOB)
FISHEYE = Camera(120, 90, PLAIN.K, np.array([0.02, 0.0, 0.0, 0.0]), Distortion.EQUIDISTANT)
SKEWED = Camera(120, 90, PLAIN.K + np.array([[0, 3.0, 0], [0, 0, 0], [0, 0, 0]]))
CAMERAS = {'pinhole': PLAIN, 'lens': LENS, 'fisheye': FISHEYE, 'skewed': SKEWED}
KINDS = ('all valid', 'holes', 'everything', 'nothing')


def make_depth(camera, kind, seed=0):
    """Return depth of which all, most or nothing is valid."""
    rng = np.random.default_rng(seed)
    depth = rng.uniform(0.3, 9.0, (camera.height, camera.width)).astype(np.float32)
    wrong = {
        'all valid': [],
        'holes': [np.nan],
        'everything': [np.nan, np.inf, -np.inf, 0.0, -0.0, -1.5],
        'nothing': [np.nan, np.inf, 0.0],
    }[kind]
    if wrong:
        bad = rng.random(depth.shape) < (1.1 if kind == 'nothing' else 0.3)
        depth[bad] = rng.choice(np.float32(wrong), bad.sum())
    return depth


def make_image(camera, channels, seed=1):
    shape = (camera.height, camera.width) + ((channels,) if channels > 1 else ())
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def expected_points(depth, camera, dy=1, dx=1):
    """Return the unprojection with NaN in all three where there is no valid depth."""
    points = depth_to_points(depth, camera)
    points[~is_valid(depth) | np.isnan(points).any(axis=-1)] = np.nan
    return points[::dy, ::dx]


@pytest.mark.parametrize('camera', CAMERAS.values(), ids=CAMERAS)
@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('step', [(1, 1), (2, 3), (1, 7), (100, 200)], ids=str)
def test_organised_clouds_are_the_unprojection(camera, kind, step):
    dy, dx = step
    depth = make_depth(camera, kind)
    msg = CloudBuilder(decimation_x=dx, decimation_y=dy)(depth, camera, HEADER)
    expected = expected_points(depth, camera, dy, dx)
    assert (msg.height, msg.width) == expected.shape[:2]
    assert (msg.point_step, msg.row_step) == (12, 12 * msg.width)
    assert msg.header.frame_id == 'camera_optical'
    assert isinstance(msg.data, array.array)
    assert len(msg.data) == msg.row_step * msg.height
    got = np.frombuffer(msg.data, np.float32).reshape(expected.shape)
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=0)
    assert msg.is_dense == np.isfinite(expected).all()


@pytest.mark.parametrize('camera', CAMERAS.values(), ids=CAMERAS)
@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('fields', ['xyz', 'xyzrgb', 'xyzi'])
def test_dense_clouds_hold_the_valid_points_in_order(camera, kind, fields):
    depth, image = make_depth(camera, kind), make_image(camera, 3)
    options = {'decimation_x': 2, 'decimation_y': 3}
    organised = CloudBuilder(fields, **options)(depth, camera, HEADER, image)
    dense = CloudBuilder(fields, organised=False, **options)(depth, camera, HEADER, image)
    points = cloud_to_points(organised).reshape(-1)
    np.testing.assert_array_equal(cloud_to_points(dense), points[np.isfinite(points['z'])])
    assert dense.is_dense
    assert (dense.height, dense.width) == (1, np.isfinite(points['z']).sum())
    assert len(dense.data) == dense.row_step == dense.width * dense.point_step


@pytest.mark.parametrize('channels', [1, 3], ids=['grey', 'rgb'])
@pytest.mark.parametrize('step', [(1, 1), (3, 2)], ids=str)
def test_colours_are_those_of_the_pixels(channels, step):
    dy, dx = step
    depth, image = make_depth(PLAIN, 'everything'), make_image(PLAIN, channels)
    builder = CloudBuilder('xyzrgb', decimation_x=dx, decimation_y=dy)
    points = cloud_to_points(builder(depth, PLAIN, HEADER, image))
    assert points.dtype.names == ('x', 'y', 'z', 'rgb')
    assert points.dtype.itemsize == 16
    rgb = image if channels == 3 else np.repeat(image[..., None], 3, axis=2)
    np.testing.assert_array_equal(unpack_rgb(points), rgb[::dy, ::dx])
    # Alpha stays zero: colours are no NaN, for which readers would drop the point.
    assert np.isfinite(points['rgb']).all()
    assert points['rgb'].view(np.uint32).max() <= 0xFFFFFF


@pytest.mark.parametrize('channels', [1, 3], ids=['grey', 'rgb'])
def test_intensity_is_the_grey_value(channels):
    depth, image = make_depth(PLAIN, 'holes'), make_image(PLAIN, channels)
    points = cloud_to_points(CloudBuilder('xyzi')(depth, PLAIN, HEADER, image))
    grey = image if channels == 1 else image @ np.array([0.299, 0.587, 0.114])
    assert points.dtype.names == ('x', 'y', 'z', 'intensity')
    np.testing.assert_allclose(points['intensity'], grey, atol=0 if channels == 1 else 0.51)


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(1, 70),
    height=st.integers(1, 70),
    dx=st.integers(1, 5),
    dy=st.integers(1, 5),
    seed=st.integers(0, 99),
    kind=st.sampled_from(KINDS),
)
def test_any_size_and_decimation(width, height, dx, dy, seed, kind):
    camera = Camera.pinhole(width, height, 50.0)
    depth = make_depth(camera, kind, seed)
    got = CloudBuilder(decimation_x=dx, decimation_y=dy)(depth, camera, HEADER)
    expected = expected_points(depth, camera, dy, dx)
    np.testing.assert_allclose(
        np.frombuffer(got.data, np.float32).reshape(expected.shape), expected, rtol=1e-6
    )


def test_images_wider_than_a_strip():
    camera = Camera.pinhole(30000, 3, 5000.0)
    depth = make_depth(camera, 'everything')
    np.testing.assert_allclose(
        xyz(CloudBuilder()(depth, camera, HEADER)), expected_points(depth, camera), rtol=1e-6
    )


@pytest.mark.parametrize('camera', [PLAIN, LENS], ids=['pinhole', 'lens'])
@pytest.mark.parametrize(
    ('min_range', 'max_range'), [(0.0, 3.0), (1.0, float('inf')), (2.0, 2.5), (20.0, 30.0)]
)
def test_the_range_crop_compares_z_and_keeps_its_bounds(camera, min_range, max_range):
    depth = make_depth(camera, 'everything')
    depth[5, 5:8] = 1.0, 2.0, 3.0
    got = xyz(CloudBuilder(min_range=min_range, max_range=max_range)(depth, camera, HEADER))
    expected = expected_points(depth, camera)
    with np.errstate(invalid='ignore'):
        expected[~((depth >= min_range) & (depth <= max_range))] = np.nan
    np.testing.assert_allclose(got, expected, rtol=1e-6)


@pytest.mark.parametrize('organised', [True, False])
@pytest.mark.parametrize(
    ('low', 'high'), [(-0.5, 0.5), (0.0, float('inf')), (-float('inf'), -0.2), (50.0, 60.0)]
)
@pytest.mark.parametrize('kind', ['all valid', 'everything'])
def test_the_height_crop_counts_upwards(organised, low, high, kind):
    depth = make_depth(PLAIN, kind)
    builder = CloudBuilder('xyzrgb', organised, min_height=low, max_height=high)
    msg = builder(depth, PLAIN, HEADER, make_image(PLAIN, 3))
    expected = expected_points(depth, PLAIN)
    up = -expected[..., 1]
    with np.errstate(invalid='ignore'):
        outside = ~((up >= np.float32(low)) & (up <= np.float32(high)))
    expected[outside] = np.nan
    if organised:
        np.testing.assert_allclose(xyz(msg), expected, rtol=1e-6)
    else:
        np.testing.assert_allclose(xyz(msg), expected[~outside], rtol=1e-6)
    assert msg.is_dense == (not organised or not outside.any())


def test_a_ray_beyond_the_lens_gives_no_point():
    barrel = Camera(400, 300, PLAIN.K, np.array([-0.9, 0.0, 0.0, 0.0]), Distortion.PLUMB_BOB)
    depth = np.ones((300, 400), np.float32)
    expected = expected_points(depth, barrel)
    assert np.isnan(expected).any()  # the table reaches that case at all
    msg = CloudBuilder()(depth, barrel, HEADER)
    np.testing.assert_allclose(xyz(msg), expected, rtol=1e-6)
    assert not msg.is_dense


def test_a_message_that_is_held_is_never_overwritten():
    builder = CloudBuilder()
    held, copies = [], []
    for seed in range(8):
        msg = builder(make_depth(PLAIN, 'holes', seed), PLAIN, HEADER)
        held.append(msg)
        copies.append(msg.data.tobytes())
    assert [m.data.tobytes() for m in held] == copies


def test_a_view_of_the_data_keeps_it_from_being_overwritten():
    builder = CloudBuilder()
    view = np.frombuffer(builder(make_depth(PLAIN, 'holes', 0), PLAIN, HEADER).data, np.float32)
    before = view.copy()
    for seed in range(1, 6):
        builder(make_depth(PLAIN, 'all valid', seed), PLAIN, HEADER)
    np.testing.assert_array_equal(view, before)


def test_memory_is_used_again_once_the_message_is_gone():
    builder, fresh = CloudBuilder(), CloudBuilder(reuse=False)
    depth = make_depth(PLAIN, 'holes')
    addresses = {builder(depth, PLAIN, HEADER).data.buffer_info()[0] for _ in range(5)}
    assert len(addresses) == 1
    held = [fresh(depth, PLAIN, HEADER) for _ in range(3)]
    assert len({m.data.buffer_info()[0] for m in held}) == 3


def test_one_builder_serves_changing_cameras_and_fields_do_not_leak():
    builder = CloudBuilder('xyzrgb')
    small = Camera.pinhole(31, 17, 20.0)
    for camera, kind in itertools.product((PLAIN, small, LENS, PLAIN), ('everything', 'holes')):
        depth = make_depth(camera, kind)
        got = xyz(builder(depth, camera, HEADER, make_image(camera, 3)))
        np.testing.assert_allclose(got, expected_points(depth, camera), rtol=1e-6)


def test_a_depth_image_with_padded_rows_is_read_in_place():
    wide = make_depth(Camera.pinhole(200, 90, 1.0), 'everything')
    depth = wide[:, 7:127]
    before = wide.copy()
    got = xyz(CloudBuilder()(depth, PLAIN, HEADER))
    np.testing.assert_allclose(got, expected_points(depth.copy(), PLAIN), rtol=1e-6)
    np.testing.assert_array_equal(wide, before)


DEPTH = make_depth(PLAIN, 'holes')


@pytest.mark.parametrize(
    ('options', 'call', 'problem'),
    [
        ({'fields': 'xyzw'}, None, "cloud fields are 'xyzw'"),
        ({'decimation_x': 0}, None, 'decimation_x is 0'),
        ({'decimation_y': 1.5}, None, 'decimation_y is 1.5'),
        ({'min_range': -1.0}, None, 'cloud range'),
        ({'min_range': 2.0, 'max_range': 1.0}, None, 'cloud range'),
        ({'max_range': float('nan')}, None, 'cloud range'),
        ({'min_height': 1.0, 'max_height': 0.0}, None, 'cloud height'),
        ({}, (DEPTH[:, :-1], PLAIN), 'depth is float32 with shape (90, 119)'),
        ({}, (DEPTH.astype(np.float64), PLAIN), 'depth is float64'),
        ({}, (DEPTH.astype('>f4'), PLAIN), 'depth is >f4'),
        ({'fields': 'xyzrgb'}, (DEPTH, PLAIN), 'needs an image'),
        ({'fields': 'xyzi'}, (DEPTH, PLAIN), 'needs an image'),
        (
            {'fields': 'xyzrgb'},
            (DEPTH, PLAIN, np.zeros((90, 60, 3), np.uint8)),
            'image of the cloud',
        ),
        (
            {'fields': 'xyzrgb'},
            (DEPTH, PLAIN, np.zeros((90, 120, 4), np.uint8)),
            'image of the cloud',
        ),
        ({'fields': 'xyzi'}, (DEPTH, PLAIN, np.zeros((90, 120), np.uint16)), 'is uint16'),
    ],
)
def test_what_cannot_become_a_cloud_is_refused(options, call, problem):
    depth, camera, *image = call or (DEPTH, PLAIN)
    with pytest.raises(DepthError) as caught:
        CloudBuilder(**options)(depth, camera, HEADER, *image)
    assert problem in str(caught.value)


@pytest.mark.parametrize('fields', ['xyz', 'xyzrgb', 'xyzi'])
@pytest.mark.parametrize('organised', [True, False])
def test_sensor_msgs_py_reads_the_same_points(fields, organised):
    reader = pytest.importorskip('sensor_msgs_py.point_cloud2')
    msg = CloudBuilder(fields, organised)(
        make_depth(PLAIN, 'everything'), PLAIN, HEADER, make_image(PLAIN, 3)
    )
    theirs, ours = reader.read_points(msg), cloud_to_points(msg).reshape(-1)
    assert theirs.dtype == ours.dtype
    assert theirs.tobytes() == ours.tobytes()  # NaN are not equal, their bits are
    valid = reader.read_points(msg, skip_nans=True)
    assert len(valid) == is_valid(make_depth(PLAIN, 'everything')).sum()


def cloud(values, fields, **changes):
    msg = PointCloud2(height=1, width=len(values), point_step=values.dtype.itemsize)
    msg.row_step = msg.width * msg.point_step
    msg.fields = [PointField(name=n, offset=o, datatype=d, count=c) for n, o, d, c in fields]
    msg.data = array.array('B', values.tobytes())
    for name, value in changes.items():
        setattr(msg, name, value)
    return msg


F, U8 = PointField.FLOAT32, PointField.UINT8


@pytest.mark.parametrize('order', ['<', '>'])
def test_foreign_clouds_are_read(order):
    kind = np.dtype(
        {
            'names': ['x', 'ring', 'normal'],
            'formats': [order + 'f4', order + 'u2', (order + 'f4', 2)],
            'offsets': [4, 8, 12],
            'itemsize': 24,
        }
    )
    values = np.zeros(5, kind)
    values['x'], values['ring'] = np.arange(5), np.arange(5) * 300
    values['normal'] = np.arange(10).reshape(5, 2)
    fields = [('x', 4, F, 1), ('ring', 8, PointField.UINT16, 1), ('normal', 12, F, 2)]
    points = cloud_to_points(cloud(values, fields, is_bigendian=order == '>'))
    np.testing.assert_array_equal(points['x'], values['x'])
    np.testing.assert_array_equal(points['ring'], values['ring'])
    np.testing.assert_array_equal(points['normal_1'], values['normal'][:, 1])


def test_padded_rows_are_read():
    rows = np.full((3, 5), -1, np.float32)
    rows[:, :4] = np.arange(12).reshape(3, 4)
    msg = cloud(np.zeros(0, np.float32), [('x', 0, F, 1)])
    msg.height, msg.width, msg.row_step = 3, 4, 20
    msg.data = array.array('B', rows.tobytes())
    np.testing.assert_array_equal(cloud_to_points(msg)['x'], rows[:, :4])


FLOATS = np.zeros(4, np.dtype([('x', 'f4')]))


@pytest.mark.parametrize(
    'msg',
    [
        PointCloud2(height=1, width=1, point_step=4, row_step=4),  # no fields
        cloud(FLOATS, [('x', 0, 99, 1)]),
        cloud(FLOATS, [('x', 0, F, 0)]),
        cloud(FLOATS, [('x', 4, F, 1)]),  # beyond the point
        cloud(FLOATS, [('x', 0, U8, 1), ('x', 1, U8, 1)]),  # the same name twice
        cloud(FLOATS, [('x', 0, F, 1)], width=5),  # more points than bytes
        cloud(FLOATS, [('x', 0, F, 1)], height=2**32 - 1),
        cloud(FLOATS, [('x', 0, F, 1)], row_step=3),
        cloud(FLOATS, [('x', 0, F, 1)], data=array.array('B')),
    ],
)
def test_malformed_clouds_are_refused(msg):
    with pytest.raises(DepthError, match='check the publisher'):
        cloud_to_points(msg)


def test_an_empty_cloud_has_no_points():
    depth = np.full((90, 120), np.nan, np.float32)
    msg = CloudBuilder(organised=False)(depth, PLAIN, HEADER)
    assert len(cloud_to_points(msg)) == 0
    assert (msg.width, len(msg.data)) == (0, 0)


@pytest.mark.parametrize('camera', CAMERAS.values(), ids=CAMERAS)
@pytest.mark.parametrize('fields', ['xyz', 'xyzrgb', 'xyzi'])
@pytest.mark.parametrize(
    'crop',
    [{}, {'min_range': 1.5, 'max_range': 4.0}, {'min_height': -1.0, 'max_height': 0.5}],
    ids=['whole', 'range', 'height'],
)
def test_both_writers_write_the_very_same_points(monkeypatch, camera, fields, crop):
    pytest.importorskip('numba')
    if cloud_kernels.compiled_writer(3, False, False) is None:
        pytest.skip('numba is switched off')
    depth = make_depth(camera, 'everything')
    depth.flags.writeable = False
    height = np.random.default_rng(4).uniform(0, 1, depth.shape).astype(np.float32)

    def build():
        builder = CloudBuilder(fields, decimation_x=2, extra=('height',), **crop)
        return builder(depth, camera, HEADER, make_image(camera, 3), {'height': height})

    compiled = build()
    monkeypatch.setattr('depth_ros.messages.cloud.compiled_writer', lambda *a: None)
    plain = build()
    assert compiled.is_dense == plain.is_dense
    a, b = (cloud_to_points(cloud) for cloud in (compiled, plain))
    for name in a.dtype.names:
        bits = [np.ascontiguousarray(points[name]).view(np.uint32) for points in (a, b)]
        same = (bits[0] == bits[1]) | (np.isnan(a[name]) & np.isnan(b[name]))
        assert same.all()


def test_a_numba_that_does_not_work_costs_nothing(monkeypatch):
    def broken(*arguments):
        raise ImportError('numba needs another NumPy')

    monkeypatch.setattr('depth_ros.geometry.compiled._compile', broken)
    cloud_kernels.compiled_writer.cache_clear()
    try:
        assert cloud_kernels.compiled_writer(3, False, False) is None
        depth = make_depth(PLAIN, 'holes')
        points = xyz(CloudBuilder()(depth, PLAIN, HEADER))
        np.testing.assert_allclose(points, expected_points(depth, PLAIN), rtol=1e-6)
    finally:
        cloud_kernels.compiled_writer.cache_clear()


@pytest.mark.parametrize('camera', CAMERAS.values(), ids=CAMERAS)
@pytest.mark.parametrize('fields', ['xyz', 'xyzrgb', 'xyzi'])
@pytest.mark.parametrize('organised', [True, False])
@pytest.mark.parametrize('step', [(1, 1), (2, 3)], ids=str)
def test_extra_fields_follow_the_pixels_and_change_nothing_else(camera, fields, organised, step):
    dy, dx = step
    depth, pixels = make_depth(camera, 'everything'), make_image(camera, 3)
    rng = np.random.default_rng(5)
    height, sigma = rng.uniform(0, 1, (2, *depth.shape)).astype(np.float32)
    layout = {'organised': organised, 'decimation_x': dx, 'decimation_y': dy}
    plain = CloudBuilder(fields, **layout)(depth, camera, HEADER, pixels)
    more = {'uncertainty': sigma, 'height': height}
    build = CloudBuilder(fields, extra=('height', 'uncertainty'), **layout)
    msg = build(depth, camera, HEADER, pixels, more)
    assert build.point_step == msg.point_step == plain.point_step + 8
    assert [f.name for f in msg.fields][-2:] == ['height', 'uncertainty']
    points, expected = cloud_to_points(msg), cloud_to_points(plain)
    assert points.shape == expected.shape
    for name in expected.dtype.names:
        bits = [np.ascontiguousarray(p[name]).view(np.uint32) for p in (points, expected)]
        if name == 'rgb':
            np.testing.assert_array_equal(*bits)
        else:  # compiled or not, the numbers are the same to a rounding
            np.testing.assert_allclose(points[name], expected[name], rtol=3e-7)
    valid = np.isfinite(expected_points(depth, camera, dy, dx)[..., 2])
    for name, image in (('height', height), ('uncertainty', sigma)):
        kept = image[::dy, ::dx]
        np.testing.assert_array_equal(points[name], kept if organised else kept[valid])


def test_an_extra_field_without_its_image_is_refused():
    depth = make_depth(PLAIN, 'all valid')
    build = CloudBuilder(extra=('height',))
    with pytest.raises(DepthError, match="'height' needs float32"):
        build(depth, PLAIN, HEADER)
    with pytest.raises(DepthError, match='float64'):
        build(depth, PLAIN, HEADER, extra={'height': depth.astype(np.float64)})
    for extra in (('weight',), ('height', 'height')):
        with pytest.raises(DepthError, match='at most once'):
            CloudBuilder(extra=extra)
