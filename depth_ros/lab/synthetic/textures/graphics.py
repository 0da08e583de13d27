# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Patterns of the texture bank: what people print, label, stack and put behind glass."""

from __future__ import annotations

import numpy as np

from depth_ros.lab.synthetic.textures.pattern import SIZE, Plane, Rng, pattern
from depth_ros.lab.synthetic.textures.surfaces import X, Y, spectrum, zeros


def _fill(plane: Plane, x0: float, y0: float, x1: float, y1: float, value: float) -> None:
    i = [round(v * SIZE) for v in (y0, y1, x0, x1)]
    plane[i[0] : max(i[1], i[0] + 1), i[2] : max(i[3], i[2] + 1)] = value


def _lines_of_text(
    rng: Rng, plane: Plane, x0: float, y0: float, x1: float, y1: float, line: float
) -> None:
    """Write words of glyphs made of random strokes on a 3 x 5 grid."""
    y = y0
    while y + line <= y1:
        x, end = x0, x1 if rng.random() < 0.8 else rng.uniform(x0, x1)
        cell = line * 0.13
        while x + cell * 4 <= end:
            if rng.random() < 0.16:
                x += cell * 4
                continue
            strokes = rng.random((5, 3)) < 0.55
            strokes[:, rng.integers(0, 3)] = True
            for r, c in zip(*np.nonzero(strokes)):
                top, left = y + r * cell, x + c * cell
                _fill(plane, left, top, left + cell, top + cell, 1.0)
            x += cell * 4
        y += line


@pattern
def text(rng: Rng) -> tuple[Plane, Plane]:
    b = zeros()
    _lines_of_text(rng, b, 0.05, 0.04, 0.95, 0.2, 0.14)
    _lines_of_text(rng, b, 0.05, 0.24, 0.47, 0.97, 0.055)
    _lines_of_text(rng, b, 0.53, 0.24, 0.95, 0.6, 0.055)
    a = 0.3 * spectrum(rng, 1.5, 2)
    a[160:240, 136:244] = spectrum(rng, 1.6, 2)[160:240, 136:244]
    return a, b


@pattern
def big_text(rng: Rng) -> tuple[Plane, Plane]:
    b = zeros()
    for y, line in ((0.05, 0.3), (0.4, 0.2), (0.65, 0.3)):
        _lines_of_text(rng, b, 0.04, y, 0.96, y + line + 0.01, line)
    return 0.3 + 0.3 * (Y > 0.38) + 0.2 * spectrum(rng, 1.0, 4), b


def _poster(rng: Rng) -> tuple[Plane, Plane]:
    """Draw overlapping shapes on a gradient, as a picture or a sign would look from afar."""
    a, b = (rng.random() * X + rng.random() * Y) * 0.6, rng.random() * Y + 0.2 * X
    for _ in range(int(rng.integers(9, 20))):
        cx, cy = rng.random(2)
        size = rng.uniform(0.03, 0.3)
        dx, dy = X - cx, Y - cy
        turn = rng.uniform(0, np.pi)
        dx, dy = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
        inside = [
            np.hypot(dx, dy) < size,
            (np.abs(dx) < size) & (np.abs(dy) < size * 0.5),
            (dy > -size / 2) & (np.abs(dx) * 2 + dy < size / 2),
            np.abs(np.hypot(dx, dy) - size) < 0.02,
            np.abs(dy) < 0.015,
        ][int(rng.integers(0, 5))]
        a, b = np.where(inside, rng.random(), a), np.where(inside, rng.random(), b)
    return np.clip(a + 0.1 * spectrum(rng, 0.8, 4), 0, 1), b


@pattern
def poster_one(rng: Rng) -> tuple[Plane, Plane]:
    return _poster(rng)


@pattern
def poster_two(rng: Rng) -> tuple[Plane, Plane]:
    return _poster(rng)


@pattern
def poster_three(rng: Rng) -> tuple[Plane, Plane]:
    return _poster(rng)


@pattern
def landscape(rng: Rng) -> tuple[Plane, Plane]:
    a, b = 0.4 * Y + 0.5 * spectrum(rng, 1.8, 1, 30), zeros()
    for level in (0.45, 0.6, 0.75):
        ridge = level + 0.12 * (spectrum(rng, 1.6, 1, 30)[:1] - 0.5)
        below = ridge < Y
        a, b = (
            np.where(below, rng.random() * 0.6 + 0.3 * spectrum(rng, 0.9, 4), a),
            np.where(below, level, b),
        )
    return a, b


@pattern
def books(rng: Rng) -> tuple[Plane, Plane]:
    a, b = zeros(), zeros() + 0.5
    for row in range(2):
        x = 0.0
        while x < 1:
            width, top = rng.uniform(0.02, 0.06), row * 0.5 + rng.uniform(0.02, 0.12)
            va, vb = rng.random(2)
            _fill(a, x, row * 0.5, x + width, row * 0.5 + 0.5, 0.02)
            _fill(b, x, row * 0.5, x + width, row * 0.5 + 0.5, 0.02)
            _fill(a, x + 0.003, top, x + width - 0.003, row * 0.5 + 0.49, va)
            _fill(b, x + 0.003, top, x + width - 0.003, row * 0.5 + 0.49, vb)
            band = top + rng.uniform(0.03, 0.25)
            _fill(a, x + 0.006, band, x + width - 0.006, band + 0.05, 1 - va)
            x += width
    return a, b


@pattern
def cardboard(rng: Rng) -> tuple[Plane, Plane]:
    a = 0.25 + 0.3 * spectrum(rng, 1.3, 2) + 0.06 * np.sin(2 * np.pi * Y * 50)
    b = zeros()
    _fill(a, 0.46, 0, 0.54, 1, 0.95)  # tape
    _lines_of_text(rng, b, 0.08, 0.1, 0.4, 0.25, 0.08)
    _fill(a, 0.62, 0.55, 0.92, 0.85, 1.0)  # label
    _lines_of_text(rng, b, 0.65, 0.58, 0.9, 0.75, 0.04)
    for x in np.arange(0.65, 0.89, 0.012):
        if rng.random() < 0.55:
            _fill(b, x, 0.76, x + 0.008, 0.83, 1.0)
    return a, b * 0.9


@pattern
def facade(rng: Rng) -> tuple[Plane, Plane]:
    a, b = 0.35 + 0.3 * spectrum(rng, 1.3, 2), zeros()
    for row in range(4):
        for column in range(4):
            x, y = (column + 0.22) / 4, (row + 0.2) / 4
            _fill(a, x - 0.015, y - 0.015, x + 0.155, y + 0.165, 0.95)
            _fill(b, x, y, x + 0.14, y + 0.15, 1.0)
            _fill(a, x, y, x + 0.14, y + 0.15, rng.random())
            _fill(a, x, y + 0.15 * rng.random(), x + 0.14, y + 0.15, rng.random() * 0.3)
            _fill(b, x + 0.066, y, x + 0.074, y + 0.15, 0.0)
    return a, b


@pattern
def glass_front(rng: Rng) -> tuple[Plane, Plane]:
    n = 8
    value = rng.random((n, n)).astype(np.float32)[(Y * n).astype(int), (X * n).astype(int)]
    x, y = X * n % 1, Y * n % 1
    frame = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y)) < 0.06
    return 0.6 * value + 0.4 * spectrum(rng, 1.9, 1, 20), frame.astype(np.float32)


@pattern
def screen(rng: Rng) -> tuple[Plane, Plane]:
    a, b = zeros() + 0.1, zeros()
    _fill(a, 0.02, 0.08, 0.3, 0.97, 0.35)
    for y in np.arange(0.12, 0.95, 0.05):
        x = 0.34
        while x < 0.95:
            width = rng.uniform(0.02, 0.15)
            _fill(a, x, y, min(x + width, 0.98), y + 0.022, rng.random())
            _fill(b, x, y, min(x + width, 0.98), y + 0.022, rng.random())
            x += width + 0.02
            if rng.random() < 0.25:
                break
    _fill(b, 0, 0, 1, 0.05, 1.0)
    return a, b


@pattern
def hazard(rng: Rng) -> tuple[Plane, Plane]:
    return 0.3 * spectrum(rng, 1.0, 3), (((X + Y) * 4) % 1 < 0.5).astype(np.float32)


@pattern
def stripes(rng: Rng) -> tuple[Plane, Plane]:
    edges = np.sort(rng.random(14))
    shade = rng.random(15).astype(np.float32)[np.searchsorted(edges, X[0])]
    return np.tile(shade, (SIZE, 1)) * 0.8 + 0.2 * spectrum(rng, 0.7, 6), 0.6 * (X % 0.25 < 0.03)


@pattern
def blobs(rng: Rng) -> tuple[Plane, Plane]:
    one, two = spectrum(rng, 2.1, 2, 20), spectrum(rng, 2.1, 2, 20)
    return (one > 0.5) * 0.8 + 0.2 * spectrum(rng, 0.6, 6), (two > 0.6) * 1.0


@pattern
def dots(rng: Rng) -> tuple[Plane, Plane]:
    n = 10
    x, y = X * n % 1 - 0.5, Y * n % 1 - 0.5
    return 0.5 * spectrum(rng, 1.5, 2), (np.hypot(x, y) < 0.28).astype(np.float32)


@pattern
def crates(rng: Rng) -> tuple[Plane, Plane]:
    n = 5
    y = Y * n % 1
    slat = rng.random(n).astype(np.float32)[(Y * n).astype(int)]
    fibre = sum(np.roll(spectrum(rng, 0.5, 8), k, 1) for k in range(8)) / 8
    posts = (np.abs(X - 0.08) < 0.06) | (np.abs(X - 0.92) < 0.06)
    gap = (np.minimum(y, 1 - y) < 0.07) & ~posts
    return 0.4 * slat + 0.8 * fibre - 0.1, gap.astype(np.float32)


@pattern
def machine(rng: Rng) -> tuple[Plane, Plane]:
    a, b = 0.3 + 0.2 * spectrum(rng, 1.2, 2), zeros()
    for _ in range(26):
        x, y = rng.random(2) * 0.9
        w, h = rng.uniform(0.02, 0.22, 2)
        _fill(a, x, y, min(x + w, 1), min(y + h, 1), rng.random())
        _fill(b, x, y, min(x + w, 1), min(y + h, 1), rng.choice([0.0, 0.3, 1.0]))
    for _ in range(20):
        x, y = rng.random(2)
        inside = np.hypot(X - x, Y - y) < rng.uniform(0.006, 0.03)
        a = np.where(inside, rng.random(), a)
    _lines_of_text(rng, b, 0.1, 0.88, 0.6, 0.95, 0.06)
    return a, b
