# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`depth_ros infer` with measured points or the height of the camera."""

import json
import math
import re

import cv2
import numpy as np
import pytest

from depth_ros.cli.main import main

WIDTH, HEIGHT, FOCAL = 160, 120, 120.0
PITCH, HIGH = 0.6, 1.4
V, U = np.mgrid[:HEIGHT, :WIDTH].astype(np.float64)
RAYS = np.stack(
    [(U - (WIDTH - 1) / 2) / FOCAL, (V - (HEIGHT - 1) / 2) / FOCAL, np.ones(U.shape)], -1
)
TRUTH = HIGH / (RAYS @ (0, math.cos(PITCH), math.sin(PITCH)))  # a floor that fills the image
MODEL = (
    *('--model', 'inverse_plane', '--option', f'distance={3 * HIGH}'),
    *('--option', f'normal_y={math.cos(PITCH)}', '--option', f'normal_z={math.sin(PITCH)}'),
)


@pytest.fixture
def infer(tmp_path, capsys):
    image = tmp_path / 'image.png'
    cv2.imwrite(str(image), np.zeros((HEIGHT, WIDTH, 3), np.uint8))

    def call(*arguments, sparse=None):
        """Return the exit code, the depth, the report and what was said."""
        arguments = [str(image), '--focal', str(FOCAL), *MODEL, *map(str, arguments)]
        if sparse is not None:
            np.save(tmp_path / 'sparse.npy', sparse)
            arguments += ['--sparse', str(tmp_path / 'sparse.npy')]
        code = main(['infer', *arguments, '--out', str(tmp_path / 'out')])
        said = capsys.readouterr()
        if code:
            return code, None, None, said.err
        report = json.loads((tmp_path / 'out' / 'prediction.json').read_text())
        return code, np.load(tmp_path / 'out' / 'depth.npy'), report, said.out

    return call


def some(step=97):
    sparse = np.zeros(TRUTH.shape, np.float32)
    sparse.ravel()[::step] = TRUTH.ravel()[::step]
    return sparse


def test_a_sparse_depth_image_makes_metres(infer):
    code, depth, report, _ = infer(sparse=some())
    assert code == 0
    np.testing.assert_allclose(depth, TRUTH, rtol=1e-3)
    assert report['unit'] == 'm'
    assert report['scale']['source'] == 'depth'
    assert report['scale']['inliers'] == np.count_nonzero(some())


def test_points_make_metres(infer):
    points = (RAYS * TRUTH[..., None]).reshape(-1, 3)[::53]
    _, depth, report, _ = infer(sparse=points)
    np.testing.assert_allclose(depth, TRUTH, rtol=1e-3)
    assert report['scale']['source'] == 'cloud'


def test_the_height_of_the_camera_makes_metres(infer):
    _, depth, report, _ = infer('--camera-height', HIGH, '--camera-pitch', PITCH)
    np.testing.assert_allclose(depth, TRUTH, rtol=1e-3)
    assert report['scale']['source'] == 'ground'
    _, depth, _, _ = infer('--camera-height', 2 * HIGH, '--camera-pitch', PITCH)
    np.testing.assert_allclose(depth, 2 * TRUTH, rtol=1e-3)


def test_without_any_the_model_stays_relative(infer):
    _, _, report, _ = infer()
    assert report['unit'] == 'relative'
    assert report['scale'] is None


@pytest.mark.parametrize(
    ('arguments', 'sparse', 'sentence'),
    [
        ((), np.zeros(TRUTH.shape, np.float32), 'points can be used'),
        ((), some() * np.random.default_rng(0).uniform(0.3, 3, TRUTH.shape), 'agree'),
        ((), np.zeros(5, np.float32), r'expected floats: metres \(height x width\)'),
        (('--camera-height', HIGH), None, 'the pitch of the camera is not known'),
        (('--camera-height', -1), None, '--camera-height is -1, expected metres above 0'),
        (('--camera-pitch', 0.1), None, '--camera-pitch is for --camera-height'),
        (('--scale', 1), some(), '--scale and --sparse or --camera-height both give metres'),
    ],
)
def test_what_gives_no_metres_is_said_in_a_sentence(infer, arguments, sparse, sentence):
    code, _, _, said = infer(*arguments, sparse=sparse)
    assert code == 2
    assert re.search(sentence, said), said
