# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`~/local_points`: the views of a window as one coloured cloud, in the frame of the newest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from depth_ros.geometry.fusion import fused_cloud
from depth_ros.geometry.poses import inverse_pose
from depth_ros.messages.classes import PointCloud2
from depth_ros.messages.cloud_points import points_to_cloud
from depth_ros.nodes.output.output import Output
from depth_ros.nodes.parameters.spec import ParameterSpec, Value
from depth_ros.pipeline import DepthFrame
from depth_ros.types import FloatImage, Image


def build(frame: DepthFrame, header: Any, prepared: tuple[float, int]) -> Any:
    """Return the cloud; None without a scale."""
    scene = frame.scene
    if scene is None:
        return None
    doubtful, most = prepared
    back = inverse_pose(scene.pose)
    views = [replace(view, pose=back @ view.pose) for view in scene.views]
    cloud = fused_cloud(views, doubtful=doubtful, edge_threshold=0.0, most=most)
    return points_to_cloud(cloud.points, header, {'rgb': packed(cloud.colors)})


def packed(rgb: Image) -> FloatImage:
    """Return colours (N, 3) as rviz and PCL expect them: 0x00RRGGBB in the bits of a float32."""
    wide = rgb.astype(np.uint32)
    return (wide[:, 0] << 16 | wide[:, 1] << 8 | wide[:, 2]).view(np.float32)


def prepare(values: Mapping[str, Value]) -> tuple[float, int]:
    """Return the share of doubtful pixels that is left out, and the most points."""
    return float(values['local_points_doubtful']), int(values['local_points_most'])


OUTPUT = Output(
    'local_points',
    PointCloud2,
    build,
    'the points of all views of the window, with colour, in the frame of the newest image; only '
    'with a scale',
    views=(0,),
    parameters=(
        ParameterSpec(
            'local_points_doubtful',
            0.4,
            'share of the pixels, those of the lowest confidence, that ~/local_points leaves out',
            range=(0.0, 0.99),
        ),
        ParameterSpec(
            'local_points_most',
            200_000,
            'points of ~/local_points at most, chosen at random; 0 is all',
            range=(0, 100_000_000),
        ),
    ),
    prepare=prepare,
    max_rate='points_max_rate',
)
