# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Depth for the eye: colours by inverse depth, near warm and far cold, with a bar in metres.

Black is no depth, dark slate is sky or beyond range, white is too close to measure.
"""

from __future__ import annotations

import functools
import math

import cv2
import numpy as np
import numpy.typing as npt

from depth_ros.geometry.depth_values import to_inverse
from depth_ros.types import DepthError, FloatImage, Image

_BLACK, _SLATE, _WHITE = (0, 0, 0), (44, 52, 66), (255, 255, 255)
_NONE, _SKY, _CLOSE, _FIRST = 0, 1, 2, 3  # entries of the palette; the rest is the colour ramp
_INK, _PAPER = (235, 235, 235), (20, 20, 20)
_SAMPLES = 1 << 16


def depth_to_colors(
    depth: FloatImage, near: float | None = None, far: float | None = None
) -> Image:
    """
    Return RGB of depth in metres; what is nearer than near or beyond far takes the last colour.

    Without near and far, the range holds the depths between the 2nd and 98th percentile.
    """
    inverse = _inverse(depth)
    low, high = _inverse_range(inverse, near, far)
    return _paint(inverse, low, high)


def draw_depth(depth: FloatImage, near: float | None = None, far: float | None = None) -> Image:
    """Return RGB of depth in metres beside a bar that says which colour is how far."""
    inverse = _inverse(depth)
    low, high = _inverse_range(inverse, near, far)
    image = _enlarge(_paint(inverse, low, high))
    space = bar_space(image.shape[0])
    ticks = metre_ticks(low, high, space)
    legend = []
    if np.any(inverse == 0):
        legend.append(('far/sky', _SLATE))
    if np.any(np.isnan(inverse)):
        legend.append(('no depth', _BLACK))
    if np.any(inverse == np.inf):
        legend.append(('too close', _WHITE))
    return np.hstack([image, _bar(image.shape[0], ticks, legend)])


def draw_relative(values: FloatImage) -> Image:
    """
    Return RGB of relative values, larger is nearer, beside a bar without numbers.

    For depth up to scale give 1 / values. NaN and infinities are black.
    """
    values = np.where(np.isfinite(values), np.asarray(values, np.float32), np.nan)
    low, high = _percentiles(values)
    image = _enlarge(_paint(values, low, high, relative=True))
    legend = [('no value', _BLACK)] if np.any(np.isnan(values)) else []
    return np.hstack([image, _bar(image.shape[0], [(0.0, 'near'), (1.0, 'far')], legend)])


@functools.cache
def _palette() -> Image:
    """Return 256 RGB entries: the special ones, then far to near."""
    ramp = cv2.applyColorMap(np.arange(256, dtype=np.uint8), cv2.COLORMAP_TURBO)
    ramp = np.asarray(ramp).reshape(256, 3)[:, ::-1]
    # The ends of the map are nearly black: they would be taken for missing depth.
    index = np.linspace(20, 245, 256 - _FIRST).round().astype(int)
    palette = np.vstack([[_BLACK, _SLATE, _WHITE], ramp[index]]).astype(np.uint8)
    palette.flags.writeable = False
    return palette


def _inverse(depth: FloatImage) -> FloatImage:
    """Return 1 / depth; 0 is beyond range, +Inf too close, NaN none."""
    depth = np.asarray(depth, np.float32)
    if depth.ndim != 2:
        raise DepthError(f'depth has shape {depth.shape}, expected (height, width)')
    inverse = to_inverse(depth)
    inverse[np.isneginf(depth)] = np.inf
    return inverse


def _inverse_range(
    inverse: FloatImage, near: float | None, far: float | None
) -> tuple[float, float]:
    for name, value in (('near', near), ('far', far)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise DepthError(f'{name} is {value:g} m, expected a positive distance')
    if near is not None and far is not None and near >= far:
        raise DepthError(f'near is {near:g} m and far {far:g} m, expected near < far')
    low, high = _percentiles(np.where(inverse > 0, inverse, np.nan))
    low = low if far is None else 1 / far
    high = high if near is None else 1 / near
    if high < low * 1.02:  # a wall seen head-on, or a limit beyond all that is seen
        if near is None and (far is not None or high < low):
            high = low * 1.02
        elif far is None and near is not None:
            low = high / 1.02
        else:
            middle = math.sqrt(low * high)
            low, high = middle / 1.01, middle * 1.01
    return low, high


def _percentiles(values: FloatImage) -> tuple[float, float]:
    """Return the 2nd and 98th percentile of what is finite, from a sample of a large image."""
    stride = max(1, math.isqrt(values.size // _SAMPLES))
    finite = values[::stride, ::stride]
    finite = finite[np.isfinite(finite)]
    if finite.size == 0:
        finite = values[np.isfinite(values)]
    if finite.size == 0:
        return 0.1, 1.0
    low, high = np.percentile(finite, (2, 98))
    return float(low), float(high)


def _paint(values: FloatImage, low: float, high: float, relative: bool = False) -> Image:
    count = 256 - _FIRST
    scale = count / max(high - low, 1e-12)
    with np.errstate(invalid='ignore', over='ignore'):
        ramp = (values - np.float32(low)) * np.float32(scale)
        ramp = np.clip(ramp, 0, count - 1, out=ramp)
        np.copyto(ramp, 0, where=np.isnan(ramp))
    index = ramp.astype(np.uint8)
    index += np.uint8(_FIRST)
    if not relative:
        np.copyto(index, _SKY, where=values == 0)
        np.copyto(index, _CLOSE, where=values == np.inf)
    np.copyto(index, _NONE, where=np.isnan(values))
    return cv2.applyColorMap(index, _palette()[:, None]).astype(np.uint8, copy=False)


def _enlarge(image: Image, least: int = 240) -> Image:
    """Return the image, repeated to a height at which a bar can be read."""
    times = -(-least // image.shape[0])
    return image if times <= 1 else image.repeat(times, axis=0).repeat(times, axis=1)


def text_size(height: int) -> int:
    return max(12, height // 32)


def bar_space(height: int) -> tuple[int, int, int]:
    """Return the first row of the ramp, its last, and the least distance between labels."""
    size = text_size(height)
    return size, height - 1 - 6 * size, 2 * size


def metre_ticks(low: float, high: float, space: tuple[int, int, int]) -> list[tuple[float, str]]:
    """Return (position from near 0 to far 1, label) of round distances that do not crowd."""
    top, bottom, apart = space
    least = apart / max(bottom - top, 1)
    near, far = 1 / high, 1 / low
    chosen: list[tuple[float, float]] = []
    # The roundest numbers come first, finer ones where there is room.
    for steps in ((1,), (5,), (2,), (3,), (1.5, 4, 7), (1.2, 2.5, 6, 8)):
        for power in range(math.floor(math.log10(near)) - 1, math.ceil(math.log10(far)) + 1):
            for step in steps:
                metres = step * 10.0**power
                if near <= metres <= far:
                    _add_tick(chosen, metres, (high - 1 / metres) / (high - low), least)
    decimals = 1 - math.floor(math.log10(far - near))
    for digits in range(decimals - 1, decimals + 2):  # a narrow range has few round numbers
        if len(chosen) >= 3:
            break
        unit = 10.0**-digits
        for count in range(math.ceil(near / unit), math.floor(far / unit) + 1):
            metres = count * unit
            _add_tick(chosen, metres, (high - 1 / metres) / (high - low), least)
    return [(position, f'{metres:.5g} m') for position, metres in sorted(chosen)]


def _add_tick(
    chosen: list[tuple[float, float]], metres: float, position: float, least: float
) -> None:
    if all(abs(position - other) >= least for other, _ in chosen):
        chosen.append((position, metres))


def _bar(
    height: int, ticks: list[tuple[float, str]], legend: list[tuple[str, tuple[int, int, int]]]
) -> Image:
    size = text_size(height)
    top, bottom, _ = bar_space(height)
    left, right = size, 2 * size
    bar = np.full((height, 9 * size, 3), _PAPER, np.uint8)
    ramp = np.linspace(255, _FIRST, bottom - top + 1).round().astype(int)
    bar[top : bottom + 1, left:right] = _palette()[ramp][:, None]
    for position, label in ticks:
        y = round(top + position * (bottom - top))
        bar[y, right : right + size // 2] = _INK
        _write(bar, label, right + size, y, size)
    for row, (label, color) in enumerate(legend):
        y = bottom + (3 + 3 * row) * size // 2
        y0, y1 = y - size // 2, y + (size + 1) // 2
        cv2.rectangle(bar, (left, y0), (right - 1, y1 - 1), color, -1)
        cv2.rectangle(bar, (left, y0), (right - 1, y1 - 1), (110, 110, 110), 1)
        _write(bar, label, right + size, y, size)
    return bar


def _write(image: Image, text: str, x: int, y: int, size: int) -> npt.NDArray[np.uint8]:
    """Write text of the given height, centred on the row y."""
    font = cv2.FONT_HERSHEY_SIMPLEX
    (_, tall), _ = cv2.getTextSize(text, font, 1.0, 1)
    scale = 0.8 * size / tall
    (_, tall), _ = cv2.getTextSize(text, font, scale, 1)
    return cv2.putText(  # type: ignore[return-value]
        image, text, (x, y + tall // 2), font, scale, _INK, max(1, size // 14), cv2.LINE_AA
    )
