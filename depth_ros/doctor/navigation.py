# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Costmaps and collision monitors, read from the parameters of running nodes.

Defaults are those that Nav2 declares: obstacle_layer.cpp and voxel_layer.cpp of nav2_costmap_2d,
source.cpp and pointcloud.cpp of nav2_collision_monitor; and spatio_temporal_voxel_layer.cpp, whose
sources are read as those of a costmap with other names.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from depth_ros.doctor.seen import Node, Seen

LAYERS = ('::VoxelLayer', '::ObstacleLayer', 'SpatioTemporalVoxelLayer')
SOURCE = {
    'sensor_frame': '',
    'expected_update_rate': 0.0,
    'data_type': 'LaserScan',
    'min_obstacle_height': 0.0,
    'max_obstacle_height': 0.0,
    'marking': True,
    'clearing': False,
    'obstacle_max_range': 2.5,
    'obstacle_min_range': 0.0,
    'raytrace_max_range': 3.0,
    'raytrace_min_range': 0.0,
}
LAYER = {
    'enabled': True,
    'observation_sources': '',
    'min_obstacle_height': 0.0,
    'max_obstacle_height': 2.0,
    'mark_threshold': 0,
    'z_voxels': 10,
    'z_resolution': 0.2,
    'origin_z': 0.0,
}
STVL_SOURCE = {
    'sensor_frame': '',
    'expected_update_rate': 0.0,
    'data_type': 'PointCloud2',
    'min_obstacle_height': 0.0,
    'max_obstacle_height': 3.0,
    'marking': True,
    'clearing': False,
    'obstacle_range': 2.5,
    'min_z': 0.0,
    'max_z': 10.0,
}
STVL_NAMES = {
    'obstacle_max_range': 'obstacle_range',
    'raytrace_min_range': 'min_z',
    'raytrace_max_range': 'max_z',
}
MONITOR = {
    'enabled': True,
    'type': 'scan',
    'min_height': 0.05,
    'max_height': 0.5,
    'min_range': 0.0,
    'use_global_height': False,
}


@dataclass(frozen=True)
class Source:
    """One source of a costmap layer or of a collision monitor."""

    node: str
    name: str  # with its layer: voxel_layer.mark
    topic: str
    values: Mapping[str, Any]
    names: Mapping[str, str] = field(default_factory=dict)  # of values that are called otherwise

    def called(self, name: str) -> str:
        """Return the name of a value in the configuration."""
        return self.names.get(name, name)


@dataclass(frozen=True)
class Layer:
    """An obstacle or voxel layer of one costmap."""

    node: str
    name: str
    voxels: bool
    decays: bool  # what is marked goes by itself
    values: Mapping[str, Any]
    sources: tuple[Source, ...]
    global_frame: str
    base_frame: str


def layers_of(seen: Seen) -> Iterator[Layer]:
    """Yield the layers of every costmap that take observations."""
    for node in seen.nodes.values():
        given = node.parameters
        plugins = given.get('plugins') or []
        for name in plugins if isinstance(plugins, (list, tuple)) else []:
            kind = str(given.get(f'{name}.plugin', ''))
            if not kind.endswith(LAYERS):
                continue
            decays = kind.endswith('SpatioTemporalVoxelLayer')
            values = _values(given, name, LAYER)
            if decays:  # it has no heights of the layer
                values |= {'min_obstacle_height': -math.inf, 'max_obstacle_height': math.inf}
            sources = tuple(
                _stvl(node, f'{name}.{source}')
                if decays
                else _source(node, f'{name}.{source}', SOURCE, source)
                for source in str(values['observation_sources']).split()
            )
            yield Layer(
                node.name,
                name,
                kind.endswith('::VoxelLayer'),
                decays,
                values,
                sources,
                str(given.get('global_frame', 'map')),
                str(given.get('robot_base_frame', 'base_link')),
            )


def monitors_of(seen: Seen) -> Iterator[Source]:
    """Yield the enabled sources of collision monitors; `source_timeout` is among their values."""
    for node in seen.nodes.values():
        given = node.parameters
        names = given.get('observation_sources')
        if not isinstance(names, (list, tuple)) or given.get('source_timeout') is None:
            continue
        for name in names:
            defaults = {**MONITOR, 'source_timeout': given['source_timeout']}
            source = _source(node, str(name), defaults, 'scan')
            if source.values['enabled']:
                yield source


def base_frames(seen: Seen) -> list[str]:
    """Return the frames that costmaps and monitors transform their sources to."""
    frames = [layer.base_frame for layer in layers_of(seen)]
    for source in monitors_of(seen):
        frames.append(
            str(seen.nodes[source.node].parameters.get('base_frame_id', 'base_footprint'))
        )
    return sorted(set(frames))


def _values(given: Mapping[str, Any], prefix: str, defaults: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: given.get(f'{prefix}.{name}') for name in defaults}  # None: declared, not set
    return {name: defaults[name] if value is None else value for name, value in found.items()}


def _source(node: Node, prefix: str, defaults: Mapping[str, Any], topic: str) -> Source:
    values = _values(node.parameters, prefix, defaults)
    topic = str(node.parameters.get(f'{prefix}.topic', topic))
    return Source(node.name, prefix, resolved(topic, node.name), values)


def _stvl(node: Node, prefix: str) -> Source:
    source = _source(node, prefix, STVL_SOURCE, '')
    values = dict(source.values)
    values |= {ours: values[theirs] for ours, theirs in STVL_NAMES.items()}
    return replace(source, values={**values, 'obstacle_min_range': 0.0}, names=STVL_NAMES)


def resolved(topic: str, node: str) -> str:
    """Return the topic that Nav2 subscribes to: relative names are beside the costmap's parent."""
    if topic.startswith('/'):
        return topic
    namespace = node.rsplit('/', 1)[0]  # /local_costmap of /local_costmap/local_costmap
    return f'{namespace.rsplit("/", 1)[0]}/{topic}'
