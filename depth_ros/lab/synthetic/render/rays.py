# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The rays of a camera, and images in tiles as the caster wants them."""

from __future__ import annotations

import numpy as np

from depth_ros.types import Camera, FloatImage

TILE = 16


def camera_rays(camera: Camera) -> FloatImage:
    """Return x/z and y/z of every pixel, float32 (H, W, 2)."""
    if camera.is_distorted:
        from depth_ros.geometry.distortion import ray_grid

        return ray_grid(camera)
    x = (np.arange(camera.width) - camera.cx) / camera.fx
    y = (np.arange(camera.height) - camera.cy) / camera.fy
    return np.stack(np.meshgrid(x, y), axis=-1).astype(np.float32)


def to_tiles(grid: np.ndarray) -> np.ndarray:
    """Return (C, tiles, TILE * TILE) of an (H, W, C) grid, its border repeated to full tiles."""
    height, width = grid.shape[:2]
    pad = ((0, -height % TILE), (0, -width % TILE), (0, 0))
    grid = np.pad(grid, pad, mode='edge')
    rows, columns = grid.shape[0] // TILE, grid.shape[1] // TILE
    tiles = grid.reshape(rows, TILE, columns, TILE, -1).transpose(4, 0, 2, 1, 3)
    return np.ascontiguousarray(tiles).reshape(-1, rows * columns, TILE * TILE)


def from_tiles(values: np.ndarray, width: int, height: int) -> np.ndarray:
    """Return (H, W, ...) of (..., tiles, TILE * TILE)."""
    rows, columns = -(-height // TILE), -(-width // TILE)
    lead = values.shape[:-2]
    grid = values.reshape(*lead, rows, columns, TILE, TILE)
    n = len(lead)
    grid = grid.transpose(n, n + 2, n + 1, n + 3, *range(n))
    return grid.reshape(rows * TILE, columns * TILE, *lead)[:height, :width]


def pixel_steps(grid: FloatImage) -> tuple[FloatImage, FloatImage]:
    """Return how the ray changes from pixel to pixel, right and down."""
    du = np.gradient(grid, axis=1) if grid.shape[1] > 1 else np.zeros_like(grid)
    dv = np.gradient(grid, axis=0) if grid.shape[0] > 1 else np.zeros_like(grid)
    return du, dv
