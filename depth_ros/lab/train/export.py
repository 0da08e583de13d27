# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Write the built-in network for runtimes other than torch, and what it must predict in each."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from typing import Any

import torch

from depth_ros.files.writing import replacing, write_array
from depth_ros.models.mono.builtin_runners import (
    CHECK,
    IMAGE,
    KNOWN,
    ONNX,
    OPEN,
    OUTPUT,
    check_inputs,
)
from depth_ros.models.mono.builtin_weights import read_network
from depth_ros.models.networks.builtin.network import fold_normalisation

# The newest in which OpenCV 4.6 knows the limits of ReLU6, and Resize has no modes to disagree on.
OPSET = 10


def write_runtimes(folder: Path) -> None:
    """Write the check of a run's weights and, where onnx is installed, its ONNX file."""
    network = fold_normalisation(read_network(folder))
    image, known = (torch.from_numpy(x)[None] for x in check_inputs())
    with torch.inference_mode():
        expected = network(image, known)[0].numpy()
    if importlib.util.find_spec('onnx') is not None:
        _write_onnx(network, (image, known), folder / ONNX)
    write_array(folder / CHECK, expected)


def _write_onnx(network: Any, inputs: tuple[torch.Tensor, ...], path: Path) -> None:
    import onnx

    sizes = {name: {2: name + '_height', 3: name + '_width'} for name in (IMAGE, KNOWN, OUTPUT)}
    with replacing(path) as part:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            torch.onnx.export(
                network, inputs, str(part), input_names=[IMAGE, KNOWN], output_names=[OUTPUT],
                opset_version=OPSET, dynamo=False, dynamic_axes=sizes,
            )  # fmt: skip
        model = onnx.load(str(part))
        _simplify(model.graph)
        onnx.checker.check_model(model)
        part.write_bytes(model.SerializeToString())


def _simplify(graph: Any) -> None:
    """Take away copies of weights, which OpenCV cannot read, and name open sizes by one letter."""
    copies = {n.output[0]: n.input[0] for n in graph.node if n.op_type == 'Identity'}
    for node in graph.node:
        node.input[:] = [copies.get(name, name) for name in node.input]
    kept = [node for node in graph.node if node.op_type != 'Identity']
    del graph.node[:]
    graph.node.extend(kept)
    letters = {IMAGE: list(OPEN)[:2], KNOWN: list(OPEN)[2:], OUTPUT: list(OPEN)[2:]}
    for port in (*graph.input, *graph.output):
        for extent, letter in zip(port.type.tensor_type.shape.dim[2:], letters[port.name]):
            extent.dim_param = letter
