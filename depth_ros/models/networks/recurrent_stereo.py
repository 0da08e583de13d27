# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the stereo networks share that refine one disparity image step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.models.networks.disparity import precise
from depth_ros.models.networks.sides import require_multiple


class StereoEstimate(NamedTuple):
    """Disparity of the left image, positive: the match of column x is right column x - d."""

    disparity: Tensor  # (batch, 1, height, width), float32, px of the input
    coarse: Tensor  # (batch, 1, height / factor, width / factor), float32, px of that size


@dataclass(frozen=True)
class Scene:
    """What is computed of a pair once, before the first step."""

    start: Tensor  # disparity (batch, 1, height, width) at the size of the steps, float32
    hidden: list[Tensor]  # first hidden states, finest first


class RecurrentStereo(nn.Module):
    """
    Refine disparity at a fraction of the size, then upsample it.

    Input: RGB from 0 to 255, (batch, 3, height, width), both sides multiples of `multiple`.
    A subclass defines `prepare`, `refine` and `upsample`.

    :param factor: how much smaller the images of the steps are.
    :param iterations: steps where the caller gives no number.
    """

    def __init__(self, factor: int, multiple: int, iterations: int, correlation: str) -> None:
        super().__init__()
        self.factor = factor
        self.multiple = multiple
        self.iterations = iterations
        self.correlation = correlation

    def prepare(self, left: Tensor, right: Tensor) -> Any:
        """Return the Scene of normalised images."""
        raise NotImplementedError

    def refine(
        self, scene: Any, hidden: list[Tensor], disparity: Tensor
    ) -> tuple[list[Tensor], Tensor]:
        """Return the hidden states after a step, and what to add to disparity."""
        raise NotImplementedError

    def upsample(self, scene: Any, hidden: list[Tensor], disparity: Tensor) -> Tensor:
        """Return disparity (batch, 1, height, width) at the size of the input, in its pixels."""
        raise NotImplementedError

    def first_predictions(self, scene: Any) -> list[Tensor]:
        """Return full-size disparities from before the first step, for the loss of a training."""
        return []

    def forward(
        self,
        left: Tensor,
        right: Tensor,
        iterations: int | None = None,
        initial: Tensor | None = None,
    ) -> StereoEstimate:
        """
        Return disparity at the size of the input, and at that of the steps.

        :param initial: where to start from, the `coarse` of an earlier frame for example; where it
            is not finite, the network starts as without it.
        """
        scene, disparity = self._start(left, right, initial)
        hidden = channels_last(scene.hidden)
        for _ in range(self._steps(iterations)):
            hidden, change = self.refine(scene, hidden, disparity)
            disparity = disparity + precise(change)
        return StereoEstimate(self.upsample(scene, hidden, disparity), disparity)

    def predictions(
        self,
        left: Tensor,
        right: Tensor,
        iterations: int | None = None,
        initial: Tensor | None = None,
    ) -> list[Tensor]:
        """Return full-size disparity after every step, for the loss of a training."""
        scene, disparity = self._start(left, right, initial)
        hidden = channels_last(scene.hidden)
        found = self.first_predictions(scene)
        for _ in range(self._steps(iterations)):
            disparity = disparity.detach()  # as the authors train: a step answers for itself
            hidden, change = self.refine(scene, hidden, disparity)
            disparity = disparity + precise(change)
            found.append(self.upsample(scene, hidden, disparity))
        return found

    def _start(self, left: Tensor, right: Tensor, initial: Tensor | None) -> tuple[Scene, Tensor]:
        require_multiple(left, self.multiple)
        batch, _, height, width = left.shape
        coarse = (batch, 1, height // self.factor, width // self.factor)
        if right.shape != left.shape:
            raise ValueError(
                f'right is {tuple(right.shape)}, expected {tuple(left.shape)} like left; rectify '
                'the images to one size'
            )
        if initial is not None and initial.shape != coarse:
            raise ValueError(
                f'initial is {tuple(initial.shape)}, expected {coarse}; take `coarse` of images '
                'of this size'
            )
        dtype = next(self.parameters()).dtype
        scene = self.prepare(_signed(left, dtype), _signed(right, dtype))
        if initial is None:
            return scene, scene.start
        return scene, torch.where(initial.isfinite(), initial.to(scene.start.dtype), scene.start)

    def _steps(self, iterations: int | None) -> int:
        steps = self.iterations if iterations is None else iterations
        if steps < 1:
            raise ValueError(f'iterations is {steps}, expected 1 or more; choose more')
        return steps


def _signed(image: Tensor, dtype: torch.dtype) -> Tensor:
    """Return an image from -1 to 1."""
    return (precise(image) * (2 / 255) - 1).to(dtype)


def channels_last(states: Sequence[Tensor]) -> list[Tensor]:
    """Return states in the layout in which the convolutions of a step are fastest."""
    return [state.contiguous(memory_format=torch.channels_last) for state in states]


def exact_convolution(convolution: nn.Conv2d, x: Tensor) -> Tensor:
    """
    Return the convolution of the one channel of x (batch, 1, height, width), float32.

    In half precision it takes x as a sum of two numbers, since disparities of tens of pixels are
    rounded to a quarter of a pixel there. Further channels of the convolution are not used.
    """
    weight, bias = convolution.weight[:, :1], convolution.bias
    near = x.to(weight.dtype)
    if weight.dtype.itemsize < torch.float32.itemsize:
        rest = (x - near.float()).to(weight.dtype)
        near, weight = torch.cat([near, rest], 1), torch.cat([weight, weight], 1)
    near = near.contiguous(memory_format=torch.channels_last)
    convolved = functional.conv2d(near, weight, bias, padding=convolution.padding)
    # One channel has both layouts at once; what follows must be in that of the hidden states.
    return convolved.contiguous(memory_format=torch.channels_last)


class DisparityEncoder(nn.Module):
    """
    Encode disparity and what was looked up around it.

    :param inside: channels of what was looked up, and `seen` those of its two layers.
    :param moved: channels of the two layers of disparity.
    :param outside: channels that leave, disparity itself the last of them.
    """

    def __init__(self, inside: int, seen: tuple[int, int], moved: int, outside: int) -> None:
        super().__init__()
        self.convc1 = nn.Conv2d(inside, seen[0], 1)
        self.convc2 = nn.Conv2d(seen[0], seen[1], 3, padding=1)
        self.convd1 = nn.Conv2d(1, moved, 7, padding=3)
        self.convd2 = nn.Conv2d(moved, moved, 3, padding=1)
        self.conv = nn.Conv2d(seen[1] + moved, outside - 1, 3, padding=1)

    def forward(self, disparity: Tensor, seen: Tensor) -> Tensor:
        """
        Return features (batch, outside, height, width).

        :param disparity: (batch, 1, height, width), float32.
        :param seen: (batch, inside, height, width).
        """
        seen = functional.relu(self.convc1(seen), inplace=True)
        seen = functional.relu(self.convc2(seen), inplace=True)
        moved = functional.relu(exact_convolution(self.convd1, disparity), inplace=True)
        moved = functional.relu(self.convd2(moved), inplace=True)
        both = functional.relu(self.conv(torch.cat([seen, moved], 1)), inplace=True)
        return torch.cat([both, disparity.to(both.dtype)], 1)


class DisparityHead(nn.Module):
    """Predict the change of disparity."""

    def __init__(self, inside: int, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the change (batch, 1, height, width)."""
        return self.conv2(functional.relu(self.conv1(x), inplace=True))
