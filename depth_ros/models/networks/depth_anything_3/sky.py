# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The depth of sky pixels."""

from __future__ import annotations

import torch
from torch import Tensor

THRESHOLD = 0.3  # of the sky prediction, from which a pixel is sky
_FAR = 0.99  # quantile of the other depths that the authors give to the sky
_FARTHEST = 200.0  # metres
_FEWEST = 10  # pixels of either class


def is_sky(sky: Tensor) -> Tensor:
    """Return where the sky prediction means sky, as booleans; NaN counts as sky."""
    return ~(sky < THRESHOLD)


def sky_at_infinity(depth: Tensor, sky: Tensor) -> Tensor:
    """Return the depth with +Inf in the sky."""
    return torch.where(is_sky(sky), torch.inf, depth)


def sky_behind_scene(depth: Tensor, sky: Tensor) -> Tensor:
    """
    Return the depth of relative models with the authors' value in the sky.

    It is the 0.99 quantile of the other depths of the item, (batch, ...). With ten pixels or
    fewer of either class the depth stays as it is. The authors sample 100 000 pixels at random
    where there are more; here all count.
    """
    mask = is_sky(sky)
    few = _fits(_count(mask) <= _FEWEST, depth) | _fits(_count(~mask) <= _FEWEST, depth)
    far = _fits(masked_quantile(depth, ~mask, _FAR), depth)
    return torch.where(mask & ~few, far, depth)


def sky_within_metres(depth: Tensor, sky: Tensor) -> Tensor:
    """Return metric depth with the authors' value in the sky, which is at most 200 m."""
    mask = is_sky(sky)
    far = masked_quantile(depth, ~mask, _FAR).clamp(max=_FARTHEST)
    return torch.where(mask, _fits(far, depth), depth)


def masked_quantile(values: Tensor, mask: Tensor, quantile: float) -> Tensor:
    """
    Return the quantile of the masked values of each item, (batch,), interpolated linearly.

    :param values: (batch, ...). :param mask: of the same shape. Without any masked value the
        result is +Inf.
    """
    ordered = torch.where(mask, values, torch.inf).flatten(1).sort(1).values
    rank = (_count(mask) - 1).clamp(min=0)[:, None] * quantile
    low = rank.long()
    below = ordered.gather(1, low)
    above = ordered.gather(1, (low + 1).clamp(max=ordered.shape[1] - 1))
    share = (rank - low).to(values.dtype)
    # Without a share of the upper one it may be infinite.
    return torch.where(share > 0, torch.lerp(below, above, share), below)[:, 0]


def _count(mask: Tensor) -> Tensor:
    return mask.flatten(1).sum(1)


def _fits(values: Tensor, like: Tensor) -> Tensor:
    """Return values (batch,) so that they broadcast with (batch, ...)."""
    return values.view(-1, *[1] * (like.dim() - 1))
