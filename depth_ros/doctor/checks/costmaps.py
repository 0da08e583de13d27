# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Costmaps that stay empty or never clear: parameters that drop every point."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from depth_ros.doctor.checks.inputs import alike
from depth_ros.doctor.finding import Finding, error, warning
from depth_ros.doctor.navigation import Layer, Source, layers_of
from depth_ros.doctor.seen import CLOUD, SCAN, Seen
from depth_ros.geometry.poses import transformed
from depth_ros.messages.cloud import cloud_to_points
from depth_ros.types import DepthError, Matrix

Points = npt.NDArray[np.float64]


def check(seen: Seen) -> Iterator[Finding]:
    """Yield what keeps the points of sources out of their costmaps."""
    for layer in layers_of(seen):
        where = f'{layer.node} {layer.name}'
        if not layer.values['enabled']:
            yield warning(
                'costmap_disabled', f'{where} has enabled: false, it marks nothing; set it to true'
            )
            continue
        if not layer.sources:
            yield error(
                'costmap_sources',
                f'{where} has no observation_sources, it marks nothing; name its sources there',
            )
        threshold = int(layer.values['mark_threshold'])
        if layer.voxels and threshold > 0:
            yield warning(
                'costmap_threshold',
                f'{where} has mark_threshold {threshold}: an obstacle within {threshold} voxel(s) '
                'of a column is never marked; set it to 0',
            )
        for source in layer.sources:
            yield from _source(seen, layer, source)
        if not layer.decays:
            yield from _clearing(layer)


def _source(seen: Seen, layer: Layer, source: Source) -> Iterator[Finding]:
    where, values = f'{source.node} {source.name}', source.values
    topic = seen.topic(source.topic)
    kinds = {'PointCloud2': CLOUD, 'LaserScan': SCAN}
    kind = kinds.get(str(values['data_type']))
    offered = sorted({end.type for end in topic.publishers})
    if kind is None:
        yield error(
            'costmap_type',
            f'{where}.data_type is {values["data_type"]!r}, expected PointCloud2 or LaserScan',
        )
        return
    if not offered:
        yield error(
            'costmap_topic',
            f'{where} reads {source.topic}, which has no publisher, so nothing is marked or '
            f'cleared; correct its topic{alike(seen, source.topic, kind)}',
        )
    elif kind not in offered:
        yield error(
            'costmap_type',
            f'{where} has data_type {values["data_type"]} (LaserScan where it is not set) and '
            f'{source.topic} carries {offered[0]}; set data_type',
        )
    if not (values['marking'] or values['clearing']):
        yield error(
            'costmap_disabled',
            f'{where} has marking and clearing false, it is for nothing; set one',
        )
    yield from _frame(seen, layer, source)
    wrong = list(_numbers(layer, source))
    yield from wrong
    if not wrong and kind == CLOUD:
        yield from _points(seen, layer, source)


def _frame(seen: Seen, layer: Layer, source: Source) -> Iterator[Finding]:
    frame = str(source.values['sensor_frame'])
    if not frame or not seen.reads_tf or seen.tree.pose(frame, layer.global_frame) is not None:
        return
    state = 'is not connected with' if frame in seen.tree else 'is not in TF, nor its pose in'
    yield error(
        'costmap_frame',
        f'{source.node} {source.name}.sensor_frame is {frame!r}, which {state} '
        f'{layer.global_frame!r}, so every message is dropped; leave sensor_frame empty to use '
        'the frame of the message',
    )


def _numbers(layer: Layer, source: Source) -> Iterator[Finding]:
    """Yield bands and ranges that hold nothing."""
    where, values = f'{source.node} {source.name}', source.values
    low, high = float(values['min_obstacle_height']), float(values['max_obstacle_height'])
    if high <= low:
        yield error(
            'costmap_heights',
            f'{where} keeps heights from {low:g} to {high:g} m, that is no point; set '
            'max_obstacle_height of the source (its default is 0)',
        )
    elif values['marking']:
        bottom = float(layer.values['min_obstacle_height'])
        top = float(layer.values['max_obstacle_height'])
        if max(low, bottom) >= min(high, top):
            yield error(
                'costmap_heights',
                f'{where} keeps heights from {low:g} to {high:g} m and its layer from {bottom:g} '
                f'to {top:g} m, no point is in both; let the bands overlap',
            )
    for use, kind in (('marking', 'obstacle'), ('clearing', 'raytrace')):
        near, far = float(values[f'{kind}_min_range']), float(values[f'{kind}_max_range'])
        if values[use] and far <= near:
            yield error(
                'costmap_ranges',
                f'{where} has {source.called(f"{kind}_min_range")} {near:g} and '
                f'{source.called(f"{kind}_max_range")} {far:g} m, no point is between; raise the '
                'latter',
            )


def _points(seen: Seen, layer: Layer, source: Source) -> Iterator[Finding]:
    """Yield where a cloud that did arrive has no point that passes."""
    received = seen.topic(source.topic).received
    if received is None or not received.messages:
        return
    pose = seen.tree.pose(received.frame, layer.global_frame)
    if pose is None:
        return
    where, values = f'{source.node} {source.name}', source.values
    try:
        points = xyz_of(received.messages[-1])
    except DepthError as problem:
        yield error('costmap_points', f'{source.topic}: {problem}')
        return
    if not len(points):
        return  # free space has no obstacles
    placed = np.asarray(transformed(pose, points), np.float64)
    heights = placed[:, 2]
    low, high = float(values['min_obstacle_height']), float(values['max_obstacle_height'])
    kept = (heights >= low) & (heights <= high)
    if not kept.any():
        yield error(
            'costmap_points',
            f'{where} drops every point of {source.topic}: their heights in '
            f'{layer.global_frame!r} are {heights.min():.2f} to {heights.max():.2f} m, the source '
            f'keeps {low:g} to {high:g} m; check the mount in TF, then the heights of the source',
        )
        return
    yield from _distances(source, np.linalg.norm(placed - pose[:3, 3], axis=1)[kept])
    if layer.voxels and values['clearing']:
        yield from _sensor(layer, source, pose)


def _distances(source: Source, distance: Points) -> Iterator[Finding]:
    values = source.values
    near, far = float(values['obstacle_min_range']), float(values['obstacle_max_range'])
    if values['marking'] and not ((distance >= near) & (distance < far)).any():
        yield warning(
            'costmap_points',
            f'{source.node} {source.name} drops every point of {source.topic}: they are '
            f'{distance.min():.2f} to {distance.max():.2f} m away, the source marks from {near:g} '
            f'to {far:g} m; raise {source.called("obstacle_max_range")} if the depth is good '
            'enough there',
        )


def _sensor(layer: Layer, source: Source, pose: Matrix) -> Iterator[Finding]:
    bottom = float(layer.values['origin_z'])
    top = bottom + int(layer.values['z_voxels']) * float(layer.values['z_resolution'])
    if not bottom <= pose[2, 3] < top:
        yield error(
            'costmap_clearing',
            f'the sensor of {source.node} {source.name} is {pose[2, 3]:.2f} m high and the voxels '
            f'of {layer.name} reach from {bottom:g} to {top:g} m, so nothing is cleared; raise '
            'z_voxels or z_resolution',
        )


def _clearing(layer: Layer) -> Iterator[Finding]:
    """Yield where obstacles are marked farther than they are cleared."""
    marks = [float(s.values['obstacle_max_range']) for s in layer.sources if s.values['marking']]
    clears = [float(s.values['raytrace_max_range']) for s in layer.sources if s.values['clearing']]
    if marks and not clears:
        yield warning(
            'costmap_clearing',
            f'{layer.node} {layer.name} marks and no source of it has clearing true, so obstacles '
            'stay for ever; add ~/free_points as a source with clearing: true',
        )
    elif marks and max(marks) > max(clears):
        yield warning(
            'costmap_clearing',
            f'{layer.node} {layer.name} marks up to {max(marks):g} m and clears up to '
            f'{max(clears):g} m, so what is marked between stays; raise raytrace_max_range',
        )


def xyz_of(message: object) -> Points:
    """Return the finite points (N, 3) of a PointCloud2."""
    cloud = cloud_to_points(message).reshape(-1)
    if cloud.dtype.names is None or not {'x', 'y', 'z'} <= set(cloud.dtype.names):
        raise DepthError(
            f'the cloud has fields {", ".join(cloud.dtype.names or ())}, expected x, y and z; '
            'correct its publisher'
        )
    points = np.stack([cloud[name].astype(np.float64) for name in 'xyz'], axis=-1)
    return points[np.isfinite(points).all(axis=1)]
