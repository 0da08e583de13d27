# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""tf2_msgs/TFMessage on a real graph, also where the package is not installed."""

from __future__ import annotations

import numpy as np
import pytest
from forged_messages import forge, is_here
from rclpy.qos import QoSDurabilityPolicy, QoSProfile

TYPE = 'tf2_msgs/msg/TFMessage'


def install() -> None:
    """Make `from tf2_msgs.msg import TFMessage` work."""
    if not is_here('tf2_msgs'):
        forge('tf2_msgs', 'TFMessage')


def message(*joints) -> bytes:
    """Return a serialised TFMessage of (parent, child, position, quaternion)."""
    stores = pytest.importorskip('rosbags.typesys')
    store = stores.get_typestore(stores.Stores.ROS2_JAZZY)
    kinds = store.types
    header, stamp = kinds['std_msgs/msg/Header'], kinds['builtin_interfaces/msg/Time'](0, 0)
    vector, turn = kinds['geometry_msgs/msg/Vector3'], kinds['geometry_msgs/msg/Quaternion']
    transform = kinds['geometry_msgs/msg/Transform']
    stamped = kinds['geometry_msgs/msg/TransformStamped']
    transforms = [
        stamped(
            header(stamp, parent),
            child,
            transform(vector(*map(float, position)), turn(*map(float, quaternion))),
        )
        for parent, child, position, quaternion in joints
    ]
    return bytes(store.serialize_cdr(kinds[TYPE](transforms), TYPE))


def publish(node, *joints):
    """Publish static joints on /tf_static, for late subscribers too."""
    install()
    from tf2_msgs.msg import TFMessage

    latched = QoSProfile(depth=10, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
    publisher = node.create_publisher(TFMessage, '/tf_static', latched)
    publisher.publish(message(*joints))
    return publisher


OPTICAL = tuple(np.array([-0.5, 0.5, -0.5, 0.5]))  # of an optical frame in a body frame
