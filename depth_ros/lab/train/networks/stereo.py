# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Every stereo network of the catalogue in training, from pairs with known disparity."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.lab.train.losses import masked_mean
from depth_ros.lab.train.networks.config import NetworkConfig
from depth_ros.lab.train.networks.pairs import PairBatch, Pairs
from depth_ros.lab.train.networks.reader import Reader
from depth_ros.lab.train.networks.task import Measure, mean_rows, save_weights
from depth_ros.models.stereo.pair_family import PairFamily
from depth_ros.models.stereo.preparation import Preparer
from depth_ros.models.weights.fetch import converted_folder
from depth_ros.models.weights.official import read_shape, read_weights
from depth_ros.models.weights.stated import stated_model
from depth_ros.types import DepthError

# How much each stage counts, coarse to fine, as published. Recurrent networks are not here: the
# steps of theirs count by their number.
STAGES: Mapping[str, tuple[float, ...]] = {
    'aanet': (1 / 3, 2 / 3, 1.0),
    'aanet_plus': (1 / 3, 2 / 3, 1.0),
    'anynet': (0.25, 0.5, 1.0, 1.0),
    'leastereo': (1.0,),
    'lightstereo': (0.3, 1.0),
    'psmnet': (0.5, 0.7, 1.0),
}
FADING = 0.9  # a step counts so much less than the one after it, were there 16 of them
FEWEST = 100  # known pixels of a pair that is judged


def at_full_size(stage: Tensor, size: tuple[int, int]) -> Tensor:
    """Return a stage (B, 1, h, w) as disparity (B, height, width) of the input."""
    if stage.shape[-2:] != size:
        scale = size[1] / stage.shape[-1]
        stage = scale * functional.interpolate(stage, size, mode='bilinear', align_corners=False)
    return stage[:, 0]


def stages_loss(
    stages: Sequence[Tensor], weights: Sequence[float], truth: Tensor, mask: Tensor
) -> Tensor:
    """Return the smooth absolute errors of some stages; the last ones have the last weights."""
    size = (truth.shape[-2], truth.shape[-1])
    total = truth.new_zeros(())
    for stage, weight in zip(stages, weights[-len(stages) :], strict=True):
        error = functional.smooth_l1_loss(at_full_size(stage, size), truth, reduction='none')
        total = total + weight * masked_mean(error, mask)
    return total


def steps_loss(predictions: Sequence[Tensor], first: int, truth: Tensor, mask: Tensor) -> Tensor:
    """
    Return the loss of a recurrent network: later steps count more.

    :param first: how many of the predictions are from before the first step.
    """
    total = stages_loss(predictions[:first], [1.0] * first, truth, mask) if first else 0.0
    steps = predictions[first:]
    fading = FADING ** (15 / max(len(steps) - 1, 1))
    for number, prediction in enumerate(steps):
        weight = fading ** (len(steps) - 1 - number)
        total = total + weight * masked_mean((prediction[:, 0] - truth).abs(), mask)
    assert isinstance(total, Tensor)
    return total


class StereoTask:
    """A stereo network, pairs to learn from and others to be judged on."""

    measures = (
        Measure('error', 'end-point error, px'),
        Measure('bad1', 'share of pixels off by more than 1 px'),
        Measure('bad3', 'share of pixels off by more than 3 px'),
    )
    labels = 'disparity'

    def __init__(
        self,
        config: NetworkConfig,
        family: PairFamily,
        folders: Sequence[str],
        unseen: Sequence[str],
    ) -> None:
        if config.learn != 'labels' or config.variant:
            raise DepthError(
                f'{config.network} learns from disparity and its name says the variant; leave out '
                'learn and variant'
            )
        assert family.build is not None
        assert family.preparation is not None
        preparation = family.preparation
        sides = config.width, config.height
        if any(side % preparation.multiple or side < preparation.smallest for side in sides):
            raise DepthError(
                f'width and height are {sides[0]}x{sides[1]}, {config.network} takes multiples of '
                f'{preparation.multiple} from {preparation.smallest} on; choose those'
            )
        self.config, self.family = config, family
        self.shape, tensors = first_weights(config)
        torch.manual_seed(config.seed)
        try:
            built = family.build(config.network, family.config(), self.shape)
        except ValueError as error:  # also what a configuration says of its own values
            raise DepthError(f'shape of {config.network}: {error}') from error
        self.network: Any = built.module
        if tensors:
            self.network.load_state_dict(tensors)
        self.reach = built.reach or config.width
        self.factor = built.factor
        self.modules = nn.ModuleDict({'network': self.network})
        self.pairs = Pairs(Reader(folders), config)
        self.unseen = Pairs(Reader(unseen), config)
        self.images = len(self.pairs.reader)
        self._preparer: Preparer | None = None

    def train(self, progress: float) -> None:
        """Prepare for a step."""
        self.modules.train(not self.config.still)

    def loss(self, number: int, progress: float, device: torch.device) -> Tensor:
        """Return the loss of batch `number`."""
        return self.loss_of(self.pairs.batch(number).to(device))

    def loss_of(self, batch: PairBatch) -> Tensor:
        """Return the loss of a batch."""
        left, right = self._inputs(batch)
        mask, truth = self._truth(batch)
        truth = truth / self.factor
        if hasattr(self.network, 'predictions'):
            found = self.network.predictions(left, right, self.config.iterations or None)
            steps = self.config.iterations or self.network.iterations
            return steps_loss(found, len(found) - steps, truth, mask)
        weights = STAGES[self._family_name]
        return stages_loss(self.network(left, right).stages, weights, truth, mask)

    @torch.inference_mode()
    def judge(self, device: torch.device) -> tuple[float, float, float]:
        """Return end-point error and shares of bad pixels, means over the pairs."""
        self.modules.eval()
        rows = []
        for batch in self.unseen.whole():
            moved = batch.to(device)
            more = (self.config.iterations,) if self.config.iterations else ()
            found = self.network(*self._inputs(moved), *more).disparity[:, 0] * self.factor
            masks, truths = self._truth(moved)
            for one, truth, mask in zip(found, truths, masks, strict=True):
                if int(mask.sum()) < FEWEST:
                    continue
                error = (one - truth)[mask].abs()
                rows.append([float(v.float().mean()) for v in (error, error > 1, error > 3)])
        return mean_rows(rows)

    def leave(self, folder: Path) -> None:
        """Write the weights; the folder is a model, and a value of the option `weights`."""
        facts = {'model': self.config.network, 'shape': self.shape}
        save_weights(self.network, folder, {k: json.dumps(v) for k, v in facts.items()})

    @property
    def _family_name(self) -> str:
        return self.family.names[self.config.network].family

    def _inputs(self, batch: PairBatch) -> tuple[Tensor, Tensor]:
        """Return both eyes as inference gives them to the network."""
        if self._preparer is None:
            assert self.family.preparation is not None
            self._preparer = Preparer(self.family.preparation, batch.left.device)
        eyes = (batch.left, batch.right)
        # Channels last, PSMNet's backward pass on a CPU writes beyond its memory (PyTorch 2.13).
        left, right = (self._preparer.normalised(eye).contiguous() for eye in eyes)
        return left, right

    def _truth(self, batch: PairBatch) -> tuple[Tensor, Tensor]:
        """Return where disparity is known and can be found, and that disparity."""
        reach = self.reach * self.factor
        mask = batch.disparity.isfinite() & (batch.disparity < reach)
        return mask, torch.where(mask, batch.disparity, torch.zeros_like(batch.disparity))


def first_weights(config: NetworkConfig) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return shape and tensors that a network begins with; no tensors where they are random."""
    start = config.start
    if not start:
        return dict(config.shape), {}
    if config.shape:
        raise DepthError('shape is that of the weights of `start`; leave it out')
    stated = stated_model(start)
    folder = Path(start).expanduser() if stated else converted_folder(start)
    name = stated or start
    tensors = read_weights(folder, name)
    return read_shape(folder, name), {k: _single(v) for k, v in tensors.items()}


def _single(value: Tensor) -> Tensor:
    return value.float() if value.is_floating_point() else value
