# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The loss of each network's own paper, from depth that is known.

Depth is (batch, height, width) in metres, masks are boolean of the same shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from depth_ros.geometry.depth_values import in_range
from depth_ros.lab.train import losses
from depth_ros.lab.train.photometric import structural_dissimilarity

NEAREST = 0.05  # metres; nearer depth does not count
EIGEN_BALANCE = 0.5  # lambda of Eigen et al.
SILOG_FOCUS = 0.85  # lambda of BTS and AdaBins
SILOG_SCALE = 10.0  # alpha of both
CHAMFER = 0.1  # beta of AdaBins
CHAMFER_PIXELS = 512  # per image, drawn at random
DENSE_ABSOLUTE = 0.1  # lambda of DenseDepth
TRIM = 0.2  # share of the largest errors that MiDaS leaves out
MIDAS_EDGES = 0.5

Loss = Callable[[Any, Tensor, Tensor, float], Tensor]


def known(depth: Tensor, max_depth: float) -> Tensor:
    """Return where depth is known and counts."""
    return in_range(depth, NEAREST, max_depth)


def label_loss(
    family: str, result: Any, depth: Tensor, max_depth: float, progress: float
) -> Tensor:
    """
    Return the loss of a network's result for known depth at the size of the input.

    `progress` is the share of the steps that are done.
    """
    mask = known(depth, max_depth)
    filled = torch.where(mask, depth, torch.ones_like(depth))
    if family == 'eigen2014':
        return eigen(result, filled, mask, progress)
    return LOSSES[family](result, filled, mask, max_depth)


def at_size(depth: Tensor, mask: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return depth and mask at another size, each from the nearest pixel."""
    resized = functional.interpolate(depth[:, None], size, mode='nearest')[:, 0]
    valid = functional.interpolate(mask[:, None].float(), size, mode='nearest')[:, 0]
    return resized, valid > 0.5


def eigen_error(log_depth: Tensor, depth: Tensor, mask: Tensor) -> Tensor:
    """Return mean(d^2) - lambda mean(d)^2 of the log errors d, per image and averaged."""
    difference = torch.where(mask, log_depth - depth.log(), torch.zeros_like(log_depth))
    count = mask.flatten(1).sum(1).clamp(min=1)
    mean = difference.flatten(1).sum(1) / count
    square = difference.square().flatten(1).sum(1) / count
    return (square - EIGEN_BALANCE * mean.square()).mean()


def eigen(result: Any, depth: Tensor, mask: Tensor, progress: float) -> Tensor:
    """Return the error of the coarse network first, then that of the fine one behind it."""
    coarse = progress < 0.5
    found = (result.coarse_log_depth if coarse else result.log_depth)[:, 0]
    return eigen_error(found, *at_size(depth, mask, (found.shape[-2], found.shape[-1])))


def silog(depth: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Return the scaled, rooted error of log depth that BTS and AdaBins use."""
    log_depth = depth.clamp(min=1e-3).log()
    error = losses.scale_invariant_log(log_depth, truth, mask, SILOG_FOCUS)
    return SILOG_SCALE * error


def adabins(result: Any, depth: Tensor, mask: Tensor, max_depth: float) -> Tensor:
    """Return the error of log depth, and how far the bins are from the depths that occur."""
    del max_depth
    size = (depth.shape[-2], depth.shape[-1])
    full = functional.interpolate(result.depth, size, mode='bilinear', align_corners=True)[:, 0]
    edges = result.bin_edges
    centres = (edges[:, 1:] + edges[:, :-1]) / 2
    return silog(full, depth, mask) + CHAMFER * chamfer(centres, depth, mask)


def chamfer(centres: Tensor, depth: Tensor, mask: Tensor) -> Tensor:
    """Return the squared distances of bins (batch, bins) and depths to their nearest ones."""
    total = depth.new_zeros(())
    for bins, values, valid in zip(centres, depth, mask):
        some = values[valid]
        if not len(some):
            continue
        some = some[torch.randint(len(some), (CHAMFER_PIXELS,), device=some.device)]
        square = (bins[:, None] - some[None]).square()
        total = total + square.min(0).values.mean() + square.min(1).values.mean()
    return total / len(depth)


def bts(result: Any, depth: Tensor, mask: Tensor, max_depth: float) -> Tensor:
    """Return the error of log depth at full size."""
    del max_depth
    return silog(result.final_depth[:, 0], depth, mask)


def fcrn(result: Any, depth: Tensor, mask: Tensor, max_depth: float) -> Tensor:
    """Return the reverse Huber loss at the size of the output."""
    del max_depth
    found = result.depth[:, 0]
    return losses.berhu(found, *at_size(depth, mask, (found.shape[-2], found.shape[-1])))


def densedepth(result: Any, depth: Tensor, mask: Tensor, max_depth: float) -> Tensor:
    """Return absolute error, edges and structure of the reciprocal depth at half size."""
    found = result.reciprocal[:, 0]
    near, valid = at_size(depth, mask, (found.shape[-2], found.shape[-1]))
    target = max_depth / near
    # Where nothing is known both are one value, so that windows across the mask stay finite.
    found = torch.where(valid, found, torch.ones_like(found))
    target = torch.where(valid, target, torch.ones_like(target))
    absolute = losses.masked_mean((found - target).abs(), valid)
    edges = losses.gradient_matching(found, target, valid, scales=1, align=False)
    reach = 1 / max_depth
    structure = structural_dissimilarity(found[:, None] * reach, target[:, None] * reach)[:, 0]
    return DENSE_ABSOLUTE * absolute + edges + losses.masked_mean(structure, valid)


def fastdepth(result: Any, depth: Tensor, mask: Tensor, max_depth: float) -> Tensor:
    """Return the absolute error."""
    del max_depth
    return losses.masked_mean((result.depth[:, 0] - depth).abs(), mask)


def midas(result: Any, depth: Tensor, mask: Tensor, max_depth: float) -> Tensor:
    """Return the trimmed error and the edges of inverse depth, without scale and shift."""
    del max_depth
    inverse = 1 / depth
    trimmed = losses.scale_shift_invariant(result.inverse_depth, inverse, mask, TRIM)
    edges = losses.gradient_matching(result.inverse_depth, inverse, mask)
    return trimmed + MIDAS_EDGES * edges


LOSSES: Mapping[str, Loss] = {
    'adabins': adabins,
    'bts': bts,
    'densedepth': densedepth,
    'fastdepth': fastdepth,
    'fcrn': fcrn,
    'midas_v21': midas,
    'midas_v21_small': midas,
}
