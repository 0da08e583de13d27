# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""CameraInfo in full: binning, ROI, lens models, what is left open, and what is wrong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip('sensor_msgs')

from sensor_msgs.msg import CameraInfo, RegionOfInterest
from std_msgs.msg import Header

from depth_ros.geometry.camera import bin_camera, crop_camera, resize_camera
from depth_ros.geometry.rectify import needs_rectification
from depth_ros.messages.camera_info import camera_info_to_camera, camera_to_camera_info
from depth_ros.types import Camera, DepthError, Distortion

K = [500.0, 0.0, 320.5, 0.0, 510.0, 240.25, 0.0, 0.0, 1.0]
P = [450.0, 0.0, 310.0, -54.0, 0.0, 450.0, 235.0, 0.0, 0.0, 0.0, 1.0, 0.0]
PLUMB_BOB = [-0.3, 0.1, 0.001, -0.002, 0.01]


def info(**changes):
    """Return a calibrated 640x480 right camera with some fields changed."""
    fields = {
        'width': 640,
        'height': 480,
        'k': K,
        'p': P,
        'r': [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        'd': PLUMB_BOB,
        'distortion_model': 'plumb_bob',
    }
    msg = CameraInfo()
    for name, value in {**fields, **changes}.items():
        setattr(msg, name, value)
    return msg


def roi(x, y, width, height, do_rectify=False):
    return RegionOfInterest(
        x_offset=x, y_offset=y, width=width, height=height, do_rectify=do_rectify
    )


def test_everything_is_taken_over():
    camera = camera_info_to_camera(info(), 640, 480)
    assert camera.size_wh == (640, 480)
    np.testing.assert_array_equal(camera.K.ravel(), K)
    np.testing.assert_array_equal(camera.projection.ravel(), P)
    np.testing.assert_array_equal(camera.D, PLUMB_BOB)
    assert camera.distortion is Distortion.PLUMB_BOB
    assert camera.baseline == pytest.approx(0.12)


@pytest.mark.parametrize('binning', [(0, 0), (1, 1), (0, 1)])
@pytest.mark.parametrize('window', [(0, 0, 0, 0), (0, 0, 640, 480)])
def test_zero_means_whole_and_unbinned(binning, window):
    msg = info(binning_x=binning[0], binning_y=binning[1], roi=roi(*window))
    assert camera_info_to_camera(msg) == camera_info_to_camera(info())


@given(
    x=st.integers(0, 300),
    y=st.integers(0, 200),
    width=st.integers(8, 340),
    height=st.integers(8, 280),
    bx=st.integers(1, 8),
    by=st.integers(1, 8),
    do_rectify=st.booleans(),
)
def test_crop_comes_before_binning(x, y, width, height, bx, by, do_rectify):
    msg = info(roi=roi(x, y, width, height, do_rectify), binning_x=bx, binning_y=by)
    got = camera_info_to_camera(msg, width // bx, height // by)
    assert got.size_wh == (width // bx, height // by)
    # As image_geometry does it: principal point less the offset, all over the binning.
    np.testing.assert_allclose(got.K[0], [K[0] / bx, 0, (K[2] - x) / bx], rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(got.K[1], [0, K[4] / by, (K[5] - y) / by], rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(got.projection[0, 2], (P[2] - x) / bx, atol=1e-9)
    assert got.baseline == pytest.approx(0.12)
    whole = camera_info_to_camera(info())
    assert got == bin_camera(crop_camera(whole, x, y, width, height), bx, by)


@pytest.mark.parametrize(
    ('name', 'D', 'expected', 'kept'),
    [
        ('', [], Distortion.NONE, 0),
        ('none', [], Distortion.NONE, 0),
        ('plumb_bob', [], Distortion.NONE, 0),
        ('plumb_bob', [0.0] * 5, Distortion.NONE, 0),
        ('rational_polynomial', [0.0] * 8, Distortion.NONE, 0),
        ('plumb_bob', PLUMB_BOB, Distortion.PLUMB_BOB, 5),
        ('plumb_bob', PLUMB_BOB[:4], Distortion.PLUMB_BOB, 4),
        ('plumb_bob', [*PLUMB_BOB, 0.0, 0.0, 0.0], Distortion.PLUMB_BOB, 5),
        ('Plumb_Bob', PLUMB_BOB, Distortion.PLUMB_BOB, 5),
        ('radtan', PLUMB_BOB[:4], Distortion.PLUMB_BOB, 4),
        ('rational_polynomial', [0.1] * 8, Distortion.RATIONAL, 8),
        ('rational_polynomial', [0.1] * 12, Distortion.RATIONAL, 12),
        ('rational_polynomial', [0.01] * 14, Distortion.RATIONAL, 14),
        ('equidistant', [0.1, 0.01, 0.0, 0.0], Distortion.EQUIDISTANT, 4),
        ('fisheye', [0.1, 0.01, 0.0, 0.0], Distortion.EQUIDISTANT, 4),
        ('equidistant', [0.0] * 4, Distortion.EQUIDISTANT, 4),  # bends light all the same
    ],
)
def test_lens_models(name, D, expected, kept):
    camera = camera_info_to_camera(info(distortion_model=name, d=D))
    assert camera.distortion is expected
    assert camera.D.size == kept
    assert camera.D.tolist() == D[:kept]


def test_p_all_zero_is_the_raw_pinhole():
    camera = camera_info_to_camera(info(p=[0.0] * 12))
    np.testing.assert_array_equal(camera.projection[:, :3], camera.K)
    assert camera.baseline == 0


def test_a_p_without_k_is_a_rectified_camera():
    camera = camera_info_to_camera(info(k=[0.0] * 9, d=[], r=[0.0] * 9, binning_x=2, binning_y=2))
    whole = camera_info_to_camera(info(d=[], binning_x=2, binning_y=2))
    np.testing.assert_array_equal(camera.K, whole.projection[:, :3])
    np.testing.assert_array_equal(camera.projection, whole.projection)
    assert not camera.is_distorted
    assert not needs_rectification(camera)
    np.testing.assert_array_equal(camera.R, np.eye(3))


def test_r_all_zero_is_identity():
    np.testing.assert_array_equal(camera_info_to_camera(info(r=[0.0] * 9)).R, np.eye(3))


def sensors():
    yield Camera.pinhole(640, 480, 500, baseline=0.1)
    yield camera_info_to_camera(info())
    yield camera_info_to_camera(info(distortion_model='equidistant', d=[0.1, 0.0, 0.01, 0.0]))
    yield resize_camera(camera_info_to_camera(info()), 311, 233)


@pytest.mark.parametrize('camera', sensors())
def test_round_trip_through_a_message(camera):
    msg = camera_to_camera_info(camera, Header(frame_id='eye'))
    assert (msg.header.frame_id, msg.binning_x, msg.binning_y) == ('eye', 1, 1)
    assert msg.roi == RegionOfInterest()
    assert camera_info_to_camera(msg, *camera.size_wh) == camera


def nan(values, i):
    return [float('nan') if k == i else v for k, v in enumerate(values)]


MALFORMED = {
    'empty message': (CameraInfo(), 'both must be positive'),
    'width zero': (info(width=0), 'camera_info is for 0x480'),
    'K zero': (info(k=[0.0] * 9), 'not calibrated'),  # although it has a lens
    'K and P zero': (info(k=[0.0] * 9, p=[0.0] * 12, d=[]), 'not calibrated'),
    'K without fx': (info(k=[0.0, *K[1:]]), 'not calibrated'),
    'K negative': (info(k=[-500.0, *K[1:]]), 'focal length'),
    'K NaN': (info(k=nan(K, 2)), 'NaN or infinity in K'),
    'P NaN': (info(p=nan(P, 3)), 'NaN or infinity in P'),
    'D NaN': (info(d=nan(PLUMB_BOB, 0)), 'NaN or infinity in D'),
    'R NaN': (info(r=nan([1.0] * 9, 0)), 'NaN or infinity in R'),
    'P infinite': (info(p=[float('inf'), *P[1:]]), 'NaN or infinity in P'),
    'P without fx': (info(p=[0.0, *P[1:]]), 'P has focal length'),
    'R no rotation': (info(r=np.diag([2.0, 1.0, 1.0]).ravel().tolist()), 'not a rotation'),
    'R mirrored': (info(r=np.diag([1.0, 1.0, -1.0]).ravel().tolist()), 'not a rotation'),
    'model unknown': (info(distortion_model='omnidirectional'), "'omnidirectional' is not known"),
    'no model but D': (info(distortion_model=''), 'coefficients in D'),
    'D too short': (info(d=[0.1, 0.2]), 'has 2 coefficients'),
    'D of another model': (info(d=[0.1] * 8), 'has 8 coefficients'),
    'fisheye without D': (info(distortion_model='equidistant', d=[]), 'has 0 coefficients'),
    'rational too short': (info(distortion_model='rational_polynomial'), 'has 5 coefficients'),
    'ROI too wide': (info(roi=roi(10, 0, 640, 480)), 'ROI is 640x480 at (10, 0)'),
    'ROI without size': (info(roi=roi(10, 10, 0, 0)), 'ROI is 0x0'),
    'ROI without height': (info(roi=roi(0, 0, 10, 0)), 'ROI is 10x0'),
    'ROI out of the image': (info(roi=roi(2**32 - 1, 0, 10, 10)), 'ROI is'),
    'binning absurd': (info(binning_x=2**32 - 1), 'binning is'),
}


@pytest.mark.parametrize(('msg', 'problem'), MALFORMED.values(), ids=MALFORMED)
def test_malformed_calibrations_are_refused_in_one_sentence(msg, problem):
    with pytest.raises(DepthError) as caught:
        camera_info_to_camera(msg)
    assert problem in str(caught.value)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    ('msg', 'size'),
    [
        (info(), (320, 240)),  # a driver that halves the image and says nothing
        (info(binning_x=2, binning_y=2), (640, 480)),
        (info(roi=roi(0, 0, 320, 240)), (640, 480)),
        (info(roi=roi(0, 0, 321, 241), binning_x=2, binning_y=2), (161, 121)),  # floor, not round
    ],
)
def test_an_image_of_another_size_is_refused(msg, size):
    with pytest.raises(DepthError, match=f'image is {size[0]}x{size[1]} but camera_info'):
        camera_info_to_camera(msg, *size)


def test_a_message_may_be_changed_without_changing_the_camera():
    camera = Camera.pinhole(64, 48, 50.0)
    msg = camera_to_camera_info(camera, Header())
    msg.k[0], msg.p[0], msg.r[0] = 1.0, 2.0, 3.0
    assert (camera.K[0, 0], camera.projection[0, 0], camera.R[0, 0]) == (50.0, 50.0, 1.0)
