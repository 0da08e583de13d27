# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Muon: the momentum of every weight matrix made orthogonal before it becomes a step.

All directions of a matrix then learn at one speed, also those that a gradient hardly shows. torch
has it for plain matrices only; convolutions are matrices too, of outputs by everything they look
at. What is no matrix (biases, normalisation) or no inner one (colours in, depth out) is left to
Adam.

    Keller Jordan and others, Muon: an optimizer for hidden layers in neural networks, 2024
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import sqrt
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

# Of a x + b x^3 + c x^5, steep at zero: a few turns bring singular values in (0, 1] to near 1.
QUINTIC = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5
SMALLEST = 16  # inputs or outputs of a layer that counts as a matrix
VECTOR_SHARE = 0.1  # rate of what is left to Adam, as a share of the matrices'
BETAS = (0.9, 0.999)
EPSILON = 1e-8


def make_optimiser(
    kind: str,
    parameters: Iterable[nn.Parameter],
    rate: float,
    weight_decay: float,
    encoder: Iterable[nn.Parameter] = (),
    encoder_rate: float = 1.0,
) -> Optimizer:
    """
    Return the optimiser that a configuration names; each group has its `share` of the rate.

    An encoder that has learned already comes first and is left to Adam, which moves it little.
    """
    groups: list[dict[str, Any]] = [{'params': list(parameters), 'share': 1.0, 'turns': True}]
    if learned := list(encoder):
        groups.insert(0, {'params': learned, 'share': encoder_rate, 'turns': False})
    if kind == 'muon':
        return Muon(groups, rate, weight_decay)
    return torch.optim.AdamW(groups, rate, weight_decay=weight_decay, fused=True)


def orthogonal(matrix: Tensor) -> Tensor:
    """Return about U V^T of the matrix U S V^T, by Newton and Schulz; bfloat16 is enough."""
    a, b, c = QUINTIC
    tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if tall else matrix).bfloat16()
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


def is_matrix(parameter: Tensor) -> bool:
    """Return whether a parameter is an inner weight matrix, with or without a window around it."""
    return parameter.ndim >= 2 and min(parameter.shape[:2]) >= SMALLEST


class Muon(Optimizer):
    """Orthogonal momentum for inner weight matrices, Adam for the rest."""

    def __init__(
        self,
        parameters: Iterable[Any],
        rate: float,
        weight_decay: float = 0.0,
        momentum: float = 0.95,
    ) -> None:
        defaults = {
            'lr': rate, 'weight_decay': weight_decay, 'momentum': momentum, 'turns': True,
        }  # fmt: skip
        super().__init__(parameters, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        assert closure is None
        for group in self.param_groups:
            for parameter in group['params']:
                if parameter.grad is None:
                    continue
                turns = group['turns'] and is_matrix(parameter)
                move = self._turn if turns else self._adam
                move(parameter, parameter.grad, group)

    def _turn(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if 'momentum' not in state:
            state['momentum'] = torch.zeros_like(parameter)
        momentum = state['momentum'].lerp_(gradient, 1 - group['momentum'])
        ahead = gradient.lerp(momentum, group['momentum'])
        last = (0, *range(2, ahead.ndim), 1)  # the order in which convolutions keep them
        back = (0, ahead.ndim - 1, *range(1, ahead.ndim - 1))
        ordered = ahead.permute(last)
        update = orthogonal(ordered.flatten(1)).view(ordered.shape).permute(back)
        rows, columns = parameter.shape[0], parameter[0].numel()
        parameter.mul_(1 - group['lr'] * group['weight_decay'])
        parameter.add_(update, alpha=-group['lr'] * sqrt(max(1.0, rows / columns)))

    def _adam(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if 'step' not in state:
            state['step'] = torch.zeros(())
            state['exp_avg'] = torch.zeros_like(parameter)
            state['exp_avg_sq'] = torch.zeros_like(parameter)
        state['step'] += 1
        count = float(state['step'])
        mean = state['exp_avg'].lerp_(gradient, 1 - BETAS[0]) / (1 - BETAS[0] ** count)
        square = state['exp_avg_sq'].lerp_(gradient.square(), 1 - BETAS[1])
        spread = (square / (1 - BETAS[1] ** count)).sqrt_().add_(EPSILON)
        parameter.addcdiv_(mean, spread, value=-VECTOR_SHARE * group['lr'])
