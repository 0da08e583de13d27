# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`~/scan`: the nearest obstacle per angle, in a level frame."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from depth_ros.geometry.laser_scan import Scan, ScanOptions, depth_to_scan
from depth_ros.messages.classes import LaserScan
from depth_ros.messages.laser_scan import scan_to_laser_scan
from depth_ros.nodes.output.frame_ground import (
    GroundSettings,
    mount_of,
    split_of,
    trusted_depth,
)
from depth_ros.nodes.output.output import Output
from depth_ros.nodes.parameters.spec import ANY, ParameterSpec, Value
from depth_ros.pipeline import DepthFrame

NO_MOUNT = (
    'mount_height is not set, so which way is level is not known and ~/{topic} stays empty; set '
    'mount_height, mount_pitch and mount_roll'
)


@dataclass(frozen=True)
class ScanSettings:
    """What the parameters say about scans."""

    ground: GroundSettings
    options: ScanOptions
    unknown: str
    frame: str

    @classmethod
    def of(cls, values: Mapping[str, Value]) -> ScanSettings:
        """Return the settings of these parameter values."""
        ground = GroundSettings.of(values)
        options = ScanOptions(
            min_height=ground.min_height,
            max_height=ground.max_height,
            range_min=float(values['scan_range_min']),
            range_max=float(values['scan_range_max']),
            angle_increment=float(values['scan_angle_increment']),
        )
        return cls(ground, options, str(values['scan_unknown']), str(values['scan_frame']))


def scan_of(frame: DepthFrame, settings: ScanSettings) -> Scan | None:
    """
    Return the scan of a frame; None without a mount, or while the prediction is relative.

    Level is as the mount says, so that the frame of the scan stands still on the robot. Obstacles
    are those of ~/obstacles, on slopes as well.
    """
    depth = trusted_depth(frame, settings.ground.min_confidence)
    mount, split = mount_of(frame, settings.ground), split_of(frame, settings.ground)
    if depth is None or mount is None or split is None:
        return None
    return depth_to_scan(depth, frame.camera, mount, settings.options, split.obstacle)


def level_header(header: Any, settings: ScanSettings) -> Any:
    """Return the header in the level frame: scan_frame, or the image's frame with `_level`."""
    level = copy.copy(header)
    level.frame_id = settings.frame or f'{header.frame_id}_level'
    return level


def build(frame: DepthFrame, header: Any, settings: ScanSettings) -> Any:
    """Return the scan; None without a mount, or while the prediction is relative."""
    scan = scan_of(frame, settings)
    if scan is None:
        return None
    unknown: Any = settings.unknown
    return scan_to_laser_scan(scan, level_header(header, settings), unknown)


OUTPUT = Output(
    'scan',
    LaserScan,
    build,
    'the nearest obstacle per angle between obstacles_min_height and obstacles_max_height',
    NO_MOUNT.format(topic='scan'),
    parameters=(
        ParameterSpec('scan_range_min', 0.1, 'metres, of ~/scan and ~/range', range=(0.0, ANY)),
        ParameterSpec(
            'scan_range_max',
            5.0,
            'metres, of ~/scan and ~/range; what is farther is free',
            range=(0.01, 1e4),
        ),
        ParameterSpec(
            'scan_angle_increment',
            0.0,
            'radians between beams of ~/scan; 0 is one beam for two columns of pixels',
            range=(0.0, 1.0),
        ),
        ParameterSpec(
            'scan_unknown',
            'nan',
            'what beams of ~/scan hold of which nothing is known: nan, or inf as if free',
            choices=('nan', 'inf'),
        ),
        ParameterSpec(
            'scan_frame',
            '',
            "frame of ~/scan and ~/range: level, at the camera; empty: the image's frame with "
            '_level, and TF needs it',
        ),
    ),
    prepare=ScanSettings.of,
)
