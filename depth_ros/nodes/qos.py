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

from collections.abc import Callable, Sequence
from typing import TypeVar

from rclpy.node import Node
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


def following_policies(node: Node, topic: str) -> list[QoSPolicyKind]:
    """
    Return what may be overridden of a subscription whose reliability follows its publishers.

    rclpy keeps as a parameter what was first asked for, and gives it to every later subscription
    to the topic: so reliability is left out, unless it was given at start.
    """
    given = getattr(node, '_parameter_overrides', {})
    chosen = f'qos_overrides.{topic}.subscription.reliability' in given
    return [p for p in POLICIES if chosen or p is not QoSPolicyKind.RELIABILITY]


def with_overrides(
    create: Callable[..., Entity],
    profile: Callable[[], QoSProfile],
    topic: str,
    complain: Callable[[str], None],
    policies: Sequence[QoSPolicyKind] = POLICIES,
) -> Entity:
    """
    Create a publisher or subscription with what `qos_overrides` says of its topic.

    What it says and cannot be used is complained of, and the default stands.
    """
    try:
        return create(profile(), qos_overriding_options=QoSOverridingOptions(policies))
    except Exception as error:
        complain(
            f'qos_overrides of {topic} cannot be used ({error}), the defaults are; expected '
            'reliability reliable or best_effort, durability volatile or transient_local, '
            'history keep_last or keep_all, depth a number'
        )
        return create(profile())
