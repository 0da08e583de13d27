# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How wrong a network in training is on frames that it has not seen."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from depth_ros.lab.train.networks.batches import ClipBatch
from depth_ros.lab.train.networks.labels import NEAREST, known
from depth_ros.lab.train.networks.learners import Learner
from depth_ros.types import DepthKind

CLOSE = 1.25


@dataclass(frozen=True)
class Scores:
    """
    Means over frames.

    `error` is AbsRel: of metres as they are, and of relative depth at the scale that fits best.
    """

    error: float
    aligned: float  # AbsRel at the scale (or scale and shift) that fits each frame best
    close: float  # share of pixels within 25 %, as `error` is judged


def judged(
    learner: Learner, batches: Iterable[ClipBatch], device: torch.device, scaled: bool
) -> Scores:
    """Return the scores of a learner; `scaled` judges relative depth, which has no scale."""
    rows = []
    limit = learner.config.max_depth
    inverse = learner.kind is DepthKind.AFFINE_INVERSE
    for batch in batches:
        moved = batch.to(device)
        assert moved.depth is not None
        predicted = learner.predict(moved)
        masks = known(moved.depth, limit)
        for one, truth, mask in zip(predicted, moved.depth, masks):
            if int(mask.sum()) < 100:
                continue
            values = one[mask].double().cpu().numpy()
            depth = truth[mask].double().cpu().numpy()
            fitted = _by_least_squares(values, depth) if inverse else _by_median(values, depth)
            # Depth that does not count in the truth does not count in a prediction either, as in
            # the protocols of the papers.
            fitted, values = (np.clip(v, NEAREST, limit) for v in (fitted, values))
            used = fitted if scaled or inverse else values
            ratio = np.maximum(used / depth, depth / np.maximum(used, 1e-9))
            rows.append(
                (
                    float(np.abs(used / depth - 1).mean()),
                    float(np.abs(fitted / depth - 1).mean()),
                    float((ratio < CLOSE).mean()),
                )
            )
    if not rows:
        return Scores(math.nan, math.nan, math.nan)
    return Scores(*(float(value) for value in np.mean(rows, 0)))


def _by_median(values: np.ndarray, depth: np.ndarray) -> np.ndarray:
    return np.asarray(values * (np.median(depth) / max(float(np.median(values)), 1e-9)))


def _by_least_squares(values: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Return depth for inverse depth with the scale and shift that fit 1 / depth best."""
    columns = np.stack([values, np.ones_like(values)], 1)
    scale, shift = np.linalg.lstsq(columns, 1 / depth, rcond=None)[0]
    return np.asarray(1 / np.maximum(scale * values + shift, 0.5 / depth.max()))
