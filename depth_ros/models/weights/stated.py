# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What weights say of themselves, read from their head without any library."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from depth_ros.models.weights.verify import WEIGHTS, folder_named

LARGEST_HEADER = 16 << 20  # bytes


def stated_facts(path: Path) -> dict[str, Any]:
    """Return the metadata of a safetensors file, values out of their JSON; empty where none."""
    try:
        with path.open('rb') as file:
            head = file.read(8)
            length = struct.unpack('<Q', head)[0] if len(head) == 8 else 0
            if not 2 <= length <= LARGEST_HEADER:
                return {}
            metadata = json.loads(file.read(length)).get('__metadata__', {})
        return {str(key): json.loads(value) for key, value in metadata.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def stated_model(folder: str | Path) -> str:
    """Return the catalogue name that the weights in a folder state; empty where none."""
    name = stated_facts(folder_named(str(folder)) / WEIGHTS).get('model', '')
    return name if isinstance(name, str) else ''
