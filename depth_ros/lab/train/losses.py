# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Supervised losses, each with the invariance it is named for.

Shapes are (batch, height, width), masks are boolean, means are over valid pixels. Every loss is
zero at the truth and has finite gradients everywhere, also with an empty mask.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

EPSILON = 1e-6


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Return the mean over the mask; zero, with zero gradient, where nothing is valid."""
    # torch.where keeps NaN of invalid pixels out of the gradient; a product would not.
    kept = torch.where(mask, values, torch.zeros_like(values))
    return kept.sum() / mask.sum().clamp(min=1)


def scale_invariant_log(
    log_depth: Tensor, target: Tensor, mask: Tensor, variance_focus: float = 0.85
) -> Tensor:
    """
    Return Eigen's scale-invariant error of log depth, per image, under a root.

    With variance_focus = 1 the result does not change when all depths of an image are
    multiplied by one factor; less than 1 also punishes a wrong scale.
    """
    log_target = torch.where(mask, target, torch.ones_like(target)).clamp(min=EPSILON).log()
    difference = torch.where(mask, log_depth - log_target, torch.zeros_like(log_depth))
    count = mask.flatten(1).sum(1).clamp(min=1)
    # Centred first: mean(d^2) - mean(d)^2 loses all digits in float32 when the scale is far off.
    mean = difference.flatten(1).sum(1) / count
    centred = torch.where(mask, difference - mean[:, None, None], torch.zeros_like(difference))
    variance = centred.square().flatten(1).sum(1) / count
    squared = variance + (1 - variance_focus) * mean.square()
    # The root has no gradient at zero; below a thousandth the error is small enough to be square.
    rooted = torch.where(
        squared > EPSILON, squared.clamp(min=EPSILON).sqrt(), squared / EPSILON**0.5
    )
    has_pixels = mask.flatten(1).any(1)
    return masked_mean(rooted, has_pixels)


def median_and_deviation(values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return per image the median and the mean absolute deviation from it, over the mask."""
    flat, valid = values.flatten(1), mask.flatten(1)
    hidden = torch.where(valid, flat, torch.full_like(flat, torch.nan))
    median = hidden.nanmedian(1, keepdim=True).values.nan_to_num(0.0)
    deviation = torch.where(valid, (flat - median).abs(), torch.zeros_like(flat))
    spread = deviation.sum(1, keepdim=True) / valid.sum(1, keepdim=True).clamp(min=1)
    shape = (-1,) + (1,) * (values.dim() - 1)
    return median.reshape(shape), spread.clamp(min=EPSILON).reshape(shape)


def normalise(values: Tensor, mask: Tensor) -> Tensor:
    """Return values without scale and shift: median zero, mean absolute deviation one."""
    median, spread = median_and_deviation(values, mask)
    return (values - median) / spread


def scale_shift_invariant(
    prediction: Tensor, target: Tensor, mask: Tensor, trim: float = 0.2
) -> Tensor:
    """
    Return the trimmed mean absolute error of MiDaS, both sides normalised by median and spread.

    It does not change when the prediction of an image is multiplied by a positive number or
    moved by any; the largest `trim` share of errors per image is left out as label noise.
    """
    target = torch.where(mask, target, torch.zeros_like(target))
    error = (normalise(prediction, mask) - normalise(target, mask)).abs().flatten(1)
    valid = mask.flatten(1)
    ranked = torch.where(valid, error, torch.full_like(error, torch.inf)).sort(1).values
    count = valid.sum(1)
    kept_count = (count * (1 - trim)).ceil().long()
    kept = torch.arange(ranked.shape[1], device=ranked.device)[None] < kept_count[:, None]
    ranked = torch.where(kept, ranked, torch.zeros_like(ranked))
    per_image = ranked.sum(1) / (2 * count.clamp(min=1))
    return masked_mean(per_image, count > 0)


def gradient_matching(
    prediction: Tensor, target: Tensor, mask: Tensor, scales: int = 4, *, align: bool = True
) -> Tensor:
    """
    Return the multi-scale gradient error: edges of the prediction must lie at edges of the truth.

    With `align` both sides are normalised first, so it is scale and shift invariant.
    """
    target = torch.where(mask, target, torch.zeros_like(target))
    if align:
        prediction, target = normalise(prediction, mask), normalise(target, mask)
    difference = torch.where(mask, prediction - target, torch.zeros_like(prediction))
    total = difference.new_zeros(())
    for scale in range(scales):
        step = 2**scale
        part, valid = difference[:, ::step, ::step], mask[:, ::step, ::step]
        for axis in (1, 2):
            if part.shape[axis] < 2:
                continue
            length = part.shape[axis] - 1
            jump = (part.narrow(axis, 1, length) - part.narrow(axis, 0, length)).abs()
            both = valid.narrow(axis, 1, length) & valid.narrow(axis, 0, length)
            total = total + masked_mean(jump, both)
    return total / scales


def berhu(prediction: Tensor, target: Tensor, mask: Tensor, share: float = 0.2) -> Tensor:
    """
    Return the reverse Huber loss: absolute for small errors, square above a threshold.

    The threshold is `share` of the largest error of the batch (Laina et al.) and is not
    differentiated; both pieces meet there in value and slope.
    """
    error = torch.where(mask, prediction - target, torch.zeros_like(prediction)).abs()
    threshold = (share * error.detach().max()).clamp(min=EPSILON)
    square = (error.square() + threshold.square()) / (2 * threshold)
    return masked_mean(torch.where(error <= threshold, error, square), mask)


def depth_normals(depth: Tensor, rays: Tensor) -> Tensor:
    """
    Return unit normals (batch, 3, height - 1, width - 1) from depth and rays (x/z, y/z).

    rays is (batch or 1, 2, height, width). Normals face the camera.
    """
    points = torch.cat([rays * depth[:, None], depth[:, None]], 1)
    right = points[:, :, :-1, 1:] - points[:, :, :-1, :-1]
    down = points[:, :, 1:, :-1] - points[:, :, :-1, :-1]
    return functional.normalize(torch.linalg.cross(down, right, dim=1), dim=1, eps=1e-9)


def normals_loss(depth: Tensor, target: Tensor, rays: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of 1 - cos between the normals of two depth images."""
    filled = torch.where(mask, target, torch.ones_like(target))
    agreement = (depth_normals(depth, rays) * depth_normals(filled, rays)).sum(1)
    whole = mask[:, :-1, :-1] & mask[:, 1:, :-1] & mask[:, :-1, 1:]
    return masked_mean(1 - agreement, whole)


def laplace_log_likelihood(
    log_depth: Tensor, log_spread: Tensor, target: Tensor, mask: Tensor
) -> Tensor:
    """
    Return the negative log likelihood of log depth under a Laplace law of predicted spread.

    It is what makes a confidence honest: the spread is least costly where it equals the mean
    absolute error. Unlike the other losses it may be negative.
    """
    log_target = torch.where(mask, target, torch.ones_like(target)).clamp(min=EPSILON).log()
    error = (log_depth - log_target).abs()
    return masked_mean(error * (-log_spread).exp() + log_spread, mask)


def cross_entropy(log_odds: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Return the cross entropy of yes or no; it goes to zero where odds are sure and right."""
    entropy = functional.binary_cross_entropy_with_logits(
        log_odds, truth.to(log_odds.dtype), reduction='none'
    )
    return masked_mean(entropy, mask)
