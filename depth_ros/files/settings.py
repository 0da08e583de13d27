# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Settings that lie beside another file, as YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from depth_ros.types import DepthError

_LARGEST = 1 << 16  # bytes


def read_settings(path: Path) -> dict[str, Any]:
    """Return the names and values in a small YAML file."""
    try:
        if path.stat().st_size > _LARGEST:
            raise DepthError(f'{path} is larger than settings are, expected at most 64 KiB')
        values = yaml.safe_load(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise DepthError(f'{path} cannot be read ({error.strerror}); check the name') from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DepthError(f'{path} is not YAML: {str(error).splitlines()[0]}') from error
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise DepthError(f'{path} holds {type(values).__name__}, expected names with values')
    return values
