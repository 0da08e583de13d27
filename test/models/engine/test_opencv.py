# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""OpenCV runs an exported network at any size, and refuses what it cannot read."""

import numpy as np
import pytest

from depth_ros.models.engine.opencv import OpenCvGraph, set_sizes
from depth_ros.models.protocol import ModelError


@pytest.fixture(scope='module')
def doubling(tmp_path_factory):
    """A network that doubles its input, of any size."""
    onnx = pytest.importorskip('onnx')
    make = onnx.helper
    ports = [
        make.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 2, 'h', 'w'])
        for name in ('x', 'y')
    ]
    graph = make.make_graph([make.make_node('Add', ['x', 'x'], ['y'])], 'g', ports[:1], ports[1:])
    model = make.make_model(graph, opset_imports=[make.make_opsetid('', 10)], ir_version=5)
    path = tmp_path_factory.mktemp('net') / 'doubling.onnx'
    onnx.save(model, str(path))
    return path


@pytest.mark.parametrize('size', [(8, 8), (5, 300)])
def test_sizes_that_are_open_may_be_any(doubling, size):
    graph = OpenCvGraph(doubling, {'h': 8, 'w': 8})
    for height, width in (size, (8, 8), size):
        x = np.random.default_rng(0).normal(size=(1, 2, height, width)).astype(np.float32)
        (y,) = graph.run({'x': x}, ['y'])
        np.testing.assert_allclose(y, 2 * x, rtol=1e-6)


def test_results_are_not_overwritten_by_the_next(doubling):
    graph = OpenCvGraph(doubling, {'h': 8, 'w': 8})
    x = np.ones((1, 2, 8, 8), np.float32)
    (first,) = graph.run({'x': x}, ['y'])
    graph.run({'x': 5 * x}, ['y'])
    np.testing.assert_array_equal(first, 2 * x)


def test_the_file_that_is_given_stays_valid(doubling):
    onnx = pytest.importorskip('onnx')
    data = np.fromfile(doubling, np.uint8)
    set_sizes(data, {'h': 96, 'w': 2049})
    model = onnx.load_model_from_string(data.tobytes())
    onnx.checker.check_model(model)
    shape = model.graph.input[0].type.tensor_type.shape.dim
    assert [extent.dim_value for extent in shape] == [1, 2, 96, 2049]


@pytest.mark.parametrize('sizes', [{'z': 8}, {'h': 0}, {'h': 1 << 14}, {'hh': 8}])
def test_sizes_that_do_not_fit_are_refused(doubling, sizes):
    with pytest.raises(ModelError, match='cannot be opened by OpenCV'):
        OpenCvGraph(doubling, sizes)


@pytest.mark.parametrize('content', [b'', b'no network', b'\x80' * 5000], ids=len)
def test_files_that_are_no_network_are_refused(content, tmp_path):
    path = tmp_path / 'x.onnx'
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r'x\.onnx cannot be opened by OpenCV'):
        OpenCvGraph(path, {'h': 8})
