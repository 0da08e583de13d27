# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Write the points of a cloud with NumPy and OpenCV.

A whole image at a time, every step of x = z * ray would go through main memory. In strips of some
rows, only depth is read from there and only points are written.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from depth_ros.types import FloatImage, Image

VECTOR = 64  # bytes of the widest vector register
STRIP = 20480  # pixels whose planes and points, half a megabyte, fit the second-level cache


class PlainWriter:
    """Writes points; holds the planes of one strip, so it serves one thread at a time."""

    def __init__(self) -> None:
        self._planes: FloatImage = np.empty((4, 0, 0), np.float32)
        self._flags: npt.NDArray[np.bool_] = np.empty((2, 0, 0), np.bool_)

    def __call__(
        self,
        points: FloatImage,
        depth: FloatImage,
        ray_x: FloatImage,
        ray_y: FloatImage,
        bounds: npt.NDArray[np.float32],
        rgb: Image | None,
        more: FloatImage,
    ) -> bool:
        """
        Write all points (H, W, fields), NaN where invalid, and return whether all are valid.

        :param ray_x: x / z of each pixel (H, W) or column (1, W). :param ray_y: y / z of each
            pixel or row (H, 1). :param bounds: least and largest z, least and largest y, all
            inclusive. :param rgb: (H, W, 3), for the fourth field. :param more: (N, H, W),
            further fields.
        """
        height, width, channels = points.shape
        rows = min(height, max(1, STRIP // width))
        if self._planes.shape[1:] != (rows, width):
            self._planes = np.empty((4, rows, width), np.float32)
            self._flags = np.empty((2, rows, width), np.bool_)
        lens = ray_x.shape == ray_y.shape
        crops = bool(np.isfinite(bounds[2:]).any())
        address, dense = points.ctypes.data, True
        for start in range(0, height, rows):
            strip = slice(start, min(start + rows, height))
            z = depth[strip]
            x, y, clean, colour = self._planes[:, : len(z)]
            inside, other = self._flags[:, : len(z)]
            with np.errstate(invalid='ignore', over='ignore'):
                np.multiply(z, ray_x[strip] if lens else ray_x, out=x)
                np.multiply(z, ray_y[strip], out=y)
                low, high = np.fmin.reduce(z, axis=None), np.fmax.reduce(z, axis=None)
                # NaN makes x, y and z NaN by itself: most strips need no mask.
                if crops or lens or low < bounds[0] or high > bounds[1]:
                    np.greater_equal(z, bounds[0], out=inside)
                    inside &= np.less_equal(z, bounds[1], out=other)
                    if crops:
                        inside &= np.greater_equal(y, bounds[2], out=other)
                        inside &= np.less_equal(y, bounds[3], out=other)
                    if lens:  # beyond the lens there are no rays
                        inside &= np.equal(x, x, out=other)
                        inside &= np.equal(y, y, out=other)
                    # All bits set are NaN, and `or` takes no branch for each pixel.
                    mask = colour.view(np.int32)
                    np.subtract(inside.view(np.int8), np.int8(1), out=mask)
                    for plane, out in ((x, x), (y, y), (z, clean)):
                        np.bitwise_or(plane.view(np.int32), mask, out=out.view(np.int32))
                    z = clean
                dense = dense and not np.isnan(z.min())
            planes = [x, y, z]
            if rgb is not None:
                bgra = colour.view(np.uint8).reshape(*colour.shape, 4)
                cv2.cvtColor(rgb[strip], cv2.COLOR_RGB2BGRA, bgra)
                # An alpha of 255 would make NaN of the float, and readers that skip NaN drop it.
                colour.view(np.int32)[...] &= 0x00FFFFFF
                planes.append(colour)
            planes += [plane[strip] for plane in more]
            flat = [plane.reshape(1, -1) for plane in planes]
            target = points[strip].reshape(1, -1, channels)
            # cv2.merge writes past the cache, which saves reading what is overwritten, but only
            # where its target begins at a whole vector: the first few points are done alone.
            head = _points_before_vector(address + 4 * channels * width * start, 4 * channels)
            if 0 < head < target.shape[1]:
                cv2.merge([plane[:, :head] for plane in flat], target[:, :head])
                flat = [plane[:, head:] for plane in flat]
                target = target[:, head:]
            cv2.merge(flat, target)
        return dense


def _points_before_vector(address: int, step: int) -> int:
    return next((n for n in range(VECTOR) if (address + n * step) % VECTOR == 0), 0)
