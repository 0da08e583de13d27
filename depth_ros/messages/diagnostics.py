# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Named numbers -> diagnostic_msgs/DiagnosticArray, where that package is installed."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from typing import Any

OK, WARN, ERROR, STALE = range(4)


def message_type() -> Any | None:
    """Return the class of DiagnosticArray; None where diagnostic_msgs is not installed."""
    if importlib.util.find_spec('diagnostic_msgs') is None:
        return None
    return importlib.import_module('diagnostic_msgs.msg').DiagnosticArray


def status_array(
    header: Any, level: int, name: str, message: str, source: str, values: Mapping[str, str]
) -> Any:
    """Return the message of one status; `source` is its hardware_id."""
    classes = importlib.import_module('diagnostic_msgs.msg')
    pairs = [classes.KeyValue(key=key, value=value) for key, value in values.items()]
    status = classes.DiagnosticStatus(
        level=bytes([level]), name=name, message=message, hardware_id=source, values=pairs
    )
    return classes.DiagnosticArray(header=header, status=[status])
