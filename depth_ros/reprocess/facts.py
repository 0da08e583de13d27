# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What is noted of each frame: how much of it is valid, how far it is, and its scale."""

from __future__ import annotations

from typing import Any

import numpy as np

from depth_ros.pipeline import DepthFrame

STRIDE = 4  # pixels of which the percentiles are taken; all of them would cost as much as a cloud


def facts_of(frame: DepthFrame) -> dict[str, Any]:
    """
    Return the valid share, and near, middle and far depth in metres (5 %, 50 %, 95 %).

    A relative prediction has a valid share only. `scale` is there where one was applied.
    """
    values = frame.prediction.values if frame.depth is None else frame.depth
    facts: dict[str, Any] = {'valid': round(float(np.isfinite(values).mean()), 4)}
    if frame.depth is not None:
        some = frame.depth[::STRIDE, ::STRIDE]
        some = some[np.isfinite(some)]
        if some.size:
            near, middle, far = np.percentile(some, (5, 50, 95))
            facts |= {'near': _short(near), 'middle': _short(middle), 'far': _short(far)}
    if frame.scale is not None and frame.scale.estimate is not None:
        facts['scale'] = _short(frame.scale.estimate.fit.scale)
    return facts


def _short(value: float) -> float:
    return float(f'{float(value):.4g}')
