# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`~/free_points`: the ends of the rays that are known to be free, for costmaps to clear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from depth_ros.geometry.free_space import free_depth
from depth_ros.messages.classes import PointCloud2
from depth_ros.messages.cloud import CloudBuilder
from depth_ros.nodes.output.frame_ground import trusted_depth
from depth_ros.nodes.output.output import Output
from depth_ros.nodes.parameters.spec import ParameterSpec, Value
from depth_ros.pipeline import DepthFrame


@dataclass(frozen=True)
class FreeSettings:
    """What the parameters say about free rays."""

    cloud: CloudBuilder
    clearing_range: float
    margin: float
    min_confidence: float

    @property
    def window(self) -> int:
        """Pixels around a ray that must be free as well: those that decimation leaves out."""
        return max(self.cloud.decimation_yx) | 1


def build(frame: DepthFrame, header: Any, settings: FreeSettings) -> Any:
    """Return the cloud of ends; None while the prediction is relative."""
    depth = trusted_depth(frame, settings.min_confidence)
    if depth is None:
        return None
    ends = free_depth(
        depth,
        frame.camera,
        settings.clearing_range,
        window=settings.window,
        margin=settings.margin,
    )
    return settings.cloud(ends, frame.camera, header)


def prepare(values: Mapping[str, Value]) -> FreeSettings:
    """Return the settings of these parameter values."""
    return FreeSettings(
        cloud=CloudBuilder(
            organised=False,
            decimation_x=int(values['decimation_x']),
            decimation_y=int(values['decimation_y']),
        ),
        clearing_range=float(values['clearing_range']),
        margin=float(values['clearing_margin']),
        min_confidence=float(values['points_min_confidence']),
    )


OUTPUT = Output(
    'free_points',
    PointCloud2,
    build,
    'the ends of rays known to be free: surfaces, or clearing_range where there is only sky',
    parameters=(
        ParameterSpec(
            'clearing_range',
            8.0,
            'metres; where rays of ~/free_points end that meet nothing before',
            range=(0.01, 1e4),
        ),
        ParameterSpec(
            'clearing_margin',
            0.0,
            'metres by which rays of ~/free_points end before their surface',
            range=(0.0, 1e4),
        ),
    ),
    prepare=prepare,
    max_rate='points_max_rate',
)
