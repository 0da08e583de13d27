# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Distance ahead -> sensor_msgs/Range, for safety stops and range layers."""

from __future__ import annotations

from typing import Any

from sensor_msgs.msg import Range

from depth_ros.messages.fast import new_message


def distance_to_range(
    distance: float, field_of_view: float, range_min: float, range_max: float, header: Any
) -> Range:
    """
    Return the message of one distance in metres within a field of view in radians.

    As REP-117 says: +Inf is no obstacle, -Inf is too close to measure, NaN is unknown. The
    radiation type is infrared, the one of the two there are that is light.
    """
    msg = new_message(Range, header)
    msg.radiation_type = Range.INFRARED
    msg.field_of_view = float(field_of_view)
    msg.min_range = float(range_min)
    msg.max_range = float(range_max)
    msg.range = float(distance)
    return msg
