# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which pixels count: caps on the truth and crops of the image, by the names papers use."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from depth_ros.geometry.depth_values import is_valid, valid_or_nan
from depth_ros.lab.eval.align import ALIGNMENTS
from depth_ros.types import DepthError, FloatImage

Mask = npt.NDArray[np.bool_]

# Shares of height and width: top, bottom, left, right.
_FRACTIONS = {
    'garg': (0.40810811, 0.99189189, 0.03594771, 0.96405229),
    'eigen': (0.3324324, 0.91351351, 0.0359477, 0.96405229),
}
# Pixels of the 480 x 640 image that Eigen et al. used of NYU Depth v2.
_NYU = (45, 471, 41, 601)
CROPS = ('none', *_FRACTIONS, 'nyu')


def crop_mask(crop: str, height: int, width: int) -> Mask:
    """Return True for the pixels inside the named crop."""
    mask = np.zeros((height, width), bool)
    if crop == 'none':
        mask[:] = True
    elif crop in _FRACTIONS:
        top, bottom, left, right = _FRACTIONS[crop]
        rows = slice(int(top * height), int(bottom * height))
        mask[rows, int(left * width) : int(right * width)] = True
    elif crop == 'nyu':
        if (height, width) != (480, 640):
            raise DepthError(
                f'the crop nyu is defined on 640x480 pixels, the truth has {width}x{height}; '
                'use --crop none'
            )
        mask[_NYU[0] : _NYU[1], _NYU[2] : _NYU[3]] = True
    else:
        raise DepthError(f'crop is {crop!r}, expected one of {", ".join(CROPS)}')
    return mask


@dataclass(frozen=True)
class Protocol:
    """
    The rules of one evaluation.

    Truth outside min_depth..max_depth is not judged. With a finite max_depth a prediction beyond
    it, +Inf included, counts as max_depth, and one below min_depth as min_depth, as the
    benchmarks do; without caps such pixels are not covered.
    """

    name: str = 'full'
    min_depth: float = 0.0
    max_depth: float = math.inf
    crop: str = 'none'
    alignment: str = 'auto'

    def __post_init__(self) -> None:
        if not 0 <= self.min_depth < self.max_depth:
            raise DepthError(
                f'min_depth {self.min_depth:g} and max_depth {self.max_depth:g} leave no range; '
                'expected 0 <= min_depth < max_depth'
            )
        if self.crop not in CROPS:
            raise DepthError(f'crop is {self.crop!r}, expected one of {", ".join(CROPS)}')
        if self.alignment not in ('auto', *ALIGNMENTS):
            raise DepthError(
                f'alignment is {self.alignment!r}, expected auto or one of {", ".join(ALIGNMENTS)}'
            )

    def judged(self, depth: FloatImage | None, shape: tuple[int, int]) -> Mask:
        """Return the pixels inside the crop and, where depth is known, inside the caps."""
        mask = crop_mask(self.crop, *shape)
        if depth is not None:
            with np.errstate(invalid='ignore'):
                mask &= is_valid(depth)
                mask &= (depth >= self.min_depth) & (depth <= self.max_depth)
        return mask

    def cap(self, depth: npt.NDArray[np.floating]) -> FloatImage:
        """Return the prediction as it is judged: capped if there is a cap, NaN where unknown."""
        result = depth.astype(np.float32)
        if math.isfinite(self.max_depth):
            # A negative inverse depth has become +Inf; -Inf is REP-117's too close.
            result = np.clip(result, np.float32(self.min_depth), np.float32(self.max_depth))
        return valid_or_nan(result)

    def __str__(self) -> str:
        cap = '' if math.isinf(self.max_depth) else f', {self.min_depth:g} to {self.max_depth:g} m'
        crop = '' if self.crop == 'none' else f', crop {self.crop}'
        return f'{self.name}{cap}{crop}'


PROTOCOLS = {
    p.name: p
    for p in (
        Protocol('full'),
        Protocol('nyu', 1e-3, 10.0, 'nyu'),
        Protocol('kitti-garg', 1e-3, 80.0, 'garg'),
        Protocol('kitti-eigen', 1e-3, 80.0, 'eigen'),
    )
}


def make_protocol(name: str, **changes: float | str | None) -> Protocol:
    """Return a named protocol with what was said to be different; its name tells."""
    if name not in PROTOCOLS:
        raise DepthError(f'protocol is {name!r}, expected one of {", ".join(PROTOCOLS)}')
    base = PROTOCOLS[name]
    given = {k: v for k, v in changes.items() if v is not None and v != getattr(base, k)}
    changed = set(given) - {'alignment'}
    return dataclasses.replace(
        base,
        **given,  # type: ignore[arg-type]
        name=f'{base.name} changed' if changed else base.name,
    )
