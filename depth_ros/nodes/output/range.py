# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`~/range`: the distance to the nearest obstacle ahead, for safety stops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from depth_ros.geometry.laser_scan import nearest_ahead
from depth_ros.messages.classes import Range
from depth_ros.messages.range_message import distance_to_range
from depth_ros.nodes.output.output import Output
from depth_ros.nodes.output.scan import NO_MOUNT, ScanSettings, level_header, scan_of
from depth_ros.nodes.parameters.spec import ParameterSpec, Value
from depth_ros.pipeline import DepthFrame


def build(frame: DepthFrame, header: Any, prepared: tuple[ScanSettings, float]) -> Any:
    """Return the range; None without a mount, or while the prediction is relative."""
    settings, field_of_view = prepared
    scan = scan_of(frame, settings)
    if scan is None:
        return None
    distance = nearest_ahead(scan, field_of_view)
    return distance_to_range(
        distance, field_of_view, scan.range_min, scan.range_max, level_header(header, settings)
    )


def prepare(values: Mapping[str, Value]) -> tuple[ScanSettings, float]:
    """Return the settings of the scan, and the field of view of the range."""
    return ScanSettings.of(values), float(values['range_field_of_view'])


OUTPUT = Output(
    'range',
    Range,
    build,
    'the distance to the nearest obstacle within range_field_of_view ahead',
    NO_MOUNT.format(topic='range'),
    parameters=(
        ParameterSpec(
            'range_field_of_view',
            0.5,
            'radians, of ~/range: beams of the scan within half of it of forward',
            range=(1e-3, 6.28),
        ),
    ),
    prepare=prepare,
)
