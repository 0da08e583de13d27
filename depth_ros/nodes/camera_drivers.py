# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What the launch files of camera drivers share: from the topics of a driver to the nodes' arguments.

A launch file of a driver is one Driver. It starts mono_depth or stereo_depth with the arguments of
their own launch files; the topics of the driver are the defaults. `launch` is imported inside the
functions.
"""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from depth_ros.files.share import share_directory
from depth_ros.nodes.launching import COMMON, Arguments, processes, refuse_unknown
from depth_ros.types import DepthError

NODES = {'mono': 'mono_depth', 'stereo': 'stereo_depth'}


@dataclass(frozen=True)
class Driver:
    """
    The image topics of a camera driver.

    :param camera: what stands before all its topics: its namespace and the name of its node.
    :param topics: by `mono` or `stereo`, launch argument of that node -> topic below the camera.
    :param encodings: of the images, as the driver sends them; the usual one first.
    :param parameters: of the node, where the driver needs others than the defaults.
    """

    camera: str
    topics: Mapping[str, Mapping[str, str]]
    encodings: Mapping[str, tuple[str, ...]]
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def views(self) -> tuple[str, ...]:
        """Return what it can be used for, the usual one first."""
        return tuple(self.topics)


def tables_of(views: str) -> dict[str, Any]:
    """Return the tables of the launch file of mono_depth or stereo_depth."""
    return runpy.run_path(str(share_directory() / 'launch' / f'{views}.launch.py'))


def arguments_of(driver: Driver) -> Arguments:
    """Return the launch arguments of a driver; an empty topic is that of the driver."""
    own = {
        'views': (driver.views[0], f'what to compute depth from: {" or ".join(driver.views)}'),
        'camera': (driver.camera, 'what stands before the topics of the driver'),
        'name': ('', 'name of the node; empty: mono_depth or stereo_depth'),
    }
    topics: dict[str, tuple[str, str]] = {}
    for views in driver.views:
        tables = tables_of(views)
        for key, (_, meaning) in {**tables['INPUTS'], **tables['OUTPUTS']}.items():
            topics.setdefault(key, ('', meaning))
    return {**own, **COMMON, **topics}


def resolve(driver: Driver, given: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return the node to start, and the arguments of its own launch file."""
    views = given['views']
    if views not in driver.topics:
        raise DepthError(f'views:={views}, expected {" or ".join(driver.views)}')
    tables = tables_of(views)
    defaults = {
        k: default for k, (default, _) in {**tables['INPUTS'], **tables['OUTPUTS']}.items()
    }
    prefix = given['camera'].rstrip('/')
    defaults |= {key: f'{prefix}/{topic}' for key, topic in driver.topics[views].items()}
    values = {key: given.get(key) or default for key, default in defaults.items()}
    common = {key: given[key] for key in COMMON}
    return NODES[views], {**common, 'name': given['name'] or NODES[views], **values}


def describe_camera(driver: Driver) -> Any:
    """Return the launch description of the node for a driver."""
    from launch import LaunchDescription
    from launch.actions import DeclareLaunchArgument, OpaqueFunction

    arguments = arguments_of(driver)

    def start(context: Any) -> list[Any]:
        refuse_unknown(context, arguments)
        given = {key: context.launch_configurations[key] for key in arguments}
        node, values = resolve(driver, given)
        remaps = tables_of(given['views'])['REMAPS']
        return processes(node, values, remaps, driver.parameters)

    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(key, default_value=default, description=meaning)
                for key, (default, meaning) in arguments.items()
            ),
            OpaqueFunction(function=start),
        ]
    )
