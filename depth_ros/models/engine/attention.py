# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Attention head by head, which some CPUs run faster than torch's fused kernel."""

from __future__ import annotations

from typing import Any


def per_head_attention(query: Any, key: Any, value: Any, scaling: float | None = None) -> Any:
    """
    Return softmax(q k^T) v as (batch, heads, tokens, width), one head after the other.

    In bfloat16 on some CPUs torch's fused attention takes most of a layer; plain products of
    one head at a time stay in the cache and do not.
    """
    import torch

    if scaling is None:
        scaling = query.shape[-1] ** -0.5
    count, heads, tokens, _ = query.shape
    result = query.new_empty(count, tokens, heads, value.shape[-1])
    keys = key.transpose(2, 3)
    for n in range(count):
        for head in range(heads):
            scores = torch.matmul(query[n, head] * scaling, keys[n, head])
            result[n, :, head] = torch.matmul(torch.softmax(scores, -1), value[n, head])
    return result.transpose(1, 2)
