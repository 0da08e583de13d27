# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`~/obstacles`: the points that stand on the ground, for costmaps to mark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from depth_ros.messages.classes import PointCloud2
from depth_ros.messages.cloud import CloudBuilder
from depth_ros.nodes.output.frame_ground import NO_GROUND, GroundSettings, split_of
from depth_ros.nodes.output.ground import divided_cloud
from depth_ros.nodes.output.output import Output
from depth_ros.nodes.parameters.spec import Value
from depth_ros.pipeline import DepthFrame


def build(frame: DepthFrame, header: Any, prepared: tuple[CloudBuilder, GroundSettings]) -> Any:
    """Return the cloud of obstacles; None without a ground or while the prediction is relative."""
    cloud, settings = prepared
    split = split_of(frame, settings)
    if split is None or frame.depth is None:
        return None
    depth = np.where(split.obstacle, frame.depth, np.float32(np.nan))
    return cloud(depth, frame.camera, header, extra={'height': split.height})


def prepare(values: Mapping[str, Value]) -> tuple[CloudBuilder, GroundSettings]:
    """Return what writes clouds with heights, and the settings of the ground."""
    return divided_cloud(values), GroundSettings.of(values)


OUTPUT = Output(
    'obstacles',
    PointCloud2,
    build,
    'the points that stand on the ground, with their height above it',
    NO_GROUND.format(topic='obstacles'),
    prepare=prepare,
    max_rate='points_max_rate',
)
