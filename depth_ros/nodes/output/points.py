# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`~/points`: the depth image as a point cloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from depth_ros.geometry.uncertainty import SIGMA_DISPARITY, depth_sigma
from depth_ros.geometry.voxels import voxel_downsample
from depth_ros.messages.classes import PointCloud2
from depth_ros.messages.cloud import CloudBuilder, cloud_to_points
from depth_ros.messages.cloud_padding import pad_cloud
from depth_ros.messages.cloud_points import points_to_cloud
from depth_ros.nodes.output.frame_ground import GroundSettings, split_of, trusted_depth
from depth_ros.nodes.output.output import Output
from depth_ros.nodes.parameters.spec import ANY, ParameterSpec, Value
from depth_ros.pipeline import DepthFrame
from depth_ros.types import FloatImage


@dataclass(frozen=True)
class PointsSettings:
    """What the parameters say about ~/points."""

    cloud: CloudBuilder
    ground: GroundSettings
    sigma_disparity: float
    voxel_size: float
    padded: bool

    def extra(self, frame: DepthFrame, depth: FloatImage) -> dict[str, FloatImage]:
        """Return the images of the extra fields."""
        found: dict[str, FloatImage] = {}
        if 'height' in self.cloud.extra:
            split = split_of(frame, self.ground)
            unknown = np.full(depth.shape, np.nan, np.float32)
            found['height'] = unknown if split is None else split.height
        if 'uncertainty' in self.cloud.extra or self.voxel_size > 0:
            found['uncertainty'] = depth_sigma(depth, frame.prediction, self.sigma_disparity)
        return found


def build(frame: DepthFrame, header: Any, settings: PointsSettings) -> Any:
    """Return the point cloud; None while the prediction is relative."""
    depth = trusted_depth(frame, settings.ground.min_confidence)
    if depth is None:
        return None
    extra = settings.extra(frame, depth)
    cloud = settings.cloud(depth, frame.camera, header, frame.image, extra)
    if settings.voxel_size:
        points = cloud_to_points(cloud)
        xyz = np.stack([points[name] for name in 'xyz'], axis=-1)
        few = voxel_downsample(xyz, points['uncertainty'], settings.voxel_size)
        cloud = points_to_cloud(few.points, header, {'uncertainty': few.sigma})
    return pad_cloud(cloud) if settings.padded else cloud


def prepare(values: Mapping[str, Value]) -> PointsSettings:
    """Return what writes clouds by these parameters."""
    voxel_size = float(values['points_voxel_size'])
    extra = [name for name in str(values['points_extra']).split(',') if name]
    fields = values['points_fields']
    if voxel_size:
        fields, extra = 'xyz', ['uncertainty']
    cloud = CloudBuilder(
        fields=fields,  # type: ignore[arg-type]
        organised=bool(values['points_organised']) and not voxel_size,
        decimation_x=int(values['decimation_x']),
        decimation_y=int(values['decimation_y']),
        min_range=float(values['points_min_range']),
        max_range=float(values['points_max_range']),
        min_height=float(values['points_min_height']),
        max_height=float(values['points_max_height']),
        extra=extra,  # type: ignore[arg-type]
    )
    ground = GroundSettings.of(values)
    padded = not values['avoid_point_cloud_padding']
    return PointsSettings(cloud, ground, float(values['sigma_disparity']), voxel_size, padded)


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
    ParameterSpec(
        'avoid_point_cloud_padding',
        True,
        'of ~/points: true: 16 bytes per coloured point and 12 without colour; false: padded to '
        '32 and 16, as stereo_image_proc does by default',
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
        'points_min_confidence',
        0.0,
        'pixels of lower confidence are no points, where the model has a confidence',
        range=(0.0, 1.0),
    ),
    ParameterSpec(
        'points_extra',
        '',
        'more fields of ~/points: height above the ground, uncertainty of the depth in metres',
        choices=('', 'height', 'uncertainty', 'height,uncertainty'),
    ),
    ParameterSpec(
        'points_voxel_size',
        0.0,
        'metres; one point per voxel, of that size or as large as the depth is uncertain, with x, '
        'y, z and uncertainty; 0 keeps all points',
        range=(0.0, 100.0),
    ),
    ParameterSpec(
        'sigma_disparity',
        SIGMA_DISPARITY,
        'pixels, standard deviation of the disparity, for the uncertainty of stereo',
        range=(1e-3, 100.0),
    ),
    ParameterSpec(
        'points_max_rate',
        0.0,
        'Hz, at most so many clouds of a topic; 0 is every frame',
        range=(0.0, ANY),
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
