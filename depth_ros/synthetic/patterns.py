# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Patterns of the texture bank: natural and built surfaces. See textures.py for what a, b mean."""

from __future__ import annotations

import numpy as np

from depth_ros.synthetic.textures import SIZE, Plane, Rng, pattern

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
