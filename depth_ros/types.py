# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The nouns of the package: a Camera, a View through it, and a Prediction that knows its meaning.

Everything here is immutable and needs nothing but NumPy.
"""

from __future__ import annotations

import enum
import math
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

FloatImage = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]
Matrix = npt.NDArray[np.float64]


class DepthError(ValueError):
    """An input cannot be used; the message says what was expected, what came, what to do."""


def quoted(value: object, limit: int = 80) -> str:
    """
    Return a value as an error shows it: at most `limit` characters, and in time that is bounded.

    What is quoted may be an image, a text of megabytes, or a list that contains itself many times
    over, of which `repr` would make gigabytes.
    """
    if isinstance(value, str) and len(value) > limit - 2:
        value = value[: limit - 5] + '...'
    brief = reprlib.Repr()
    brief.maxlevel, brief.maxother, brief.maxstring = 3, limit, limit
    try:
        text = brief.repr(value)
    except Exception:  # an integer of ten thousand digits, or a repr of its own that fails
        text = f'a value of type {type(value).__name__}'
    return text if len(text) <= limit else text[: limit - 3] + '...'


class DepthKind(enum.Enum):
    """What the numbers of a Prediction mean."""

    METRIC = 'metric'
    """Z along the optical axis, in metres."""
    SCALE_INVARIANT = 'scale_invariant'
    """Z up to one unknown positive factor."""
    AFFINE_INVERSE = 'affine_inverse'
    """a / Z + b with unknown a > 0 and b: larger is nearer, nothing else is known."""
    DISPARITY = 'disparity'
    """Pixels, x_left - x_right - (cx_left - cx_right), of a rectified pair: Z = f * B / d."""

    @property
    def unit(self) -> str:
        return {'metric': 'm', 'disparity': 'px'}.get(self.value, 'relative')


class Distortion(enum.Enum):
    """Lens models, by the names that sensor_msgs/CameraInfo uses."""

    NONE = ''
    PLUMB_BOB = 'plumb_bob'
    RATIONAL = 'rational_polynomial'
    EQUIDISTANT = 'equidistant'


def _frozen(values: npt.ArrayLike, shape: tuple[int, ...] | None, name: str) -> Matrix:
    array = np.array(values, dtype=np.float64)
    if shape is not None:
        if array.size != np.prod(shape):
            raise DepthError(
                f'{name} has {array.size} numbers, {int(np.prod(shape))} were expected; '
                'check the calibration'
            )
        array = array.reshape(shape)
    if not np.isfinite(array).all():
        raise DepthError(f'{name} holds NaN or infinity; calibrate the camera again')
    array.flags.writeable = False
    return array


# Bounds beyond which numbers are no calibration of an image; inside, every crop and padding fits.
_FOCAL_RANGE = (1e-3, 1e5)  # in widths or heights of the image
_FARTHEST = 1e5  # widths or heights that the principal point may lie beside the image
_LARGEST_COEFFICIENT = 1e8


def _check_pinhole(name: str, matrix: Matrix, size_wh: tuple[int, int]) -> None:
    """Refuse a K or P whose numbers cannot belong to an image of this size."""
    if matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
        raise DepthError(
            f'{name} has focal length ({matrix[0, 0]:g}, {matrix[1, 1]:g}) px, it must be '
            'positive: the camera is not calibrated; run camera_calibration'
        )
    if not np.array_equal(matrix[2, :3], (0, 0, 1)):
        row = ' '.join(f'{value:g}' for value in matrix[2, :3])
        raise DepthError(
            f'{name} ends with the row {row}, expected 0 0 1; correct the calibration'
        )
    low, high = _FOCAL_RANGE
    for axis, (side, word) in enumerate(zip(size_wh, ('wide', 'high'))):
        focal = float(matrix[axis, axis])
        if not low <= focal / side <= high:
            raise DepthError(
                f'{name} has a focal length of {focal:g} px for an image {side} px {word}, '
                f'expected {low * side:g} to {high * side:g}; calibrate the camera'
            )
        for column, limit in ((1 - axis, high * side), (2, _FARTHEST * side), (3, 1e6 * focal)):
            if column < matrix.shape[1] and abs(matrix[axis, column]) > limit:
                raise DepthError(
                    f'{name}[{axis}][{column}] is {matrix[axis, column]:g}, expected at most '
                    f'{limit:g} for an image {side} px {word}; calibrate the camera'
                )
    area = matrix[0, 0] * matrix[1, 1]
    if abs(matrix[0, 1] * matrix[1, 0]) > 0.5 * area:
        raise DepthError(
            f'{name} maps the image onto a line, expected focal lengths on its diagonal and 0 '
            'beside it; calibrate the camera'
        )


def _check_rotation(R: Matrix) -> None:
    error = float(np.abs(R @ R.T - np.eye(3)).max())
    if not error <= 1e-3 or np.linalg.det(R) < 0:
        raise DepthError(
            f'R is not a rotation (off by {error:.3g}), expected the rectification matrix, or '
            'identity; calibrate the camera again'
        )


@dataclass(frozen=True, eq=False)
class Camera:
    """
    The calibration of one image: exactly width x height pixels, no binning, no ROI left to apply.

    K and D describe the raw image; R and P take it to the rectified one. An image that is
    already rectified has no distortion, R = identity and K = P[:, :3]. P[0, 3] = -fx * baseline
    on the right camera of a pair. Pixel centres have integer coordinates.
    """

    width: int
    height: int
    K: Matrix
    D: Matrix = field(default_factory=lambda: np.zeros(0))
    distortion: Distortion = Distortion.NONE
    R: Matrix = field(default_factory=lambda: np.eye(3))
    P: Matrix | None = None  # None: the raw pinhole, [K | 0]

    def __post_init__(self) -> None:
        if self.width <= 0 or self.height <= 0:
            raise DepthError(
                f'camera size is {self.width}x{self.height}, both must be positive; '
                'set width and height in the calibration'
            )
        K = _frozen(self.K, (3, 3), 'K')
        P = _frozen(np.hstack([K, np.zeros((3, 1))]) if self.P is None else self.P, (3, 4), 'P')
        R, D = _frozen(self.R, (3, 3), 'R'), _frozen(self.D, None, 'D').ravel()
        for name, matrix in (('K', K), ('P', P)):
            _check_pinhole(name, matrix, self.size_wh)
        _check_rotation(R)
        if np.abs(D).max(initial=0) > _LARGEST_COEFFICIENT:
            raise DepthError(
                f'D holds {D[np.argmax(np.abs(D))]:g}, expected lens coefficients of at most '
                f'{_LARGEST_COEFFICIENT:g}; calibrate the camera again'
            )
        for name, array in (('K', K), ('P', P), ('R', R), ('D', D)):
            object.__setattr__(self, name, array)

    @classmethod
    def pinhole(
        cls,
        width: int,
        height: int,
        fx: float,
        fy: float | None = None,
        cx: float | None = None,
        cy: float | None = None,
        baseline: float = 0.0,
    ) -> Camera:
        """
        Return an undistorted, rectified camera; the principal point defaults to the centre.

        A baseline in metres makes it the right eye of a pair: P[0, 3] = -fx * baseline.
        """
        fy = fx if fy is None else fy
        cx = (width - 1) / 2 if cx is None else cx
        cy = (height - 1) / 2 if cy is None else cy
        K = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], np.float64)
        P = np.hstack([K, np.array([[-fx * baseline], [0], [0]])])
        return cls(width, height, K, P=P)

    @property
    def projection(self) -> Matrix:
        """P, which __post_init__ always sets."""
        assert self.P is not None
        return self.P

    @property
    def fx(self) -> float:
        return float(self.K[0, 0])

    @property
    def fy(self) -> float:
        return float(self.K[1, 1])

    @property
    def cx(self) -> float:
        return float(self.K[0, 2])

    @property
    def cy(self) -> float:
        return float(self.K[1, 2])

    @property
    def baseline(self) -> float:
        """Metres to the left eye, from P: positive on a right camera, zero on others."""
        return float(-self.projection[0, 3] / self.projection[0, 0])

    @property
    def size_wh(self) -> tuple[int, int]:
        return self.width, self.height

    @property
    def is_distorted(self) -> bool:
        # Zero coefficients are no distortion for the polynomial models, but an equidistant lens
        # with zero coefficients still is a fisheye.
        return self.distortion is Distortion.EQUIDISTANT or bool(np.any(self.D))

    @property
    def key(self) -> bytes:
        """Equal for equal cameras: what depends only on the camera is cached by it."""
        head = f'{self.width} {self.height} {self.distortion.value}'.encode()
        arrays = (self.K, self.D, self.R, self.projection)
        return head + b''.join(a.tobytes() for a in arrays)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Camera) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@dataclass(frozen=True, eq=False)
class Ground:
    """
    The level ground below a camera: where down is, and how far it is to there.

    `down` is a unit vector in the optical frame (x right, y down, z forward).
    """

    down: Matrix
    height: float  # metres, along `down`

    def __post_init__(self) -> None:
        down = _frozen(self.down, (3,), 'the direction down')
        if not abs(np.linalg.norm(down) - 1) < 1e-3:
            raise DepthError(
                f'down is ({down[0]:g}, {down[1]:g}, {down[2]:g}), expected a vector of length 1'
            )
        if not 0 < self.height < math.inf:
            raise DepthError(
                f'the camera is {self.height:g} m above the ground, expected more than 0'
            )
        object.__setattr__(self, 'down', down)

    @classmethod
    def below_mount(cls, height: float, pitch: float = 0.0, roll: float = 0.0) -> Ground:
        """
        Return what is below a camera that is mounted like this.

        The angles are those of REP-103, as in a URDF: radians by which the camera looks down,
        and by which its right side hangs down.
        """
        level = math.cos(pitch)
        down = (level * math.sin(roll), level * math.cos(roll), math.sin(pitch))
        return cls(np.array(down), height)

    @classmethod
    def below_pose(cls, pose: Matrix) -> Ground | None:
        """Return what is below a camera-to-world pose, if that is one above the world's z = 0."""
        height, length = float(pose[2, 3]), float(np.linalg.norm(pose[2, :3]))
        if not (0 < height < math.inf and abs(length - 1) < 0.05):
            return None
        return cls(-pose[2, :3] / length, height)  # files hold rounded numbers


@dataclass(frozen=True, eq=False)
class Known:
    """What is known about a view beside its image; None where it is not known."""

    pose: Matrix | None = None
    """4x4 camera-to-world."""
    ground: Ground | None = None
    depth: FloatImage | None = None
    """Measured metres of the same view, at any resolution; NaN where nothing was measured."""
    camera: bool = True
    """Whether the camera of the view is its own; False where its intrinsics are assumed."""

    def __post_init__(self) -> None:
        if self.pose is not None:
            object.__setattr__(self, 'pose', _frozen(self.pose, (4, 4), 'the pose'))
        if self.depth is not None and self.depth.ndim != 2:
            raise DepthError(
                f'known depth has shape {self.depth.shape}, expected height x width in metres'
            )


NOTHING_KNOWN = Known()


@dataclass(frozen=True, eq=False)
class View:
    """One image and the camera that took it: uint8, HxWx3 RGB or HxW grey."""

    image: Image
    camera: Camera
    known: Known = NOTHING_KNOWN

    def __post_init__(self) -> None:
        if self.image.dtype != np.uint8 or self.image.ndim not in (2, 3):
            raise DepthError(
                f'image is {self.image.dtype} with shape {self.image.shape}; '
                'expected uint8 HxW or HxWx3; convert it first'
            )
        if self.image.ndim == 3 and self.image.shape[2] != 3:
            raise DepthError(
                f'image has {self.image.shape[2]} channels, expected 3 (RGB); convert it first'
            )
        if self.image.shape[:2] != (self.camera.height, self.camera.width):
            raise DepthError(
                f'image is {self.image.shape[1]}x{self.image.shape[0]} but its camera is '
                f'{self.camera.width}x{self.camera.height}; publish a matching camera_info'
            )

    @property
    def rgb(self) -> Image:
        """The image as HxWx3, also where it is grey."""
        if self.image.ndim == 3:
            return self.image
        return np.repeat(self.image[..., None], 3, axis=2)


@dataclass(frozen=True, eq=False)
class Prediction:
    """
    What a model predicts for one view, and what the numbers mean.

    values is float32 HxW at the size of `camera`. Metric depth follows REP-117 (NaN missing,
    +Inf beyond range or sky, -Inf too close); a disparity of NaN is no match, 0 is infinitely
    far; relative kinds hold NaN where nothing is known.
    """

    kind: DepthKind
    values: FloatImage
    camera: Camera
    """The camera of `values`; a model that estimates intrinsics returns its own here."""
    model: str = ''
    confidence: FloatImage | None = None  # 0..1, HxW
    baseline: float = 0.0  # metres; disparity only
    focal: float = 0.0  # pixels of this image; disparity only
    disparity_range: tuple[float, float] | None = None  # smallest and largest the search allows
    pose: Matrix | None = None
    """4x4 camera-to-world that a multi-view model estimated, in the scale of `values`."""
    views: tuple[Prediction, ...] = ()
    """One prediction per view, in the order given; empty where the model predicts one only."""
    image: Image | None = None
    """The image of these pixels, where they are a part of the view; None is the whole view."""
    carry: Any = None
    """What the model takes back with the next frame of the same camera (a warm start)."""
    timings: Mapping[str, float] = field(default_factory=dict)  # seconds per stage

    def __post_init__(self) -> None:
        expected = (self.camera.height, self.camera.width)
        if self.values.shape != expected or self.values.dtype != np.float32:
            raise DepthError(
                f'prediction is {self.values.dtype} {self.values.shape}, '
                f'expected float32 {expected}; the model {quoted(self.model)} broke its contract'
            )
        if self.confidence is not None and self.confidence.shape != expected:
            raise DepthError(
                f'confidence has shape {self.confidence.shape}, expected {expected}; '
                f'the model {quoted(self.model)} broke its contract'
            )
        if self.pose is not None:
            object.__setattr__(self, 'pose', _frozen(self.pose, (4, 4), 'the pose'))
        object.__setattr__(self, 'timings', MappingProxyType(dict(self.timings)))

    @property
    def is_metric(self) -> bool:
        """True where metres follow without any further knowledge."""
        if self.kind is DepthKind.DISPARITY:
            return self.baseline > 0 and self.focal > 0
        return self.kind is DepthKind.METRIC
