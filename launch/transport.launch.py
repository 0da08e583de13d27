# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Give everything that is launched after this the transport for large messages.

Include it first in the launch file that starts the camera driver: the driver sends the images,
so it is the driver that needs the room for them (docs/transport.md).
"""

from typing import Any

from depth_ros.files.share import transport_environment


def generate_launch_description() -> Any:
    """Set the variable of Fast DDS, unless a profile is chosen already."""
    from launch import LaunchDescription
    from launch.actions import SetEnvironmentVariable

    return LaunchDescription(
        [SetEnvironmentVariable(name, value) for name, value in transport_environment().items()]
    )
