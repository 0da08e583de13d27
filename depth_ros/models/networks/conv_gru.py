# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Convolutional gated recurrent units, alone and at several scales (RAFT-Stereo, 2021)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


class GruWeights(NamedTuple):
    """The weights of a unit in the order in which its steps use them, and its context."""

    inputs: Tensor  # of the three gates, for the input
    hidden: Tensor  # of the update and reset gates, for the hidden state
    candidate: Tensor  # of the candidate, for the reset hidden state
    context: Tensor  # (batch, 3 * hidden, height, width), with the biases


class ConvGru(nn.Module):
    """A unit whose gates see the hidden state and the input through 3x3 convolutions."""

    def __init__(self, hidden: int, inputs: int) -> None:
        super().__init__()
        self.width = hidden
        self.convz = nn.Conv2d(hidden + inputs, hidden, 3, padding=1)
        self.convr = nn.Conv2d(hidden + inputs, hidden, 3, padding=1)
        self.convq = nn.Conv2d(hidden + inputs, hidden, 3, padding=1)

    def arranged(self, context: Tensor) -> GruWeights:
        """
        Return the weights for `forward`; call it once, before the first step.

        One convolution of the input serves all gates, so that the input is not copied beside the
        hidden state in every step.

        :param context: (batch, 3 * hidden, height, width), added to the gates.
        """
        update, reset, candidate = self.convz, self.convr, self.convq
        inputs = torch.cat([gate.weight[:, self.width :] for gate in (update, reset, candidate)])
        hidden = torch.cat([gate.weight[:, : self.width] for gate in (update, reset)])
        biases = [gate.bias for gate in (update, reset, candidate) if gate.bias is not None]
        return GruWeights(
            inputs,
            hidden,
            candidate.weight[:, : self.width].contiguous(),
            (context + torch.cat(biases)[:, None, None]).contiguous(
                memory_format=torch.channels_last
            ),
        )

    def forward(self, hidden: Tensor, x: Tensor, weights: GruWeights) -> Tensor:
        """Return the next hidden state (batch, hidden, height, width)."""
        gates = functional.conv2d(x, weights.inputs, padding=1) + weights.context
        both, candidate = gates.split([2 * self.width, self.width], 1)
        both = torch.sigmoid(both + functional.conv2d(hidden, weights.hidden, padding=1))
        update, reset = both.chunk(2, 1)
        seen = functional.conv2d(reset * hidden, weights.candidate, padding=1)
        # Not lerp, which becomes a choice of two formulas in ONNX.
        return torch.addcmul(hidden, update, torch.tanh(candidate + seen) - hidden)


class GruPyramid(nn.Module):
    """
    Units at several scales, each half the size of the one before, that see their neighbours.

    :param names: of the units, finest first; the official names of parameters contain them.
    :param hidden: channels of the hidden states, finest first.
    :param inputs: channels that the finest unit takes in.
    """

    def __init__(self, names: Sequence[str], hidden: Sequence[int], inputs: int) -> None:
        super().__init__()
        self.names = tuple(names[: len(hidden)])
        finer = (inputs, *hidden[:-1])
        coarser = (*hidden[1:], 0)
        for name, width, before, after in zip(self.names, hidden, finer, coarser, strict=True):
            self.add_module(name, ConvGru(width, before + after))

    def unit(self, level: int) -> ConvGru:
        """Return the unit of a level, 0 for the finest."""
        unit = self.get_submodule(self.names[level])
        assert isinstance(unit, ConvGru)
        return unit

    def arranged(
        self, contexts: Sequence[Tensor], convolutions: Iterable[nn.Module]
    ) -> list[GruWeights]:
        """Return the weights of all units, for the context of each and its convolution."""
        return [
            self.unit(level).arranged(convolution(context))
            for level, (context, convolution) in enumerate(
                zip(contexts, convolutions, strict=True)
            )
        ]

    def update(
        self,
        hidden: Sequence[Tensor],
        weights: Sequence[GruWeights],
        finest: int = 0,
        inputs: Tensor | None = None,
    ) -> list[Tensor]:
        """
        Return the hidden states after a step of the units from the coarsest to `finest`.

        :param inputs: what the finest unit takes in; not needed while it does not step.
        """
        states = list(hidden)
        for level in reversed(range(finest, len(states))):
            finer = functional.avg_pool2d(states[level - 1], 3, 2, 1) if level else inputs
            assert finer is not None
            if level + 1 < len(states):
                coarser = functional.interpolate(
                    states[level + 1], states[level].shape[2:], mode='bilinear', align_corners=True
                )
                finer = torch.cat([finer, coarser], 1)
            states[level] = self.unit(level)(states[level], finer, weights[level])
        return states
