# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The service `~/enable`, where std_srvs is installed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from rclpy.node import Node


def offer_switch(node: Node, name: str, switch: Callable[[bool], None]) -> Any:
    """Return the service `~/<name>` (std_srvs/SetBool); None where std_srvs is not installed."""
    try:
        kind = importlib.import_module('std_srvs.srv').SetBool
    except (ImportError, AttributeError):
        return None

    def answer(request: Any, response: Any) -> Any:
        switch(bool(request.data))
        response.success = True
        response.message = 'on' if request.data else 'off: nothing is computed'
        return response

    return node.create_service(kind, f'~/{name}', answer)
