# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The message classes that are filled here: those of ROS, or plain ones where ROS is absent.

A bag is read, computed and written without ROS; a node never sees the plain classes, because it
needs rclpy, which brings the message packages.
"""

from __future__ import annotations

from typing import Any

try:
    from builtin_interfaces.msg import Time
    from geometry_msgs.msg import PoseStamped
    from sensor_msgs.msg import (
        CameraInfo,
        CompressedImage,
        Image,
        LaserScan,
        PointCloud2,
        PointField,
        Range,
    )
    from std_msgs.msg import Header
    from stereo_msgs.msg import DisparityImage

    ROS_CLASSES = True
except ImportError:
    from depth_ros.messages.plain import (  # type: ignore[assignment]
        CameraInfo,
        CompressedImage,
        DisparityImage,
        Header,
        Image,
        LaserScan,
        PointCloud2,
        PointField,
        PoseStamped,
        Range,
        Time,
    )

    ROS_CLASSES = False

try:
    from nav_msgs.msg import Path
except ImportError:  # not everywhere that the others are
    from depth_ros.messages.plain import Path  # type: ignore[assignment]

__all__ = [
    'ROS_CLASSES',
    'CameraInfo',
    'CompressedImage',
    'DisparityImage',
    'Header',
    'Image',
    'LaserScan',
    'Path',
    'PointCloud2',
    'PointField',
    'PoseStamped',
    'Range',
    'Time',
    'is_ros_class',
    'make_header',
    'type_name',
]


_PACKAGES = {
    Time: 'builtin_interfaces',
    Header: 'std_msgs',
    DisparityImage: 'stereo_msgs',
    PoseStamped: 'geometry_msgs',
    Path: 'nav_msgs',
    **dict.fromkeys((CameraInfo, CompressedImage, Image, LaserScan), 'sensor_msgs'),
    **dict.fromkeys((PointCloud2, PointField, Range), 'sensor_msgs'),
}


def type_name(kind: type) -> str:
    """Return the name of a message class as bags have it, such as sensor_msgs/msg/Image."""
    package = _PACKAGES.get(kind) or kind.__module__.split('.')[0]
    return f'{package}/msg/{kind.__name__}'


def is_ros_class(kind: type) -> bool:
    """Return whether messages of a class can be published."""
    return not kind.__module__.startswith('depth_ros.')


def make_header(stamp_ns: int, frame_id: str) -> Any:
    """Return a Header with a stamp in nanoseconds."""
    sec, nanosec = divmod(stamp_ns, 1_000_000_000)
    return Header(stamp=Time(sec=sec, nanosec=nanosec), frame_id=frame_id)
