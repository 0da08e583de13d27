# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What must hold for every network, on weights that depend only on names and shapes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from depth_ros.lab.parity.case import case_of
from depth_ros.lab.parity.compare import compare, read_golden
from depth_ros.lab.parity.fill import filled_array
from depth_ros.models.networks.unfilled import without_weights

REPOSITORY = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get('DEPTH_ROS_SHARED', REPOSITORY.parent / 'shared'))
GOLDEN = SHARED / 'golden'


def filled(network: nn.Module, gain: float = 1.2) -> nn.Module:
    """Return the network in eval mode with the weights of the parity recipe."""
    state = {
        key: torch.from_numpy(np.asarray(filled_array(key, tuple(value.shape), gain)))
        for key, value in network.state_dict().items()
    }
    network.load_state_dict(state)
    return network.eval()


def image(height: int, width: int, batch: int = 2, channels: int = 3, seed: int = 0) -> Tensor:
    """Return random images in [0, 1]."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(batch, channels, height, width, generator=generator)


def tensors(result: Iterable[Tensor]) -> list[Tensor]:
    return list(result)


def assert_meta(build: Callable[[], nn.Module], *inputs: Tensor) -> None:
    """Check that the meta device gives the shapes and types of the CPU."""
    with torch.inference_mode():
        expected = [(value.shape, value.dtype) for value in tensors(build()(*inputs))]
        with without_weights():
            network = build()
        found = tensors(network(*(value.to('meta') for value in inputs)))
    assert [(value.shape, value.dtype) for value in found] == expected
    assert all(value.is_meta for value in found)


def assert_bfloat16_close(network: nn.Module, *inputs: Tensor, share: float = 0.1) -> None:
    """Check that bfloat16 stays within a share of the spread of each output, on average."""
    with torch.inference_mode():
        exact = tensors(network(*inputs))
        coarse = tensors(network.bfloat16()(*(value.bfloat16() for value in inputs)))
    for one, other in zip(exact, coarse):
        error = float((one - other.float()).abs().mean())
        spread = float(one.std())
        assert error < share * spread, f'mean error {error} with a spread of {spread}'


def assert_gradients_flow(network: nn.Module, *inputs: Tensor) -> None:
    """Check that the image and every parameter have a finite gradient that is not zero."""
    leaf = inputs[0].clone().requires_grad_()
    loss = torch.stack([value.square().mean() for value in network(leaf, *inputs[1:])]).sum()
    loss.backward()
    for name, value in (('image', leaf), *network.named_parameters()):
        assert value.grad is not None, f'{name} is not used'
        assert torch.isfinite(value.grad).all(), name
        assert value.grad.abs().sum() > 0, f'{name} has no influence'


def assert_exports(network: nn.Module, *inputs: Tensor) -> None:
    """Check that the exported graph gives the same numbers."""
    with torch.inference_mode():
        exported = torch.export.export(network, inputs).module()
        for one, other in zip(tensors(network(*inputs)), tensors(exported(*inputs))):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


LAWS = (
    assert_bfloat16_close,
    assert_gradients_flow,
    assert_exports,
)


def golden(name: str) -> dict[str, Any]:
    """Return the JSON of a golden, or skip the test with its name."""
    path = GOLDEN / f'{name}.json'
    if not path.is_file():
        pytest.skip(f'golden {name} is not on this machine')
    return json.loads(path.read_text('utf-8'))


def assert_parity(name: str) -> None:
    """Check the network against every stored case of a golden."""
    golden(name)
    spec = read_golden(GOLDEN / f'{name}.json')
    case = case_of(name)
    assert case is not None
    for path in sorted(GOLDEN.glob(f'{name}.*.npz')):
        with np.load(path, allow_pickle=False) as arrays:
            rows = compare(case, spec, dict(arrays), GOLDEN)
        assert rows
        assert all(row.holds for row in rows), [row for row in rows if not row.holds]
