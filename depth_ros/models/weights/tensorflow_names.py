# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
TensorFlow's names and layouts of weights, as PyTorch has them.

It fits TensorFlow checkpoints, Keras .h5 files and the .npy dictionaries of converted Caffe
models, whose entries are named `layer/weights`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from depth_ros.types import DepthError

LEAVES = {
    **dict.fromkeys(('weights', 'kernel', 'scale', 'gamma'), 'weight'),
    **dict.fromkeys(('biases', 'bias', 'offset', 'beta'), 'bias'),
    **dict.fromkeys(('mean', 'moving_mean'), 'running_mean'),
    **dict.fromkeys(('variance', 'moving_variance'), 'running_var'),
}
KERAS_GROUP = 'model_weights'


def is_weight(name: str) -> bool:
    """Return whether a variable belongs to the network, not to its optimizer or counters."""
    return _parts(name)[-1] in LEAVES


def tensorflow_to_torch(name: str, array: npt.NDArray[Any]) -> tuple[str, npt.NDArray[Any]]:
    """
    Return the PyTorch key and layout of one TensorFlow variable.

    The key is the name with `.` for `/` and the PyTorch word as its leaf. Kernels of convolutions
    (height, width, in, out) become (out, in, height, width), those of transposed convolutions
    (height, width, out, in) become (in, out, height, width), and matrices are transposed.
    """
    *path, leaf = _parts(name)
    if leaf not in LEAVES or not path:
        raise DepthError(
            f'expected a variable named layer/leaf with a leaf of {sorted(LEAVES)}, got {name!r}; '
            'leave out what `is_weight` does not take'
        )
    if array.ndim not in (1, 2, 4):
        raise DepthError(
            f'expected {name} to have 1, 2 or 4 axes, got the shape {array.shape}; '
            'only vectors, matrices and kernels of 2D convolutions can be converted'
        )
    axes = {1: (0,), 2: (1, 0), 4: (3, 2, 0, 1)}[array.ndim]
    return '.'.join((*path, LEAVES[leaf])), np.ascontiguousarray(array.transpose(axes))


def _parts(name: str) -> list[str]:
    """Return the parts of a name; a Keras file has the name of the layer twice."""
    parts = name.split(':')[0].strip('/').split('/')
    if parts[0] == KERAS_GROUP:
        parts = parts[1:]
    layer, leaf = parts[:-1], parts[-1]
    half = len(layer) // 2
    if half and layer[:half] == layer[half:]:
        layer = layer[half:]
    return [*layer, leaf]
