# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The messages that are made here, as plain classes, for a Python without ROS message packages.

Fields, their order and their defaults are those of the message definitions.
"""

from __future__ import annotations

import array
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt


def _no_bytes() -> array.array[int]:
    return array.array('B')


@dataclass(slots=True)
class Time:
    """builtin_interfaces/Time."""

    sec: int = 0
    nanosec: int = 0


@dataclass(slots=True)
class Header:
    """std_msgs/Header."""

    stamp: Time = field(default_factory=Time)
    frame_id: str = ''


@dataclass(slots=True)
class Image:
    """sensor_msgs/Image."""

    header: Header = field(default_factory=Header)
    height: int = 0
    width: int = 0
    encoding: str = ''
    is_bigendian: int = 0
    step: int = 0
    data: Any = field(default_factory=_no_bytes)


@dataclass(slots=True)
class RegionOfInterest:
    """sensor_msgs/RegionOfInterest."""

    x_offset: int = 0
    y_offset: int = 0
    height: int = 0
    width: int = 0
    do_rectify: bool = False


@dataclass(slots=True)
class CameraInfo:
    """sensor_msgs/CameraInfo."""

    header: Header = field(default_factory=Header)
    height: int = 0
    width: int = 0
    distortion_model: str = ''
    d: Any = field(default_factory=list)
    k: npt.NDArray[np.float64] = field(default_factory=partial(np.zeros, 9))
    r: npt.NDArray[np.float64] = field(default_factory=partial(np.zeros, 9))
    p: npt.NDArray[np.float64] = field(default_factory=partial(np.zeros, 12))
    binning_x: int = 0
    binning_y: int = 0
    roi: RegionOfInterest = field(default_factory=RegionOfInterest)


@dataclass(slots=True)
class PointField:
    """sensor_msgs/PointField."""

    INT8: ClassVar[int] = 1
    UINT8: ClassVar[int] = 2
    INT16: ClassVar[int] = 3
    UINT16: ClassVar[int] = 4
    INT32: ClassVar[int] = 5
    UINT32: ClassVar[int] = 6
    FLOAT32: ClassVar[int] = 7
    FLOAT64: ClassVar[int] = 8

    name: str = ''
    offset: int = 0
    datatype: int = 0
    count: int = 0


@dataclass(slots=True)
class PointCloud2:
    """sensor_msgs/PointCloud2."""

    header: Header = field(default_factory=Header)
    height: int = 0
    width: int = 0
    fields: Any = field(default_factory=list)
    is_bigendian: bool = False
    point_step: int = 0
    row_step: int = 0
    data: Any = field(default_factory=_no_bytes)
    is_dense: bool = False


@dataclass(slots=True)
class DisparityImage:
    """stereo_msgs/DisparityImage."""

    header: Header = field(default_factory=Header)
    image: Image = field(default_factory=Image)
    f: float = 0.0
    t: float = 0.0
    valid_window: RegionOfInterest = field(default_factory=RegionOfInterest)
    min_disparity: float = 0.0
    max_disparity: float = 0.0
    delta_d: float = 0.0


@dataclass(slots=True)
class CompressedImage:
    """sensor_msgs/CompressedImage."""

    header: Header = field(default_factory=Header)
    format: str = ''
    data: Any = field(default_factory=_no_bytes)


@dataclass(slots=True)
class LaserScan:
    """sensor_msgs/LaserScan."""

    header: Header = field(default_factory=Header)
    angle_min: float = 0.0
    angle_max: float = 0.0
    angle_increment: float = 0.0
    time_increment: float = 0.0
    scan_time: float = 0.0
    range_min: float = 0.0
    range_max: float = 0.0
    ranges: Any = field(default_factory=list)
    intensities: Any = field(default_factory=list)


@dataclass(slots=True)
class Range:
    """sensor_msgs/Range."""

    ULTRASOUND: ClassVar[int] = 0
    INFRARED: ClassVar[int] = 1

    header: Header = field(default_factory=Header)
    radiation_type: int = 0
    field_of_view: float = 0.0
    min_range: float = 0.0
    max_range: float = 0.0
    range: float = 0.0
    variance: float = 0.0


@dataclass(slots=True)
class Point:
    """geometry_msgs/Point."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0


@dataclass(slots=True)
class Quaternion:
    """geometry_msgs/Quaternion."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    w: float = 1.0


@dataclass(slots=True)
class Pose:
    """geometry_msgs/Pose."""

    position: Point = field(default_factory=Point)
    orientation: Quaternion = field(default_factory=Quaternion)


@dataclass(slots=True)
class PoseStamped:
    """geometry_msgs/PoseStamped."""

    header: Header = field(default_factory=Header)
    pose: Pose = field(default_factory=Pose)


@dataclass(slots=True)
class Path:
    """nav_msgs/Path."""

    header: Header = field(default_factory=Header)
    poses: Any = field(default_factory=list)
