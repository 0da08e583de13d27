# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The numbers of a navigation configuration that follow from the camera and how it is mounted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from depth_ros.geometry.camera import rectified_camera
from depth_ros.geometry.level_frame import descent, level_quaternion, level_reach
from depth_ros.geometry.uncertainty import SIGMA_DISPARITY
from depth_ros.types import Camera, DepthError, Ground

ALLOWED_ERROR = 0.25  # metres of depth with which an obstacle is still marked where it is
RELATIVE_ERROR = 0.08  # of depth from one view
NEAREST, FARTHEST = 1.5, 6.0  # metres; bounds of the range in which obstacles are marked
Z_VOXELS = 16  # what Nav2's voxels have at most


@dataclass(frozen=True)
class Setup:
    """
    What is known about a robot.

    :param camera: as calibrated; depth is of its rectified image.
    :param height: metres from the floor up to the camera. :param pitch: radians by which it looks
        down. :param roll: radians by which its right side hangs down.
    :param baseline: metres, of a stereo pair; 0 for depth from one view.
    :param robot_height: metres; the robot passes below what is higher.
    :param rate: clouds per second, as measured on the robot.
    :param relative_error: of depth from one view. :param sigma_disparity: pixels, of stereo.
    :param resolution: metres of a cell of the costmap.
    :param optical_frame: of the images. :param base_frame: of the robot.
    :param odom_frame: the global frame of the local costmap.
    """

    camera: Camera
    height: float
    pitch: float = 0.0
    roll: float = 0.0
    baseline: float = 0.0
    robot_height: float = 1.0
    rate: float = 10.0
    relative_error: float = RELATIVE_ERROR
    sigma_disparity: float = SIGMA_DISPARITY
    resolution: float = 0.05
    optical_frame: str = 'camera_optical_frame'
    base_frame: str = 'base_link'
    odom_frame: str = 'odom'

    def __post_init__(self) -> None:
        positive = {
            'the height of the camera': self.height,
            'the height of the robot': self.robot_height,
            'the rate': self.rate,
            'the relative error': self.relative_error,
            'the error of the disparity': self.sigma_disparity,
            'the resolution': self.resolution,
        }
        for name, value in positive.items():
            if not 0 < value < math.inf:
                raise DepthError(f'{name} is {value:g}, expected a positive number')
        if not 0 <= self.baseline < math.inf:
            raise DepthError(
                f'the baseline is {self.baseline:g} m, expected a positive number, or 0 for depth '
                'from one view'
            )
        if not abs(self.pitch) < math.pi / 2:
            raise DepthError(
                f'the camera looks down by {self.pitch:g} rad, expected less than a right angle; '
                'angles are in radians'
            )

    @property
    def node(self) -> str:
        """The node that makes the depth."""
        return 'stereo_depth' if self.baseline else 'mono_depth'

    @property
    def pinhole(self) -> Camera:
        """The camera of the depth image."""
        return rectified_camera(self.camera)

    @property
    def ground(self) -> Ground:
        """The floor below the camera."""
        return Ground.below_mount(self.height, self.pitch, self.roll)

    # -- ranges --------------------------------------------------------------------------------

    @property
    def mark_range(self) -> float:
        """Metres up to which depth is good enough to mark obstacles."""
        if self.baseline:
            at_one = self.sigma_disparity / (self.pinhole.fx * self.baseline)
            far = math.sqrt(ALLOWED_ERROR / at_one)
        else:
            far = ALLOWED_ERROR / self.relative_error
        return round(min(max(far, NEAREST), FARTHEST), 1)

    @property
    def clear_range(self) -> float:
        """Metres up to which Nav2 clears: farther than it marks, or its border never clears."""
        return round(self.mark_range + max(1.0, 0.25 * self.mark_range), 1)

    @property
    def ray_range(self) -> float:
        """Metres at which free rays end: Nav2 stops two cells before that."""
        return round(self.clear_range + 2 * self.resolution + 0.4, 1)

    @property
    def decimation(self) -> int:
        """The largest step between pixels whose rays are no farther apart than a cell."""
        focal = min(self.pinhole.fx, self.pinhole.fy)
        return max(1, math.floor(focal * self.resolution / self.clear_range))

    def error_at(self, depth: float) -> float:
        """Return the standard deviation of depth in metres."""
        if self.baseline:
            return depth**2 * self.sigma_disparity / (self.pinhole.fx * self.baseline)
        return depth * self.relative_error

    # -- what is in view -----------------------------------------------------------------------

    @property
    def field_of_view(self) -> tuple[float, float]:
        """
        Return the horizontal and vertical angle of a frustum that lies within the image.

        Both are centred on the optical axis, as STVL has them: the narrower side counts where the
        principal point is not in the middle. STVL turns the vertical planes about the horizontal
        ones (depth_camera_frustum.cpp, ComputePlaneNormals), so that its frustum is wider than
        the angle it is given, by the cosine of half the vertical angle.
        """
        c = self.pinhole
        across = min(c.cx + 0.5, c.width - 0.5 - c.cx) / c.fx
        down = min(c.cy + 0.5, c.height - 0.5 - c.cy) / c.fy
        if across <= 0 or down <= 0:
            raise DepthError(
                f'the principal point ({c.cx:g}, {c.cy:g}) lies outside the {c.width}x{c.height} '
                'image; correct the calibration'
            )
        vertical = math.atan(down)
        return 2 * math.atan(across * math.cos(vertical)), 2 * vertical

    @property
    def scan_angle(self) -> float:
        """Radians between the outer rays of the middle row, seen from above."""
        forward, left = level_reach(self.pinhole, self._down)
        row = self.pinhole.height // 2
        angles = np.arctan2(left[row], forward[row])
        return float(np.nanmax(angles) - np.nanmin(angles))

    @property
    def floor_from(self) -> float:
        """Horizontal metres ahead at which the image begins to see the floor; inf: nowhere."""
        drop, reach = self._ahead()
        return float(self.height * reach / drop) if drop > 0 else math.inf

    @property
    def whole_from(self) -> float:
        """Horizontal metres from which the image sees as high as the robot is; inf: nowhere."""
        drop, reach = self._ahead(top=True)
        above = self.robot_height - self.height
        if above <= 0:
            return 0.0
        return float(above * reach / -drop) if drop < 0 else math.inf

    def _ahead(self, top: bool = False) -> tuple[float, float]:
        """Return metres down and ahead of the lowest or highest ray of the middle column."""
        forward, left = level_reach(self.pinhole, self._down)
        row, column = 0 if top else -1, self.pinhole.width // 2
        reach = math.hypot(float(forward[row, column]), float(left[row, column]))
        return float(descent(self.pinhole, self.ground)[row, column]), reach

    @property
    def _down(self) -> tuple[float, float, float]:
        x, y, z = self.ground.down.tolist()
        return x, y, z

    # -- the rest ------------------------------------------------------------------------------

    @property
    def z_resolution(self) -> float:
        """Metres of a layer of voxels: the camera and the robot must be below the topmost one."""
        top = max(self.height + 0.2, self.robot_height)
        return math.ceil(top / Z_VOXELS * 40) / 40

    @property
    def source_timeout(self) -> float:
        """Seconds after which a source counts as dead: four clouds, and no less than 0.4 s."""
        return round(max(4 / self.rate, 0.4), 2)

    @property
    def quaternion(self) -> tuple[float, float, float, float]:
        """The level frame of the scan in the optical frame."""
        return level_quaternion(self.ground.down)
