# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the training loop needs of that which learns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from depth_ros.files.writing import replacing
from depth_ros.models.weights.verify import WEIGHTS


class Measure(NamedTuple):
    """One number of a score: its name in files, and what a report calls it."""

    name: str
    words: str


class Task(Protocol):
    """
    A network, what it learns from and how it is judged.

    The first of the three measures is the error that training brings down.
    """

    modules: nn.ModuleDict  # everything that learns
    images: int  # that there are to learn from
    measures: tuple[Measure, Measure, Measure]

    @property
    def labels(self) -> str:
        """What is known of the images, for the card."""

    def train(self, progress: float) -> None:
        """Prepare for a step; `progress` is the share of the steps that are done."""

    def loss(self, number: int, progress: float, device: torch.device) -> Tensor:
        """Return the loss of batch `number`, which is the same every time."""

    def judge(self, device: torch.device) -> tuple[float, float, float]:
        """Return the measures on what was not learned from."""

    def leave(self, folder: Path) -> None:
        """Write the weights with what they are for."""


def save_weights(network: nn.Module, folder: Path, metadata: Mapping[str, str]) -> None:
    """Write the weights of a network; a kill leaves those of before."""
    # Tensors under several names are written under each: a file cannot share memory.
    tensors = {k: v.detach().cpu().contiguous().clone() for k, v in network.state_dict().items()}
    with replacing(folder / WEIGHTS) as part:
        save_file(tensors, part, dict(metadata))


def mean_rows(rows: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """Return the means of three numbers; NaN where there is no row."""
    if not rows:
        return (float('nan'),) * 3
    columns: list[Any] = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    return columns[0], columns[1], columns[2]
