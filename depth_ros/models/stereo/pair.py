# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What every stereo network needs around it, to keep the contract that `sgbm` keeps.

A network gets images of its own kind and size; what it returns becomes the disparity that
DepthKind.DISPARITY describes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from depth_ros.models.engine.model import RuntimeModel
from depth_ros.models.engine.runtime import Runtime
from depth_ros.models.options import EngineOptions, option
from depth_ros.models.protocol import ModelError, ModelInfo
from depth_ros.models.stereo.consistency import consistency_confidence, left_right_difference
from depth_ros.models.stereo.preparation import Plan, Preparation, Preparer, plan_for
from depth_ros.types import Camera, DepthKind, FloatImage, Prediction, View

DISPARITY, COARSE = 'disparity', 'coarse'


@dataclass(frozen=True)
class PairOptions(EngineOptions):
    """Options of every stereo network."""

    weights: str = option(
        '', 'folder that `depth_ros convert` or `depth_ros train` wrote; empty: of `fetch`'
    )
    input_size: int = option(
        0, 'long side of the network input in pixels; 0 is that of the image', range=(0, 8192)
    )
    left_right_check: float = option(
        0.0,
        'largest difference of left and right disparity that is kept, px, which also gives a '
        'confidence; 0 = no check and half the time',
        range=(0.0, 1e4),
    )


@dataclass(frozen=True)
class RecurrentOptions(PairOptions):
    """Options of networks that refine disparity step by step."""

    iterations: int = option(0, 'steps of refinement; 0 is as published', range=(0, 256))
    warm_start: bool = option(
        False, 'start from the disparity of the frame before, which suits few iterations'
    )


class PairNetwork(NamedTuple):
    """A network as a family builds it."""

    module: Any
    """Takes left and right input, returns a tuple that begins with disparity (B, 1, H, W)."""
    reach: float = 0.0
    """Disparities that are searched, px of the input; 0 is not limited."""
    factor: float = 1.0
    """What its disparity must be multiplied by."""
    tail: tuple[str, ...] = ()
    """Submodules that stay float32 in every precision."""
    exact: bool = False
    """Whether it loses more in half precision than it gains, so that `auto` is float32."""


@dataclass(frozen=True, eq=False)
class Carry:
    """What a frame leaves for the next one: the coarse disparity and the sizes it belongs to."""

    plan: Plan
    coarse: Any  # tensor (views, 1, height, width)


class PairModel(RuntimeModel):
    """Disparity of the left view by a network."""

    def __init__(
        self,
        info: ModelInfo,
        preparation: Preparation,
        network: PairNetwork,
        runtime: Runtime,
        options: PairOptions,
    ) -> None:
        super().__init__(runtime)
        self.info, self.options = info, options
        self.preparation = preparation
        self.reach, self.factor = network.reach, network.factor
        self.warm = getattr(options, 'warm_start', False)
        self.coarse_factor = getattr(network.module, 'factor', 0)
        self._prepare = Preparer(preparation, runtime.device)
        self._plans: dict[tuple[bytes, bytes], Plan] = {}

    def warm_up(self, cameras: Sequence[Camera]) -> None:
        random = np.random.default_rng(0)
        left, right = cameras
        image = random.integers(0, 256, (left.height, left.width, 3), np.uint8)
        views = [View(image, left), View(np.roll(image, -4, 1), right)]
        plan = self._plan(views)
        runtime = self._open_runtime()
        with runtime.guard():
            runtime.tune(*self._inputs(runtime, [views], plan, [None]))
        self.predict(views)

    def predict(self, views: Sequence[View], previous: Prediction | None = None) -> Prediction:
        return self.predict_batch([views], [previous])[0]

    def predict_batch(
        self,
        batch: Sequence[Sequence[View]],
        previous: Sequence[Prediction | None] | None = None,
    ) -> list[Prediction]:
        """Predict for several pairs at once; those of one size share a forward pass."""
        runtime = self._open_runtime()
        before = previous or [None] * len(batch)
        together: dict[Plan, list[int]] = {}
        for index, views in enumerate(batch):
            together.setdefault(self._plan(views), []).append(index)
        results: dict[int, Prediction] = {}
        for plan, indices in together.items():
            made = self._run(
                runtime, [batch[i] for i in indices], plan, [before[i] for i in indices]
            )
            results.update(zip(indices, made, strict=True))
        return [results[index] for index in range(len(batch))]

    def _plan(self, views: Sequence[View]) -> Plan:
        check_pair(self.info.name, views)
        left, right = views[0].camera, views[1].camera
        key = left.key, right.key
        if key not in self._plans:
            self._plans[key] = plan_for(self.preparation, left, right, self.options.input_size)
        return self._plans[key]

    def _inputs(
        self,
        runtime: Runtime,
        batch: Sequence[Sequence[View]],
        plan: Plan,
        before: Sequence[Prediction | None],
    ) -> list[Any]:
        """Return the input of the network; for the check, mirrored pairs follow the others."""
        import torch

        eyes = [[views[eye].rgb for views in batch] for eye in (0, 1)]
        left, right = self._prepare(runtime, eyes, plan)
        if self.options.left_right_check:
            # Mirrored, the right eye is the left one.
            left, right = (
                torch.cat([left, right.flip(3)]),
                torch.cat([right, left.flip(3)]),
            )
        if not self.warm:
            return [left, right]
        height, width = (side // self.coarse_factor for side in plan.input)
        start = left.new_full((left.shape[0], 1, height, width), torch.nan)
        for index, prediction in enumerate(before):
            carry = None if prediction is None else prediction.carry
            if isinstance(carry, Carry) and carry.plan == plan:
                start[index :: len(batch)] = carry.coarse
        return [left, right, start]

    def _run(
        self,
        runtime: Runtime,
        batch: Sequence[Sequence[View]],
        plan: Plan,
        before: Sequence[Prediction | None],
    ) -> list[Prediction]:
        clock = [time.perf_counter()]
        with runtime.guard():
            inputs = self._inputs(runtime, batch, plan, before)
            clock.append(time.perf_counter())
            outputs = runtime(*inputs)
            clock.append(time.perf_counter())
            values = runtime.download(outputs[DISPARITY])[:, 0]
            coarse = outputs[COARSE].clone() if self.warm else None
        if self.factor != 1.0:
            values = values * np.float32(self.factor)
        count = len(batch)
        made = [
            self._finished(
                views,
                plan,
                values[i::count],
                None if coarse is None else Carry(plan, coarse[i::count]),
            )
            for i, views in enumerate(batch)
        ]
        clock.append(time.perf_counter())
        names = ('preprocess', 'inference', 'postprocess')
        laps = np.diff(clock) / count
        timings = dict(zip(names, map(float, laps), strict=True))
        return [replace(prediction, timings=timings) for prediction in made]

    def _finished(
        self, views: Sequence[View], plan: Plan, values: FloatImage, carry: Carry | None
    ) -> Prediction:
        """Return the prediction of a pair from the disparity of its input, and its mirror's."""
        limit = self.options.left_right_check
        of_right = np.ascontiguousarray(values[1][:, ::-1]) if limit else None
        # Where a network names no limit, the width of the image is one.
        reach = (self.reach or plan.input[1]) * self.factor
        prediction = finished_pair(self.info.name, views, plan, values[0], of_right, limit, reach)
        return replace(prediction, carry=carry)


def finished_pair(
    name: str,
    views: Sequence[View],
    plan: Plan,
    whole: FloatImage,
    of_right: FloatImage | None,
    limit: float,
    reach: float,
) -> Prediction:
    """
    Return the prediction of a pair from the disparity of a network's whole input, `whole`.

    :param of_right: the disparity of the right eye; where it differs by more than `limit` pixels,
        the result is NaN. :param reach: how many disparities the network tells apart.
    """
    left, right = views[0].camera, views[1].camera
    offset = left.cx - right.cx
    disparity = plan.disparity(whole, offset)
    confidence = None
    if of_right is not None:
        difference = left_right_difference(whole, of_right, plan.window(1)[1])
        difference = plan.difference(difference)
        confidence = consistency_confidence(difference)
        disparity[difference > limit] = np.nan
    disparity[~np.isfinite(disparity)] = np.nan
    low = plan.shift * plan.scale - offset
    return Prediction(
        DepthKind.DISPARITY,
        disparity,
        left,
        name,
        confidence=confidence,
        baseline=right.baseline,
        focal=left.fx,
        disparity_range=(low, low + (reach - 1) * plan.scale),
    )


def check_pair(name: str, views: Sequence[View]) -> None:
    """Refuse what is no pair: views, sizes and the order of the eyes."""
    if len(views) != 2:
        raise ModelError(
            f'{name} got {len(views)} views, expected left and right; give it a stereo pair'
        )
    left, right = (view.camera for view in views)
    if left.size_wh != right.size_wh:
        raise ModelError(
            f'left is {left.width}x{left.height} but right is {right.width}x{right.height}, '
            'expected equal sizes; rectify both to one size'
        )
    if right.baseline < 0:
        raise ModelError(
            f'the baseline is {right.baseline:g} m, expected a positive one: '
            'P[0, 3] of the right camera is -fx * baseline; swap left and right'
        )
