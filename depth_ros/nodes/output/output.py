# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What a topic of a node is: its message, how a frame becomes one, and its own parameters.

Each module of this room that defines OUTPUT is one topic. Nothing here imports rclpy, so that
documentation, tools without ROS nodes and tests use the same outputs as the nodes.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from depth_ros.nodes import output as package
from depth_ros.nodes.parameters.spec import ParameterSpec, Value
from depth_ros.pipeline import DepthFrame


def _nothing(values: Mapping[str, Value]) -> Any:
    return None


@dataclass(frozen=True)
class Output:
    """
    One topic below the node's name.

    :param build: makes the message from a frame, the header of its image and what `prepare`
        returned; None where this frame has nothing for the topic.
    :param absent: the warning for such a frame; empty for none.
    :param views: the nodes that have it, by the number of views of their models.
    :param prepare: turns the parameter values into what `build` takes, once per change; raises
        DepthError for values that cannot go together.
    :param max_rate: the parameter that limits the rate in Hz; empty where none does.
    """

    topic: str
    message: type
    build: Callable[[DepthFrame, Any, Any], Any]
    description: str
    absent: str = ''
    views: tuple[int, ...] = (0, 1, 2)
    parameters: tuple[ParameterSpec, ...] = ()
    prepare: Callable[[Mapping[str, Value]], Any] = _nothing
    max_rate: str = ''


@functools.cache
def all_outputs() -> tuple[Output, ...]:
    """Return every output, in the order of their topics."""
    found = []
    for name in sorted(m.name for m in pkgutil.iter_modules(package.__path__)):
        output = getattr(importlib.import_module(f'{package.__name__}.{name}'), 'OUTPUT', None)
        if isinstance(output, Output):
            found.append(output)
    return tuple(sorted(found, key=lambda output: output.topic))


def outputs_of(views: int) -> tuple[Output, ...]:
    """Return the outputs of the node whose models take this number of views."""
    return tuple(output for output in all_outputs() if views in output.views)
