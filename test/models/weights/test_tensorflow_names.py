# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""TensorFlow's names and layouts: every variable comes to its place, transposed."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip('torch')
from torch.nn import functional  # noqa: E402

from depth_ros.models.weights.tensorflow_names import (  # noqa: E402
    is_weight,
    tensorflow_to_torch,
)
from depth_ros.types import DepthError  # noqa: E402

REPOSITORY = Path(__file__).resolve().parents[3]
GOLDEN = Path(os.environ.get('DEPTH_ROS_SHARED', REPOSITORY.parent / 'shared')) / 'golden'
NAMES = ['fcrn_resnet50_upproj', 'densedepth_densenet169', 'monodepth_vgg', 'monodepth_resnet50']
AXES = {1: (0,), 4: (2, 3, 1, 0)}  # from PyTorch's layout to TensorFlow's


@pytest.mark.parametrize('name', NAMES)
def test_official_variables_become_official_keys(name):
    path = GOLDEN / f'{name}.json'
    if not path.is_file():
        pytest.skip(f'golden {name} is not on this machine')
    spec = json.loads(path.read_text('utf-8'))
    assert set(spec['tensorflow_names']) == set(spec['params'])
    for key, variable in spec['tensorflow_names'].items():
        shape = spec['params'][key]
        value = np.broadcast_to(np.float32(1), shape)
        stored = value.transpose(AXES[len(shape)])
        found, array = tensorflow_to_torch(variable, stored)
        assert is_weight(variable)
        assert (found, list(array.shape)) == (key, shape)


def test_a_kernel_gives_the_same_convolution():
    random = np.random.default_rng(0)
    kernel = random.standard_normal((3, 2, 4, 5)).astype(np.float32)  # height, width, in, out
    image = random.standard_normal((6, 7, 4)).astype(np.float32)
    key, weight = tensorflow_to_torch('conv/kernel:0', kernel)
    assert key == 'conv.weight'
    assert weight.flags.c_contiguous
    expected = np.einsum(
        'yxhwi,hwio->yxo',
        np.lib.stride_tricks.sliding_window_view(image, (3, 2), (0, 1)).transpose(0, 1, 3, 4, 2),
        kernel,
    )
    found = functional.conv2d(
        torch.from_numpy(image).permute(2, 0, 1)[None], torch.from_numpy(weight)
    )
    np.testing.assert_allclose(found[0].permute(1, 2, 0), expected, rtol=1e-4, atol=1e-5)


def test_a_matrix_is_transposed():
    matrix = np.arange(6.0).reshape(2, 3)
    key, weight = tensorflow_to_torch('dense/kernel', matrix)
    assert key == 'dense.weight'
    np.testing.assert_array_equal(weight, matrix.T)


@pytest.mark.parametrize(
    ('name', 'key'),
    [
        ('model/encoder/Conv_3/biases', 'model.encoder.Conv_3.bias'),
        ('bn2a_branch1/variance', 'bn2a_branch1.running_var'),
        ('conv1/bn/moving_mean:0', 'conv1.bn.running_mean'),
        ('model_weights/conv1/bn/conv1/bn/gamma:0', 'conv1.bn.weight'),
        ('/up1_convA/up1_convA/bias:0', 'up1_convA.bias'),
    ],
)
def test_names_become_keys(name, key):
    assert tensorflow_to_torch(name, np.zeros(3))[0] == key


@pytest.mark.parametrize(
    'name', ['global_step', 'beta1_power', 'model/encoder/Conv/weights/Adam_1', 'conv/weights/m:0']
)
def test_what_is_no_weight_is_refused(name):
    assert not is_weight(name)
    with pytest.raises(DepthError, match='layer/leaf'):
        tensorflow_to_torch(name, np.zeros(3))


def test_other_ranks_are_refused():
    with pytest.raises(DepthError, match='axes'):
        tensorflow_to_torch('conv/kernel', np.zeros((3, 3, 3, 1, 1)))
