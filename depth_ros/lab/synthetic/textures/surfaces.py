# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Patterns of the texture bank: natural and built surfaces. See textures.py for what a, b mean."""

from __future__ import annotations

import numpy as np

from depth_ros.lab.synthetic.textures.pattern import SIZE, Plane, Rng, pattern

Y, X = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / SIZE


def spectrum(rng: Rng, slope: float, low: float = 1.0, high: float = SIZE) -> Plane:
    """Return tileable noise with power falling as frequency^-slope, equalised to 0..1."""
    f = np.fft.fftfreq(SIZE) * SIZE
    radius = np.hypot(f[:, None], f[None, :])
    amplitude = np.where((radius >= low) & (radius <= high), np.maximum(radius, 1) ** -slope, 0.0)
    phase = np.exp(2j * np.pi * rng.random((SIZE, SIZE)))
    return equalise(np.fft.ifft2(amplitude * phase).real)


def equalise(values: np.ndarray) -> Plane:
    """Map to zero mean, soft-clipped at two sigma, then to 0..1."""
    values = (values - values.mean()) / (values.std() + 1e-9)
    return (0.5 + 0.5 * np.tanh(values * 0.6)).astype(np.float32)


def zeros() -> Plane:
    return np.zeros((SIZE, SIZE), np.float32)


@pattern
def flat(rng: Rng) -> tuple[Plane, Plane]:
    return zeros() + 0.5, zeros()


@pattern
def clouds(rng: Rng) -> tuple[Plane, Plane]:
    return spectrum(rng, 1.7, 1, 90), spectrum(rng, 2.0, 2, 60)


@pattern
def plaster(rng: Rng) -> tuple[Plane, Plane]:
    return 0.35 + 0.3 * spectrum(rng, 0.6, 8), spectrum(rng, 2.2) * 0.5


@pattern
def grain(rng: Rng) -> tuple[Plane, Plane]:
    return spectrum(rng, 0.3, 16), spectrum(rng, 1.0, 4)


@pattern
def brick(rng: Rng) -> tuple[Plane, Plane]:
    rows, columns = 12, 5
    y = Y * rows
    row = np.floor(y)
    x = X * columns + 0.5 * (row % 2)
    column = np.floor(x) % columns
    shade = rng.random((rows, columns)).astype(np.float32)[row.astype(int), column.astype(int)]
    gap = np.minimum(np.minimum(y % 1, 1 - y % 1), np.minimum(x % 1, 1 - x % 1) * 2.2)
    wobble = 0.04 * (spectrum(rng, 1.0, 6) - 0.5)
    mortar = np.clip((0.09 - gap + wobble) * 40, 0, 1)
    return 0.65 * shade + 0.35 * spectrum(rng, 0.7, 4), mortar.astype(np.float32)


@pattern
def tiles(rng: Rng) -> tuple[Plane, Plane]:
    n = 4
    cell = rng.random((n, n)).astype(np.float32)
    shade = cell[(Y * n).astype(int), (X * n).astype(int)]
    x, y = X * n % 1, Y * n % 1
    gap = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y))
    return 0.4 * shade + 0.4 * spectrum(rng, 1.6, 2), np.clip((0.03 - gap) * 60, 0, 1)


@pattern
def checker(rng: Rng) -> tuple[Plane, Plane]:
    n = 4
    b = ((X * n).astype(int) + (Y * n).astype(int)) % 2
    return spectrum(rng, 1.2, 2) * 0.6, b.astype(np.float32)


@pattern
def planks(rng: Rng) -> tuple[Plane, Plane]:
    n = 6
    row = (Y * n).astype(int)
    x = (X + rng.random(n)[row]) % 1
    half = (x * 2).astype(int)
    shade = rng.random((n, 2)).astype(np.float32)[row, half]
    streaks = spectrum(rng, 0.8, 4).mean(axis=1, keepdims=True)
    warp = spectrum(rng, 2.0, 1, 8)
    grain_lines = 0.5 + 0.5 * np.sin(2 * np.pi * (Y * 40 + 3 * warp + shade * 7))
    y = Y * n % 1
    gap = np.minimum(np.minimum(y, 1 - y), np.minimum(x * 2 % 1, 1 - x * 2 % 1) * 3)
    a = 0.5 * shade + 0.25 * grain_lines + 0.25 * spectrum(rng, 0.8, 6) + 0.1 * streaks
    return a.astype(np.float32), np.clip((0.025 - gap) * 50, 0, 1)


def cells(rng: Rng, count: int, jitter: float = 0.9) -> tuple[Plane, Plane, Plane]:
    """Return tileable Voronoi cells: distance to the border, a random value each, and radius."""
    n = int(np.sqrt(count))
    offset = 0.5 + jitter * (rng.random((n, n, 2)) - 0.5)
    value = rng.random((n, n)).astype(np.float32)
    row, column = (Y * n).astype(int), (X * n).astype(int)
    first = np.full((SIZE, SIZE), 9.0, np.float32)
    second = first.copy()
    shade = zeros()
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            i, j = (row + dy) % n, (column + dx) % n
            px = column + dx + offset[i, j, 0] - X * n
            py = row + dy + offset[i, j, 1] - Y * n
            distance = np.hypot(px, py).astype(np.float32)
            nearer = distance < first
            second = np.where(nearer, first, np.minimum(second, distance))
            shade = np.where(nearer, value[i, j], shade)
            first = np.where(nearer, distance, first)
    return second - first, shade, first


@pattern
def cobbles(rng: Rng) -> tuple[Plane, Plane]:
    border, shade, _ = cells(rng, 100, 0.6)
    return 0.6 * shade + 0.4 * spectrum(rng, 0.7, 4), np.clip((0.12 - border) * 12, 0, 1)


@pattern
def stone_wall(rng: Rng) -> tuple[Plane, Plane]:
    border, shade, _ = cells(rng, 36, 0.9)
    return 0.5 * shade + 0.5 * spectrum(rng, 0.9, 3), np.clip((0.09 - border) * 18, 0, 1)


@pattern
def gravel(rng: Rng) -> tuple[Plane, Plane]:
    border, shade, radius = cells(rng, 1600)
    return 0.7 * shade + 0.3 * (1 - radius), np.clip((0.25 - border) * 4, 0, 1)


@pattern
def terrazzo(rng: Rng) -> tuple[Plane, Plane]:
    border, shade, _ = cells(rng, 900)
    chips = (border > 0.3) & (shade > 0.6)
    return 0.4 + 0.2 * spectrum(rng, 0.5, 8) + 0.3 * shade * chips, chips.astype(np.float32)


@pattern
def asphalt(rng: Rng) -> tuple[Plane, Plane]:
    _, shade, radius = cells(rng, 4096)
    a = 0.5 * spectrum(rng, 0.2, 24) + 0.3 * shade * (1 - radius) + 0.2 * spectrum(rng, 1.8)
    cracks = np.abs(spectrum(rng, 1.7, 2, 60) - 0.5)
    return a, np.clip((0.008 - cracks) * 120, 0, 1) * (spectrum(rng, 2.0, 1, 6) > 0.55)


@pattern
def concrete(rng: Rng) -> tuple[Plane, Plane]:
    a = 0.5 * spectrum(rng, 1.5, 1) + 0.3 * spectrum(rng, 0.3, 20) + 0.1
    holes = spectrum(rng, 0.6, 24) > 0.93
    streaks = spectrum(rng, 1.2, 1, 40)[:1].repeat(SIZE, 0) * spectrum(rng, 2.0, 1, 5)
    return a, np.clip(0.6 * holes + 0.5 * streaks, 0, 1)


@pattern
def grass(rng: Rng) -> tuple[Plane, Plane]:
    blades = np.zeros((SIZE, SIZE), np.float32)
    for _ in range(5):
        noise = spectrum(rng, 0.2, 20)
        for k in range(7):
            shifted = np.roll(noise, (k, k * int(rng.integers(-1, 2))), (0, 1))
            blades = np.maximum(blades, shifted * (1 - 0.08 * k) * rng.uniform(0.7, 1))
    return np.clip((blades - 0.55) * 2.4, 0, 1), spectrum(rng, 1.6, 2, 60)


@pattern
def leaves(rng: Rng) -> tuple[Plane, Plane]:
    border, shade, radius = cells(rng, 400)
    gaps = spectrum(rng, 1.3, 6, 60)
    return shade * 0.7 + 0.3 * (1 - radius), np.clip((gaps - 0.62) * 6 + (0.08 - border) * 5, 0, 1)


@pattern
def marble(rng: Rng) -> tuple[Plane, Plane]:
    veins = np.abs(spectrum(rng, 1.9, 1, 80) - 0.5) * 2
    return spectrum(rng, 1.8, 1, 40), np.clip(1 - veins * 8, 0, 1) * 0.8


@pattern
def wood(rng: Rng) -> tuple[Plane, Plane]:
    warp = spectrum(rng, 2.2, 1, 10)
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * (X * 9 + 2.5 * warp))
    fibre = spectrum(rng, 0.4, 10)
    fibre = np.mean([np.roll(fibre, k, 0) for k in range(9)], axis=0)
    knots = np.clip((cells(rng, 9)[2] < 0.09) * 1.0, 0, 1)
    return np.clip(0.6 * rings + 0.8 * (fibre - 0.5) + 0.2, 0, 1), knots.astype(np.float32) * 0.8


@pattern
def fabric(rng: Rng) -> tuple[Plane, Plane]:
    n = 32
    over = ((X * n).astype(int) + (Y * n).astype(int)) % 2
    along = np.where(over == 1, np.sin(np.pi * (X * n % 1)), np.sin(np.pi * (Y * n % 1)))
    stripes = (np.sin(2 * np.pi * X * 4) > 0.6) | (np.sin(2 * np.pi * Y * 4) > 0.8)
    return 0.5 * along + 0.5 * spectrum(rng, 0.8, 4), stripes * 0.8


@pattern
def carpet(rng: Rng) -> tuple[Plane, Plane]:
    u, v = np.abs(X * 2 % 1 - 0.5), np.abs(Y * 2 % 1 - 0.5)
    rings = np.sin(2 * np.pi * (u + v) * 5) + np.sin(2 * np.pi * np.maximum(u, v) * 9)
    return 0.3 * spectrum(rng, 0.2, 30) + 0.5 * (rings > 0.6), (rings < -0.5) * 0.9


@pattern
def wallpaper(rng: Rng) -> tuple[Plane, Plane]:
    n = 6
    x, y = (X * n) % 1 - 0.5, (Y * n + 0.5 * ((X * n).astype(int) % 2)) % 1 - 0.5
    petal = np.hypot(x, y) - 0.2 - 0.1 * np.cos(5 * np.arctan2(y, x))
    return 0.3 + 0.4 * spectrum(rng, 1.4, 3), np.clip(-petal * 20, 0, 1)


@pattern
def rust(rng: Rng) -> tuple[Plane, Plane]:
    return spectrum(rng, 0.8, 4), np.clip((spectrum(rng, 1.5, 2) - 0.55) * 5, 0, 1)


@pattern
def brushed(rng: Rng) -> tuple[Plane, Plane]:
    streaks = spectrum(rng, 0.1, 2)
    streaks = np.mean([np.roll(streaks, k * 2, 1) for k in range(24)], axis=0)
    return equalise(streaks), spectrum(rng, 1.8, 1, 12) * 0.4


@pattern
def corrugated(rng: Rng) -> tuple[Plane, Plane]:
    wave = 0.5 + 0.5 * np.sin(2 * np.pi * X * 12)
    return 0.8 * wave + 0.2 * spectrum(rng, 1.0, 3), np.clip(spectrum(rng, 1.6, 2) * 2 - 1.2, 0, 1)


@pattern
def roof(rng: Rng) -> tuple[Plane, Plane]:
    n = 10
    y = Y * n
    row = y.astype(int)
    x = X * n + 0.5 * (row % 2)
    shade = rng.random((n, n)).astype(np.float32)[row, np.floor(x).astype(int) % n]
    curve = 0.5 + 0.5 * np.cos(2 * np.pi * x)
    return 0.5 * shade + 0.3 * curve + 0.2 * spectrum(rng, 0.8, 4), np.clip(
        (0.12 - y % 1) * 12, 0, 1
    )
