# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Find what is installed beside the code: launch files, parameters, the transport profile."""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys
from pathlib import Path

from depth_ros.types import DepthError

SEGMENT = 64 << 20  # bytes, of the ordinary profile


def share_directory() -> Path:
    """Return the folder with launch/ and config/: a workspace's, pip's, or this checkout."""
    prefixes = [Path(p) for p in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if p]
    candidates = [prefix / 'share' / 'depth_ros' for prefix in [*prefixes, Path(sys.prefix)]]
    # A checkout beats an older copy installed into the same environment, not a workspace.
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / 'package.xml').is_file():
        candidates.insert(len(prefixes), checkout)
    for candidate in candidates:
        if (candidate / 'config').is_dir():
            return candidate
    raise DepthError(
        'the config folder of depth_ros is not installed; expected share/depth_ros in one of '
        f'{", ".join(str(p.parent) for p in candidates)}; install the package again'
    )


def transport_profile() -> Path:
    """
    Return the Fast DDS profile that lets large best-effort messages through.

    A segment that does not fit into /dev/shm would make Fast DDS fall back to UDP without a
    word, so a container with little of it gets the profile with a small segment.
    """
    small = shared_memory() < 2 * SEGMENT
    name = 'fastdds_large_data_small.xml' if small else 'fastdds_large_data.xml'
    return share_directory() / 'config' / name


def shared_memory() -> int:
    """Return the size of /dev/shm in bytes; a large number where it cannot be read."""
    try:
        found = os.statvfs('/dev/shm')
    except OSError:
        return 1 << 40
    return found.f_frsize * found.f_blocks


def segment_size(profile: Path) -> int:
    """Return the bytes of shared memory that each process of a profile takes; 0 if unknown."""
    try:
        found = re.search(r'<segment_size>\s*(\d+)\s*</segment_size>', profile.read_text('utf-8'))
    except (OSError, UnicodeDecodeError):
        return 0
    return int(found[1]) if found else 0


def transport_environment() -> dict[str, str]:
    """
    Return the variable that makes Fast DDS use the transport profile; none where one is chosen.

    Fast DDS 2 (to Jazzy, rclpy 7) reads FASTRTPS_DEFAULT_PROFILES_FILE only; Fast DDS 3 (from
    Kilted, rclpy 9) calls that name deprecated, once in every process.
    """
    old, new = 'FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE'
    if os.environ.get(old) or os.environ.get(new):
        return {}
    try:
        rclpy_major = int(importlib.metadata.version('rclpy').split('.')[0])
    except (importlib.metadata.PackageNotFoundError, ValueError):
        rclpy_major = 0  # unknown: set both, a warning is better than lost images
    profile = str(transport_profile())
    if rclpy_major == 0:
        return {old: profile, new: profile}
    return {new if rclpy_major >= 8 else old: profile}


def missing_profile(middleware: str) -> str:
    """Return the variables that would make the transport of this process pass images, or ''."""
    if 'fastrtps' not in middleware:
        return ''
    if os.environ.get('FASTDDS_BUILTIN_TRANSPORTS') in ('LARGE_DATA', 'LARGE_DATAv6'):
        return ''
    return ' and '.join(transport_environment())


def ros_environment(**extra: str) -> dict[str, str]:
    """
    Return an environment for a ROS process of this Python, with the transport profile set.

    A profile that is already chosen stays. The wheels of ROS find their libraries by starting
    Python anew; the mark of that must not be inherited by another environment's Python.
    """
    environment = {**os.environ, **transport_environment()}
    if environment.pop('_ROS_WHEELS_BOOTSTRAP_COMPLETE', None):
        environment.pop('LD_LIBRARY_PATH', None)
    environment.update(extra)
    return environment
