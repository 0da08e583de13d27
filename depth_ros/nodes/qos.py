# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Quality of service, decided once.

Inputs are subscribed to as sensor data, because a reliable subscriber never hears a best-effort
camera; where every publisher is reliable, the subscription is reliable too.
Outputs are reliable, so that rviz and Nav2 hear them whatever they ask for. Every topic takes
`qos_overrides`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from rclpy.qos import (
    QoSDurabilityPolicy,
    QoSHistoryPolicy,
    QoSPolicyKind,
    QoSProfile,
    QoSReliabilityPolicy,
)
from rclpy.qos_overriding_options import QoSOverridingOptions

Entity = TypeVar('Entity')
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
    """Return the profile for images and calibrations that come in."""
    return _profile(QoSReliabilityPolicy.BEST_EFFORT, 5)


def reliable_sensor_qos() -> QoSProfile:
    """Return the profile for inputs whose publishers are all reliable."""
    return _profile(QoSReliabilityPolicy.RELIABLE, 5)


def output_qos() -> QoSProfile:
    """Return the profile for what the nodes publish."""
    return _profile(QoSReliabilityPolicy.RELIABLE, 2)


def with_overrides(
    create: Callable[..., Entity],
    profile: Callable[[], QoSProfile],
    topic: str,
    complain: Callable[[str], None],
) -> Entity:
    """
    Create a publisher or subscription with what `qos_overrides` says of its topic.

    What it says and cannot be used is complained of, and the default stands.
    """
    try:
        return create(profile(), qos_overriding_options=QoSOverridingOptions(POLICIES))
    except Exception as error:
        complain(
            f'qos_overrides of {topic} cannot be used ({error}), the defaults are; expected '
            'reliability reliable or best_effort, durability volatile or transient_local, '
            'history keep_last or keep_all, depth a number'
        )
        return create(profile())
