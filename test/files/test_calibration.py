# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Calibration files: what camera_calibration writes is read; what is malformed is named."""

import cv2
import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from depth_ros.files.calibration import CalibrationError, read_camera, write_camera
from depth_ros.types import Camera, Distortion

# As cameracalibrator's save button writes it.
WRITTEN = """\
image_width: 640
image_height: 480
camera_name: narrow_stereo
camera_matrix:
  rows: 3
  cols: 3
  data: [438.78, 0.0, 305.59, 0.0, 437.35, 243.74, 0.0, 0.0, 1.0]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [-0.36, 0.11, 1e-03, -5.0e-04, 0.0]
rectification_matrix:
  rows: 3
  cols: 3
  data: [0.99998, 0.00279, -0.00605, -0.00282, 0.99999, -0.0044, 0.00603, 0.00442, 0.99997]
projection_matrix:
  rows: 3
  cols: 4
  data: [393.65, 0.0, 322.8, -47.2, 0.0, 393.65, 241.1, 0.0, 0.0, 0.0, 1.0, 0.0]
"""
coefficient = st.floats(-2, 2, allow_subnormal=True)


def test_what_camera_calibration_writes(tmp_path):
    path = tmp_path / 'left.yaml'
    path.write_text(WRITTEN)
    camera = read_camera(path)
    assert camera.size_wh == (640, 480)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (438.78, 437.35, 305.59, 243.74)
    assert camera.distortion is Distortion.PLUMB_BOB
    np.testing.assert_array_equal(camera.D, [-0.36, 0.11, 0.001, -0.0005, 0])
    assert camera.R[0, 2] == -0.00605
    assert camera.baseline == pytest.approx(47.2 / 393.65)


@st.composite
def calibrations(draw: st.DrawFn) -> Camera:
    distortion = draw(st.sampled_from(Distortion))
    lengths = {
        Distortion.NONE: (0,),
        Distortion.PLUMB_BOB: (4, 5),
        Distortion.RATIONAL: (8, 12, 14),
        Distortion.EQUIDISTANT: (4,),
    }[distortion]
    length = draw(st.sampled_from(lengths))
    D = draw(st.lists(coefficient, min_size=length, max_size=length))
    if distortion is not Distortion.EQUIDISTANT and not any(D):
        distortion, D = Distortion.NONE, []
    width, height = (draw(st.integers(1, 10_000)) for _ in range(2))
    ratio, place = st.floats(2e-3, 9e4), st.floats(-9e4, 9e4)  # in widths and heights
    fx, fy, px, py = (draw(ratio) * side for side in (width, height) * 2)
    cx, cy, pcx, pcy = (draw(place) * side for side in (width, height) * 2)
    shift = draw(st.floats(-1e3, 1e3)) * px
    K = [fx, 0, cx, 0, fy, cy, 0, 0, 1]
    P = [px, 0, pcx, shift, 0, py, pcy, 0, 0, 0, 1, 0]
    R, _ = cv2.Rodrigues(np.array([draw(st.floats(-3, 3)) for _ in range(3)]))
    return Camera(width, height, K, D, distortion, R, P)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calibrations(), st.text(max_size=20))
def test_reading_gives_back_what_was_written(tmp_path, camera, name):
    path = tmp_path / 'camera.yaml'
    write_camera(camera, path, name)
    assert read_camera(path) == camera
    assert yaml.safe_load(path.read_text('utf-8'))['camera_name'] == name


def test_an_undistorted_camera_is_written_as_others_read_it(tmp_path):
    path = tmp_path / 'camera.yaml'
    camera = Camera.pinhole(640, 480, 500.0, baseline=0.1)
    write_camera(camera, path)
    document = yaml.safe_load(path.read_text())
    assert document['distortion_model'] == 'plumb_bob'
    assert document['distortion_coefficients'] == {'rows': 1, 'cols': 5, 'data': [0.0] * 5}
    assert list(document) == list(yaml.safe_load(WRITTEN))
    assert read_camera(path) == camera


@pytest.mark.parametrize('missing', ['rectification_matrix', 'projection_matrix'])
@pytest.mark.parametrize('how', ['absent', 'zero'])
def test_a_camera_calibrated_alone(tmp_path, missing, how):
    document = yaml.safe_load(WRITTEN)
    if how == 'absent':
        del document[missing]
    else:
        document[missing]['data'] = [0.0] * len(document[missing]['data'])
    path = tmp_path / 'camera.yaml'
    path.write_text(yaml.safe_dump(document))
    camera = read_camera(path)
    if missing == 'rectification_matrix':
        np.testing.assert_array_equal(camera.R, np.eye(3))
    else:
        np.testing.assert_array_equal(camera.projection, np.hstack([camera.K, np.zeros((3, 1))]))


def put(key, value):
    return lambda document: document.update({key: value})


def put_in(key, field, value):
    return lambda document: document[key].update({field: value})


def drop(key):
    return lambda document: document.pop(key)


def all_of(*changes):
    return lambda document: [change(document) for change in changes]


DATA_8 = [1.0] * 8
TABLE = {
    'no width': (drop('image_width'), 'image_width is missing, expected a positive whole number'),
    'zero height': (put('image_height', 0), 'image_height is 0'),
    'negative width': (put('image_width', -640), 'image_width is -640'),
    'width as text': (put('image_width', 'wide'), "image_width is 'wide'"),
    'width is half a pixel': (put('image_width', 640.5), r'image_width is 640\.5'),
    'width is true': (put('image_width', True), 'image_width is True'),
    'absurd width': (put('image_width', 10**9), 'image_width is 1000000000'),
    'no K': (drop('camera_matrix'), 'run camera_calibration'),
    'zero K': (put_in('camera_matrix', 'data', [0.0] * 9), 'run camera_calibration'),
    'short K': (put_in('camera_matrix', 'data', DATA_8), 'says 3x3 but holds 8 numbers'),
    'short K without counts': (put('camera_matrix', DATA_8), 'has 8 numbers, expected 3x3 = 9'),
    'K without data': (put('camera_matrix', {'rows': 3, 'cols': 3}), 'no list of numbers'),
    'K is a number': (put('camera_matrix', 5), 'no list of numbers'),
    'K with text': (put_in('camera_matrix', 'data', ['f'] * 9), "holds 'f', expected finite"),
    'K with nan': (put_in('camera_matrix', 'data', [float('nan')] * 9), 'expected finite numbers'),
    'K nested': (put_in('camera_matrix', 'data', [[1, 0, 0]] * 9), 'expected finite numbers'),
    'K with true': (put_in('camera_matrix', 'data', [True] * 9), 'holds True'),
    'K too large for a float': (put_in('camera_matrix', 'data', [10**400] * 9), 'finite numbers'),
    'negative focal length': (
        put_in('camera_matrix', 'data', [-1.0, 0, 0, 0, 1, 0, 0, 0, 1]),
        'it must be positive',
    ),
    'wrong rows': (put_in('camera_matrix', 'rows', 4), 'says 4x3 but holds 9'),
    'rows as text': (put_in('camera_matrix', 'rows', 'three'), "says 'three'x3"),
    'P with nine': (
        all_of(put('projection_matrix', {'data': [1.0] * 9})),
        'projection_matrix has 9 numbers, expected 3x4 = 12',
    ),
    'R with four': (put('rectification_matrix', {'data': [1.0] * 4}), 'expected 3x3 = 9'),
    'R doubled': (
        put('rectification_matrix', {'data': [2.0, 0, 0, 0, 2.0, 0, 0, 0, 2.0]}),
        'R is not a rotation',
    ),
    'R mirrored': (
        put('rectification_matrix', {'data': [1.0, 0, 0, 0, 1.0, 0, 0, 0, -1.0]}),
        'R is not a rotation',
    ),
    'R of ones': (put('rectification_matrix', {'data': [1.0] * 9}), 'R is not a rotation'),
    'K of a line': (
        put_in('camera_matrix', 'data', [1e3, 1e3, 0, 1e3, 1e3, 0, 0, 0, 1.0]),
        'maps the image onto a line',
    ),
    'lens of a galaxy': (
        put('distortion_coefficients', {'data': [1e300] * 5}),
        r'D holds 1e\+300, expected',
    ),
    'P focal zero': (
        put('projection_matrix', {'data': [0.0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0]}),
        'P has focal length',
    ),
    'unknown lens': (put('distortion_model', 'fish'), "'fish', expected plumb_bob"),
    'lens is a number': (put('distortion_model', 5), 'distortion_model is 5'),
    'no lens but coefficients': (drop('distortion_model'), 'distortion_model empty, expected a'),
    'six coefficients': (
        put('distortion_coefficients', {'data': [0.1] * 6}),
        'has 6 numbers with distortion_model plumb_bob, expected 4 or 5 or 8',
    ),
    'fisheye with five': (
        put('distortion_model', 'equidistant'),
        'has 5 numbers with distortion_model equidistant, expected 4 for',
    ),
}


@pytest.mark.parametrize(('change', 'says'), TABLE.values(), ids=TABLE)
def test_what_is_malformed_is_named(tmp_path, change, says):
    document = yaml.safe_load(WRITTEN)
    change(document)
    path = tmp_path / 'camera.yaml'
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(CalibrationError, match=says) as caught:
        read_camera(path)
    message = str(caught.value)
    assert str(path) in message
    assert '\n' not in message
    assert len(message) < 300 + len(str(path))


FILES = {
    'empty': (b'', 'holds NoneType'),
    'a list': (b'- 1\n- 2\n', 'holds list'),
    'not YAML': (b'a: [1, 2\nb: }', 'not valid YAML in line'),
    'an image': (b'\x89PNG\r\n\x1a\n\xff\xfe', 'is not text'),
    'python objects': (b'image_width: !!python/object/apply:os.getcwd []', 'not valid YAML'),
    'OpenCV storage': (b'%YAML:1.0\n---\nK: !!opencv-matrix\n', 'OpenCV file storage'),
    'too deep': (b'[' * 20_000, 'not valid YAML'),
    'too large': (b'#' * (1 << 20) + b'\n' * 10, 'more than 65536 bytes'),
    'control characters': (b'image_width: \x00', 'not valid YAML'),
}


@pytest.mark.parametrize(('content', 'says'), FILES.values(), ids=FILES)
def test_what_is_no_calibration_is_refused(tmp_path, content, says):
    path = tmp_path / 'camera.yaml'
    path.write_bytes(content)
    with pytest.raises(CalibrationError, match=says):
        read_camera(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(CalibrationError, match=r'cannot be read.*No such file'):
        read_camera(tmp_path / 'none.yaml')
    with pytest.raises(CalibrationError, match='cannot be read'):
        read_camera(tmp_path)


@pytest.mark.parametrize('name', ['equidistant', 'fisheye'])
def test_a_fisheye_with_zero_coefficients_stays_a_fisheye(tmp_path, name):
    document = yaml.safe_load(WRITTEN)
    document['distortion_model'] = name
    document['distortion_coefficients'] = {'rows': 1, 'cols': 4, 'data': [0.0] * 4}
    path = tmp_path / 'camera.yaml'
    path.write_text(yaml.safe_dump(document))
    assert read_camera(path).distortion is Distortion.EQUIDISTANT
