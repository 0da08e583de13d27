# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Rays to pixels of the raw image and back, for every lens model that CameraInfo names.

Rays are written (x / z, y / z). All of this is float64; lens polynomials are inverted by
Newton's method to machine precision. A polynomial describes a lens only as far as it rises:
where it would fold the image back onto itself, both directions answer NaN.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from depth_ros.geometry.camera import is_plain
from depth_ros.types import Camera, DepthError, Distortion, FloatImage, Matrix

_WIDEST = np.deg2rad(89.9)  # the ray beyond which x / z says nothing any more
_TABLE = 4096  # entries of the table that gives Newton its first guess
_STEPS = 20
_CLOSE = 1e-15  # radians that a step moves an angle which is found
_DIRECTIONS, _RADII = 180, 1024  # where it is tried whether a lens rises again beyond a fold
_CHUNK = 1 << 15  # points worked on at a time, so that temporaries stay in the cache


def project(camera: Camera, points_xyz: npt.ArrayLike) -> Matrix:
    """
    Return pixels (..., 2) of the raw image for points (..., 3) in the camera's optical frame.

    NaN where the point is not in front of the camera or lies beyond what the lens model covers.
    """
    points = np.asarray(points_xyz, np.float64)
    if points.shape[-1:] != (3,):
        raise DepthError(f'points have shape {points.shape}, expected (..., 3): x, y, z in metres')
    with np.errstate(divide='ignore', invalid='ignore'):
        z = np.where(points[..., 2] > 0, points[..., 2], np.nan)
        return rays_to_pixels(camera, points[..., :2] / z[..., None])


def rays_to_pixels(camera: Camera, rays: npt.ArrayLike) -> Matrix:
    """Return pixels (..., 2) of the raw image for rays (..., 2) = (x / z, y / z)."""
    rays = _pairs(rays, 'rays')
    if camera.is_distorted:
        lens = _lens(camera.distortion, camera.D.tobytes())
        rays = _in_chunks(lens.distort, rays)
    return _apply(camera.K, rays)


def unproject(camera: Camera, pixels: npt.ArrayLike) -> Matrix:
    """
    Return rays (..., 2) = (x / z, y / z) for pixels (..., 2) of the raw image.

    The exact inverse of project: NaN where no ray of the lens model reaches the pixel.
    """
    rays = _apply(_inverse(camera.K), _pairs(pixels, 'pixels'))
    if camera.is_distorted:
        lens = _lens(camera.distortion, camera.D.tobytes())
        rays = _in_chunks(lens.undistort, rays)
    return rays


def pixel_grid(width: int, height: int) -> Matrix:
    """Return the pixel centres (H, W, 2) of an image."""
    u, v = np.meshgrid(np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64))
    return np.stack([u, v], axis=-1)


@functools.lru_cache(maxsize=8)
def ray_grid(camera: Camera) -> FloatImage:
    """
    Return x / z and y / z for every pixel of the camera's image, float32 (H, W, 2), read-only.

    It is computed once per camera. NaN where the lens model has no ray.
    """
    if is_plain(camera):
        x, y = ray_axes(camera)
        grid = np.empty((camera.height, camera.width, 2), np.float32)
        grid[..., 0] = x
        grid[..., 1] = y[:, None]
    else:
        grid = unproject(camera, pixel_grid(*camera.size_wh)).astype(np.float32)
    grid.flags.writeable = False
    return grid


@functools.lru_cache(maxsize=16)
def ray_axes(camera: Camera) -> tuple[FloatImage, FloatImage]:
    """Return x / z by column and y / z by row, for a camera that is_plain."""
    if not is_plain(camera):
        raise DepthError('a distorted camera has no ray axes; use ray_grid, or rectify first')
    x = ((np.arange(camera.width) - camera.cx) / camera.fx).astype(np.float32)
    y = ((np.arange(camera.height) - camera.cy) / camera.fy).astype(np.float32)
    x.flags.writeable = y.flags.writeable = False
    return x, y


class _Lens:
    """A map of the image plane z = 1 to itself, and its inverse."""

    def distort(self, rays: Matrix) -> Matrix:
        raise NotImplementedError

    def undistort(self, distorted: Matrix) -> Matrix:
        raise NotImplementedError


@functools.lru_cache(maxsize=32)
def _lens(distortion: Distortion, coefficients: bytes) -> _Lens:
    D = np.frombuffer(coefficients, np.float64)
    if distortion is Distortion.EQUIDISTANT:
        return _Equidistant.from_coefficients(D)
    if distortion is Distortion.NONE:
        raise DepthError(
            f'the distortion model has no name but D holds {D.size} coefficients; set '
            'distortion_model to plumb_bob, rational_polynomial or equidistant'
        )
    return _Polynomial.from_coefficients(D)


@dataclass(frozen=True)
class _Equidistant(_Lens):
    """
    The fisheye: an angle theta lands at radius theta + k1 theta^3 + ... + k4 theta^9.

    Rays at 90 degrees and more have no x / z and are out of the domain.
    """

    odd: Matrix  # 1, k1, k2, k3, k4
    limit: float  # theta up to which the radius rises, below 90 degrees

    @classmethod
    def from_coefficients(cls, D: Matrix) -> _Equidistant:
        if D.size != 4 and np.any(D[4:]):
            raise DepthError(
                f'equidistant distortion has {D.size} coefficients, expected 4; check D'
            )
        odd = np.concatenate([[1.0], D[:4], np.zeros(4 - min(D.size, 4))])
        slope = odd * (1, 3, 5, 7, 9)  # d radius / d theta, a polynomial in theta^2
        return cls(odd, float(np.sqrt(_first_root(slope, _WIDEST**2))))

    def radius(self, theta: Matrix) -> tuple[Matrix, Matrix]:
        """Return the radius and its derivative."""
        square = theta * theta
        value, slope = np.zeros_like(theta), np.zeros_like(theta)
        for power in range(4, -1, -1):
            value = value * square + self.odd[power]
            slope = slope * square + self.odd[power] * (2 * power + 1)
        return value * theta, slope

    def distort(self, rays: Matrix) -> Matrix:
        r = np.hypot(rays[:, 0], rays[:, 1])
        theta = np.arctan(r)
        radius, _ = self.radius(theta)
        scale = np.where(r > 1e-12, radius / np.where(r > 1e-12, r, 1.0), 1.0)
        scale[~(theta <= self.limit)] = np.nan
        return rays * scale[:, None]

    def undistort(self, distorted: Matrix) -> Matrix:
        target = np.hypot(distorted[:, 0], distorted[:, 1])
        widest, _ = self.radius(np.array([self.limit]))
        inside = target <= widest[0]
        # The radius rises from 0 to widest on [0, limit]: Newton inside a shrinking bracket.
        low, high = np.zeros_like(target), np.full_like(target, self.limit)
        theta = np.minimum(target, self.limit)
        moved = high - low
        for _ in range(100):
            value, slope = self.radius(theta)
            error = value - target
            high = np.where(error > 0, theta, high)
            low = np.where(error <= 0, theta, low)
            with np.errstate(divide='ignore', invalid='ignore'):
                step = theta - error / slope
            step = np.where(error == 0, theta, step)  # also where the slope is 0
            length = np.abs(step - theta)
            # Halve the bracket where Newton leaves it, or would go from one of its ends to the
            # other and back for ever.
            newton = (step >= low) & (step <= high) & (length <= 0.5 * moved)
            step = np.where(newton | (length <= _CLOSE), step, 0.5 * (low + high))
            moved = np.abs(step - theta)
            theta = step
            if not np.any(moved[inside] > _CLOSE):
                break
        scale = np.where(target > 1e-12, np.tan(theta) / np.where(target > 1e-12, target, 1), 1.0)
        scale[~inside] = np.nan
        return distorted * scale[:, None]


@dataclass(frozen=True)
class _Polynomial(_Lens):
    """
    OpenCV's pinhole lens: rational radial, tangential, thin prism, tilted sensor.

    With k4.. zero it is plumb_bob. Coefficients: k1 k2 p1 p2 k3 k4 k5 k6 s1 s2 s3 s4 tx ty.
    """

    k: Matrix  # k1..k6
    p: Matrix  # p1 p2
    s: Matrix  # s1..s4
    tilt: Matrix | None  # 3x3 homography
    limit: float  # radius x^2 + y^2 = limit^2 up to which the radial part rises
    table: tuple[Matrix, Matrix]  # distorted radius -> radius, both rising
    ends: Matrix | None = None  # by direction, the radius beyond which it only seems to rise

    @classmethod
    def from_coefficients(cls, D: Matrix) -> _Polynomial:
        if D.size not in (0, 4, 5, 8, 12, 14):
            raise DepthError(
                f'D has {D.size} coefficients; expected 4 or 5 (plumb_bob) or 8, 12 or 14 '
                '(rational_polynomial); check the calibration'
            )
        k1, k2, p1, p2, k3, k4, k5, k6, s1, s2, s3, s4, tx, ty = np.pad(D, (0, 14 - D.size))
        k = np.array([k1, k2, k3, k4, k5, k6])
        limit = _radial_limit(k)
        r = np.tan(np.linspace(0, np.arctan(limit), _TABLE))
        with np.errstate(divide='ignore', invalid='ignore'):  # the limit may be a pole
            radial, _ = _radial(k, r * r)
        lens = cls(
            k,
            np.array([p1, p2]),
            np.array([s1, s2, s3, s4]),
            _tilt(tx, ty) if tx or ty else None,
            limit,
            (np.maximum.accumulate(r * radial), r),
        )
        round_about = not (lens.p.any() or lens.s.any())
        return lens if round_about else replace(lens, ends=lens.rises_again())

    def bend(self, x: Matrix, y: Matrix) -> tuple[Matrix, Matrix, tuple[Matrix, ...]]:
        """Return the distorted x and y before the tilt, and the Jacobian (xx, xy, yy, yx)."""
        p1, p2 = self.p
        s1, s2, s3, s4 = self.s
        xy, xx, yy = x * y, x * x, y * y
        r2 = xx + yy
        radial, slope = _radial(self.k, r2)
        prism_x, prism_y = (s1 + s2 * r2) * r2, (s3 + s4 * r2) * r2
        rise_x, rise_y = s1 + 2 * s2 * r2, s3 + 2 * s4 * r2  # d prism / d r2
        bent_x = x * radial + 2 * p1 * xy + p2 * (r2 + 2 * xx) + prism_x
        bent_y = y * radial + p1 * (r2 + 2 * yy) + 2 * p2 * xy + prism_y
        jacobian = (
            radial + 2 * xx * slope + 2 * p1 * y + 6 * p2 * x + 2 * x * rise_x,
            2 * xy * slope + 2 * p1 * x + 2 * p2 * y + 2 * y * rise_x,
            radial + 2 * yy * slope + 6 * p1 * y + 2 * p2 * x + 2 * y * rise_y,
            2 * xy * slope + 2 * p1 * x + 2 * p2 * y + 2 * x * rise_y,
        )
        return bent_x, bent_y, jacobian

    def inside(self, x: Matrix, y: Matrix, jacobian: tuple[Matrix, ...]) -> npt.NDArray[np.bool_]:
        square = x * x + y * y
        inside = _rises(jacobian) & (square <= (self.limit * (1 + 1e-9)) ** 2)
        if self.ends is not None:
            turn = np.arctan2(y, x) * (_DIRECTIONS / (2 * np.pi))
            inside &= square <= self.ends[np.floor(turn).astype(np.intp) % _DIRECTIONS] ** 2
        return inside

    def rises_again(self) -> Matrix | None:
        """
        Return by direction a radius between a fold and where the lens rises again beyond it.

        Point by point such a place looks as if it lay before the fold. None if there is none,
        which is the rule.
        """
        angles = np.arange(_DIRECTIONS)[:, None] * (2 * np.pi / _DIRECTIONS)
        r = np.tan(np.linspace(0, np.arctan(self.limit), _RADII))
        with np.errstate(all='ignore'):  # the limit may be a pole
            rises = _rises(self.bend(r * np.cos(angles), r * np.sin(angles))[2])
        fold = np.argmin(rises, 1)  # 0 where there is none: the middle of every lens rises
        beyond = rises & (np.arange(_RADII) > fold[:, None]) & (fold > 0)[:, None]
        found = beyond.any(1)
        if not found.any():
            return None
        ends = np.where(found, 0.5 * (r[fold] + r[np.argmax(beyond, 1)]), np.inf)
        # What lies between two directions ends where the first of them does.
        return np.minimum(ends, np.roll(ends, -1))

    def distort(self, rays: Matrix) -> Matrix:
        x, y = rays[:, 0], rays[:, 1]
        with np.errstate(all='ignore'):
            bent_x, bent_y, jacobian = self.bend(x, y)
            bent = np.stack([bent_x, bent_y], axis=-1)
            bent[~self.inside(x, y, jacobian)] = np.nan
            return bent if self.tilt is None else _homography(self.tilt, bent)

    def undistort(self, distorted: Matrix) -> Matrix:
        with np.errstate(all='ignore'):
            if self.tilt is not None:
                distorted = _homography(_inverse(self.tilt), distorted)
            u, v = distorted[:, 0], distorted[:, 1]
            # The radial part alone is inverted by table; the rest is small and left to Newton.
            radius = np.hypot(u, v)
            scale = np.where(radius > 0, np.interp(radius, *self.table) / radius, 1.0)
            x, y = u * scale, v * scale
            tolerance = 4e-15 * (1 + radius)
            for _ in range(_STEPS):
                bent_x, bent_y, (xx, xy, yy, yx) = self.bend(x, y)
                ex, ey = bent_x - u, bent_y - v
                determinant = xx * yy - xy * yx
                dx, dy = (yy * ex - xy * ey) / determinant, (xx * ey - yx * ex) / determinant
                # Far steps are cut, so that a bad guess near the fold does not leave the domain.
                cut = np.minimum(1.0, 0.5 * (1 + radius) / np.hypot(dx, dy))
                cut[np.isnan(cut)] = 1.0
                x, y = x - cut * dx, y - cut * dy
                if not np.any(np.maximum(np.abs(ex), np.abs(ey)) > tolerance):
                    break
            bent_x, bent_y, jacobian = self.bend(x, y)
            error = np.maximum(np.abs(bent_x - u), np.abs(bent_y - v))
            found = (error <= 1e-12 * (1 + radius)) & self.inside(x, y, jacobian)
            return np.where(found[:, None], np.stack([x, y], axis=-1), np.nan)


def _rises(jacobian: tuple[Matrix, ...]) -> npt.NDArray[np.bool_]:
    """Return where a map neither mirrors nor turns the image over."""
    xx, xy, yy, yx = jacobian
    return (xx * yy > xy * yx) & (xx + yy > 0)


def _radial(k: Matrix, r2: Matrix) -> tuple[Matrix, Matrix]:
    """Return the radial factor and its derivative by r^2."""
    k1, k2, k3, k4, k5, k6 = k
    top = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    top_slope = k1 + r2 * (2 * k2 + 3 * k3 * r2)
    if not (k4 or k5 or k6):
        return top, top_slope
    bottom = 1 + r2 * (k4 + r2 * (k5 + r2 * k6))
    bottom_slope = k4 + r2 * (2 * k5 + 3 * k6 * r2)
    factor = top / bottom
    return factor, (top_slope - factor * bottom_slope) / bottom


def _radial_limit(k: Matrix) -> float:
    """Return the radius up to which r * factor(r^2) rises and has no pole."""
    top = np.array([1.0, k[0], k[1], k[2]])  # polynomials in q = r^2, lowest power first
    bottom = np.array([1.0, k[3], k[4], k[5]])
    power = np.arange(4)
    # d(r top / bottom) / dr = (top bottom + 2 q (top' bottom - top bottom')) / bottom^2
    slope = np.convolve(top, bottom)
    slope = slope + 2 * np.convolve(top * power, bottom) - 2 * np.convolve(top, bottom * power)
    widest = np.tan(_WIDEST) ** 2
    return float(np.sqrt(min(_first_root(slope, widest), _first_root(bottom, widest))))


def _first_root(coefficients: Matrix, widest: float) -> float:
    """Return the smallest positive real root, lowest power first, or widest if there is none."""
    # Solved for 1 / q, whose largest root is found well however small the last terms are.
    roots = np.roots(coefficients)
    real = roots.real[(np.abs(roots.imag) <= 1e-9 * np.abs(roots)) & (roots.real > 0)]
    return float(1 / real.max(initial=1 / widest))


def _tilt(tx: float, ty: float) -> Matrix:
    """Return the homography of a sensor turned by tx and ty about its x and y axes."""
    cx, sx, cy, sy = np.cos(tx), np.sin(tx), np.cos(ty), np.sin(ty)
    turn = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]]) @ np.array(
        [[1, 0, 0], [0, cx, sx], [0, -sx, cx]]
    )
    onto = np.array(
        [[turn[2, 2], 0, -turn[0, 2]], [0, turn[2, 2], -turn[1, 2]], [0, 0, 1]], np.float64
    )
    return onto @ turn


def _homography(H: Matrix, pairs: Matrix) -> Matrix:
    mapped = pairs @ H[:, :2].T + H[:, 2]
    # Past the horizon of a tilted sensor the image would come back from the other side.
    return mapped[..., :2] / np.where(mapped[..., 2:] > 0, mapped[..., 2:], np.nan)


def _inverse(matrix: Matrix) -> Matrix:
    return np.linalg.inv(matrix).astype(np.float64)


def _apply(affine: Matrix, pairs: Matrix) -> Matrix:
    """Apply the upper two rows of a 3x3 camera matrix."""
    return pairs @ affine[:2, :2].T + affine[:2, 2]


def _pairs(values: npt.ArrayLike, name: str) -> Matrix:
    array = np.asarray(values, np.float64)
    if array.shape[-1:] != (2,):
        raise DepthError(f'{name} have shape {array.shape}, expected (..., 2)')
    return array


def _in_chunks(function: Callable[[Matrix], Matrix], pairs: Matrix) -> Matrix:
    flat = pairs.reshape(-1, 2)
    result = np.empty_like(flat)
    for start in range(0, len(flat), _CHUNK):
        result[start : start + _CHUNK] = function(flat[start : start + _CHUNK])
    return result.reshape(pairs.shape)
