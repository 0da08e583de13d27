# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Find what is installed beside the code: launch files, parameters, the transport profile."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from depth_ros.types import DepthError


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
    """Return the Fast DDS profile that lets large best-effort messages through."""
    return share_directory() / 'config' / 'fastdds_large_data.xml'


def ros_environment(**extra: str) -> dict[str, str]:
    """
    Return an environment for a ROS process of this Python, with the transport profile set.

    A profile that is already chosen stays. The wheels of ROS find their libraries by starting
    Python anew; the mark of that must not be inherited by another environment's Python.
    """
    environment = dict(os.environ)
    environment.setdefault('FASTDDS_DEFAULT_PROFILES_FILE', str(transport_profile()))
    if environment.pop('_ROS_WHEELS_BOOTSTRAP_COMPLETE', None):
        environment.pop('LD_LIBRARY_PATH', None)
    environment.update(extra)
    return environment
