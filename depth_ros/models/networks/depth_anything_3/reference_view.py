# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The choice of the view that the poses are relative to."""

from __future__ import annotations

import torch
from torch import Tensor

FEWEST = 3  # with fewer views the first one is the reference


def reference_view(class_tokens: Tensor) -> Tensor:
    """
    Return the index of the reference view of each item, (batch,), int64.

    The choice is the authors' `saddle_balanced`: the class token's similarity to the others, its
    length and its variance are each mapped to 0..1 over the views; the view with the least sum
    of distances from 0.5 is the reference.

    :param class_tokens: (batch, views, channels), of the block before the cross-view ones.
    """
    views = class_tokens.shape[1]
    if views < FEWEST:
        return class_tokens.new_zeros(class_tokens.shape[0], dtype=torch.int64)
    tokens = class_tokens.float() if class_tokens.element_size() < 4 else class_tokens
    length = tokens.norm(dim=-1)
    direction = tokens / length[..., None]
    likeness = (direction @ direction.transpose(1, 2)).sum(-1)  # itself counts equally for all
    measures = torch.stack([likeness / (views - 1), length, direction.var(-1)])
    low, high = measures.amin(-1, keepdim=True), measures.amax(-1, keepdim=True)
    between = (measures - low) / (high - low + 1e-8)
    return (between - 0.5).abs().sum(0).argmin(-1)
