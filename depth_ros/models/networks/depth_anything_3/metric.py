# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth in metres: from a focal length, or from a metric network beside the any-view one."""

from __future__ import annotations

import torch
from torch import Tensor

from depth_ros.models.networks.depth_anything_3.sky import is_sky, masked_quantile

CANONICAL_FOCAL = 300.0  # pixels; the metric network predicts metres for this focal length
_NEAREST_METRIC = 0.01  # metres
_NEAREST = 0.001  # of the any-view network's unit
_FEWEST = 10  # pixels without sky


def canonical_to_metres(depth: Tensor, intrinsics: Tensor) -> Tensor:
    """
    Return metres for the output of the metric network.

    :param depth: (..., height, width). :param intrinsics: (..., 3, 3), in pixels of the resized
        image that the network saw.
    """
    focal = (intrinsics[..., 0, 0] + intrinsics[..., 1, 1]) / 2
    return depth * (focal / CANONICAL_FOCAL)[..., None, None]


def metric_scale(depth: Tensor, confidence: Tensor, metres: Tensor, sky: Tensor) -> Tensor:
    """
    Return the factor of each item that makes metres of any-view depth, (batch,).

    It is the least-squares factor over the pixels without sky whose confidence is at least the
    median. With ten such pixels or fewer outside the sky it is NaN, since nothing gives a scale.

    :param depth: (batch, views, height, width), like `confidence`, `metres` and `sky`.
    """
    scene = ~is_sky(sky)
    median = masked_quantile(confidence, scene, 0.5)[:, None, None, None]
    usable = scene & (confidence >= median) & (metres > _NEAREST_METRIC) & (depth > _NEAREST)
    kept = torch.where(usable, depth, 0).flatten(1)
    factor = (kept * metres.flatten(1)).sum(1) / (kept * kept).sum(1).clamp(min=1e-12)
    return torch.where(scene.flatten(1).sum(1) > _FEWEST, factor, torch.nan)
