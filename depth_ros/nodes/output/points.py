# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`~/points`: the depth image as a point cloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sensor_msgs.msg import PointCloud2

from depth_ros.messages.cloud import CloudBuilder
from depth_ros.nodes.output.output import Output
from depth_ros.nodes.parameters.spec import ANY, ParameterSpec, Value
from depth_ros.pipeline import DepthFrame


def build(frame: DepthFrame, header: Any, cloud: Any) -> Any:
    """Return the point cloud; None while the prediction is relative."""
    if frame.depth is None:
        return None
    return cloud(frame.depth, frame.camera, header, frame.image)


def prepare(values: Mapping[str, Value]) -> CloudBuilder:
    """Return what writes clouds by these parameters."""
    return CloudBuilder(
        fields=values['points_fields'],  # type: ignore[arg-type]
        organised=bool(values['points_organised']),
        decimation_x=int(values['decimation_x']),
        decimation_y=int(values['decimation_y']),
        min_range=float(values['points_min_range']),
        max_range=float(values['points_max_range']),
        min_height=float(values['points_min_height']),
        max_height=float(values['points_max_height']),
    )


PARAMETERS = (
    ParameterSpec(
        'points_fields',
        'xyzrgb',
        'of ~/points: place alone, with colour, or with intensity',
        choices=('xyz', 'xyzrgb', 'xyzi'),
    ),
    ParameterSpec(
        'points_organised',
        True,
        'true: one point per pixel, NaN where there is none; false: only the valid ones',
    ),
    ParameterSpec('decimation_x', 1, 'every n-th column becomes points', range=(1, 1000)),
    ParameterSpec('decimation_y', 1, 'every n-th row becomes points', range=(1, 1000)),
    ParameterSpec('points_min_range', 0.0, 'metres; nearer points are left out', range=(0.0, ANY)),
    ParameterSpec(
        'points_max_range', ANY, 'metres; farther points are left out', range=(0.0, ANY)
    ),
    ParameterSpec(
        'points_min_height',
        -ANY,
        'metres above the camera (against its y axis); lower points are left out',
        range=(-ANY, ANY),
    ),
    ParameterSpec(
        'points_max_height',
        ANY,
        'metres above the camera (against its y axis); higher points are left out',
        range=(-ANY, ANY),
    ),
    ParameterSpec(
        'points_max_rate', 0.0, 'Hz, at most so many clouds; 0 is every frame', range=(0.0, ANY)
    ),
)

OUTPUT = Output(
    'points',
    PointCloud2,
    build,
    'the depth image as points',
    parameters=PARAMETERS,
    prepare=prepare,
    max_rate='points_max_rate',
)
