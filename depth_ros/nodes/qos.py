# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Quality of service, decided once.

Inputs are subscribed to as sensor data: a reliable subscriber never hears a best-effort camera.
Outputs are reliable, so that rviz and Nav2 hear them whatever they ask for. Every topic takes
`qos_overrides`.
"""

from __future__ import annotations

from rclpy.qos import (
    QoSDurabilityPolicy,
    QoSHistoryPolicy,
    QoSPolicyKind,
    QoSProfile,
    QoSReliabilityPolicy,
)
from rclpy.qos_overriding_options import QoSOverridingOptions

POLICIES = (
    QoSPolicyKind.HISTORY,
    QoSPolicyKind.DEPTH,
    QoSPolicyKind.RELIABILITY,
    QoSPolicyKind.DURABILITY,
)


def _profile(reliability: QoSReliabilityPolicy, depth: int) -> QoSProfile:
    # A new one for every entity: rclpy writes the overrides into the profile it is given.
    return QoSProfile(
        history=QoSHistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=reliability,
        durability=QoSDurabilityPolicy.VOLATILE,
    )


def sensor_qos() -> QoSProfile:
    """Return the profile for pictures and calibrations that come in."""
    return _profile(QoSReliabilityPolicy.BEST_EFFORT, 5)


def output_qos() -> QoSProfile:
    """Return the profile for what the nodes publish."""
    return _profile(QoSReliabilityPolicy.RELIABLE, 2)


def overrides() -> QoSOverridingOptions:
    """Return what `qos_overrides` may change."""
    return QoSOverridingOptions(POLICIES)
