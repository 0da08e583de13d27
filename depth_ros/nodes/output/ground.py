# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`~/ground`: the points of the ground."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from depth_ros.messages.classes import PointCloud2
from depth_ros.messages.cloud import CloudBuilder
from depth_ros.nodes.output.frame_ground import (
    GROUND,
    MOUNT,
    NO_GROUND,
    GroundSettings,
    split_of,
)
from depth_ros.nodes.output.output import Output
from depth_ros.nodes.parameters.spec import Value
from depth_ros.pipeline import DepthFrame

Prepared = tuple[CloudBuilder, GroundSettings]


def build(frame: DepthFrame, header: Any, prepared: Prepared) -> Any:
    """Return the cloud of the ground; None where none is found or the prediction is relative."""
    cloud, settings = prepared
    split = split_of(frame, settings)
    if split is None or frame.depth is None:
        return None
    depth = np.where(split.ground, frame.depth, np.float32(np.nan))
    return cloud(depth, frame.camera, header, extra={'height': split.height})


def prepare(values: Mapping[str, Value]) -> Prepared:
    """Return what writes clouds with heights, and the settings of the ground."""
    return divided_cloud(values), GroundSettings.of(values)


def divided_cloud(values: Mapping[str, Value]) -> CloudBuilder:
    """Return what writes unorganised clouds with the height of each point."""
    return CloudBuilder(
        organised=False,
        decimation_x=int(values['decimation_x']),
        decimation_y=int(values['decimation_y']),
        extra=('height',),
    )


OUTPUT = Output(
    'ground',
    PointCloud2,
    build,
    'the points of the ground, with their height above its plane',
    NO_GROUND.format(topic='ground'),
    parameters=(*MOUNT, *GROUND),
    prepare=prepare,
    max_rate='points_max_rate',
)
