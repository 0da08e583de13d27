# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Laws that every stereo network keeps, and the comparison with stored outputs."""

from __future__ import annotations

import copy
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.lab.parity.case import case_of
from depth_ros.lab.parity.compare import compare, read_golden
from depth_ros.lab.parity.fill import filled_array

REPOSITORY = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get('DEPTH_ROS_SHARED', REPOSITORY.parent / 'shared'))


def holds(name: str) -> None:
    """Compare every case of a golden; skip where it is not on this machine."""
    golden = SHARED / 'golden' / f'{name}.json'
    cases = sorted(golden.parent.glob(f'{name}.*.npz'))
    if not cases:
        pytest.skip(f'golden {name} is not on this machine')
    case, spec = case_of(name), read_golden(golden)
    assert case is not None
    if 'weights' in spec and not (SHARED / 'weights' / spec['weights']).is_file():
        pytest.skip(f'weights {spec["weights"]} are not on this machine')
    for npz in cases:
        with np.load(npz) as arrays:
            rows = compare(case, spec, dict(arrays), golden.parent)
        assert rows
        assert not [row for row in rows if not row.holds]


def filled(network: nn.Module, gain: float = 1.5) -> nn.Module:
    """Return the network in eval mode, with weights that depend on names and shapes only."""
    state = network.state_dict()
    values = {key: filled_array(key, value.shape, gain) for key, value in state.items()}
    network.load_state_dict({key: torch.from_numpy(value) for key, value in values.items()})
    return network.eval()


def pair(height: int, width: int, shift: int = 4, batch: int = 1, seed: int = 0) -> list[Tensor]:
    """Return left and right images (batch, 3, H, W) of texture that is `shift` px apart."""
    random = torch.Generator().manual_seed(seed)
    texture = torch.randn(batch, 3, height, width + shift, generator=random)
    texture = functional.avg_pool2d(texture, 3, 1, 1) * 2
    return [texture[..., :width], texture[..., shift:]]


def check_batch(network: nn.Module, height: int, width: int) -> None:
    """A batch of two gives what each of its pairs gives alone, and two pairs differ."""
    first, second = pair(height, width, 2, seed=1), pair(height, width, 6, seed=2)
    with torch.inference_mode():
        both = network(*(torch.cat(images) for images in zip(first, second, strict=True)))
        alone = [network(*images) for images in (first, second)]
    assert both.disparity.shape == (2, 1, height, width)
    assert both.stages[-1] is both.disparity
    assert all(bool(stage.isfinite().all()) for stage in both.stages)
    spread = float(both.disparity.std())
    assert spread > 1e-2  # else the comparison below says nothing
    for stage, *separate in zip(both.stages, *(one.stages for one in alone), strict=True):
        torch.testing.assert_close(stage, torch.cat(separate), rtol=1e-4, atol=1e-3 * spread)
    assert float((both.disparity[0] - both.disparity[1]).abs().max()) > 0.1 * spread


def check_bfloat16(network: nn.Module, height: int, width: int, share: float) -> None:
    """In bfloat16 the disparity is float32 and off by a small share of its spread."""
    images = pair(height, width)
    with torch.inference_mode():
        exact = network(*images).disparity
        low = copy.deepcopy(network).bfloat16()
        rounded = low(*(image.bfloat16() for image in images)).disparity
    assert rounded.dtype == torch.float32
    assert float((rounded - exact).abs().median()) < share * float(exact.std())


def check_gradients(
    network: nn.Module, height: int, width: int, unused: tuple[str, ...] = ()
) -> None:
    """In training mode every parameter is learnt, but for those whose names begin `unused`."""
    network.train()
    result = network(*pair(height, width, batch=2))
    torch.stack([stage.sum() for stage in result.stages]).sum().backward()
    without = {
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is None or not bool(parameter.grad.any())
    }
    assert {name for name in without if not name.startswith(unused)} == set()


def check_export(network: nn.Module, height: int, width: int) -> None:
    """The exported program gives the same numbers."""
    images = pair(height, width)
    with torch.inference_mode():
        exact = network(*images).disparity
    program = torch.export.export(network, tuple(images))
    with torch.inference_mode():
        exported = program.module()(*images).disparity
    spread = float(exact.std())
    torch.testing.assert_close(exported, exact, rtol=1e-4, atol=1e-3 * max(spread, 1.0))


def check_training(network: nn.Module, height: int, width: int, steps: int, rate: float) -> None:
    """From random weights the network learns one pair of constant disparity."""
    shift = 6
    images = pair(height, width, shift, batch=2)
    network.train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate)
    losses = []
    for _ in range(steps):
        optimiser.zero_grad()
        stages = network(*images).stages
        loss = torch.stack(
            [
                functional.smooth_l1_loss(
                    stage, torch.full_like(stage, shift * stage.shape[3] / width)
                )
                for stage in stages
            ]
        ).sum()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0], losses
