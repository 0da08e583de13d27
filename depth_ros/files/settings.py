# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Settings that lie beside another file, as YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from depth_ros.files.reading import read_yaml
from depth_ros.types import DepthError


def read_settings(path: Path) -> dict[str, Any]:
    """Return the names and values in a small YAML file."""
    values = read_yaml(path, 'check the name and the file')
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise DepthError(f'{path} holds {type(values).__name__}, expected names with values')
    return values
