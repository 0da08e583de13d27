# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Scan -> sensor_msgs/LaserScan.

REP-117: +Inf is free up to range_max, -Inf is too close to measure, NaN is unknown. Nav2 clears
along +Inf beams only with `inf_is_valid`, and up to range_max then.
"""

from __future__ import annotations

import array
from typing import Any, Literal

import numpy as np
from sensor_msgs.msg import LaserScan

from depth_ros.geometry.laser_scan import Scan
from depth_ros.messages.fast import new_message
from depth_ros.types import DepthError

_UNKNOWN = {'nan': np.float32(np.nan), 'inf': np.float32(np.inf)}


def scan_to_laser_scan(
    scan: Scan, header: Any, unknown: Literal['nan', 'inf'] = 'nan', period: float = 0.0
) -> LaserScan:
    """
    Return the message; its header must name the level frame of the scan.

    :param unknown: what beams of which nothing is known hold: 'nan', or 'inf' for consumers that
        take every beam without an obstacle as free.
    :param period: seconds from one scan to the next, 0 where it is not known.
    """
    if unknown not in _UNKNOWN:
        raise DepthError(f'unknown beams are to be {unknown!r}, expected nan or inf')
    ranges = scan.ranges
    if unknown != 'nan':
        ranges = np.where(np.isnan(ranges), _UNKNOWN[unknown], ranges)
    msg = new_message(LaserScan, header)
    msg.angle_min = float(scan.angle_min)
    msg.angle_increment = float(scan.angle_increment)
    msg.angle_max = msg.angle_min + msg.angle_increment * max(len(ranges) - 1, 0)
    msg.time_increment = 0.0  # all beams are of one image
    msg.scan_time = float(period)
    msg.range_min = float(scan.range_min)
    msg.range_max = float(scan.range_max)
    msg.ranges = array.array('f', ranges.astype(np.float32).tobytes())
    return msg
