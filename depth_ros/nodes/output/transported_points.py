# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the outputs points/zlib, points/zstd and points/draco share."""

from __future__ import annotations

from typing import Any

from depth_ros.messages.point_cloud_transport import (
    Format,
    available,
    compress_cloud,
    message_type,
)
from depth_ros.nodes.output import points
from depth_ros.nodes.output.output import Output
from depth_ros.pipeline import DepthFrame


def transported(format: Format) -> Output | None:
    """
    Return the output of one transport, which is ~/points compressed.

    None where point_cloud_interfaces or the library of the format is not installed.
    """
    kind = message_type()
    if kind is None or format not in available():
        return None

    def build(frame: DepthFrame, header: Any, prepared: Any) -> Any:
        cloud = points.build(frame, header, prepared)
        return None if cloud is None else compress_cloud(cloud, format, kind=kind)

    return Output(
        f'points/{format}',
        kind,
        build,
        f'~/points for the point_cloud_transport {format}',
        prepare=points.prepare,
        max_rate='points_max_rate',
    )
