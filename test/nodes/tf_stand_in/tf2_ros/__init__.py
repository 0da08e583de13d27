# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The part of tf2_ros that the nodes use, for tests: it is not on PyPI.

Transforms come one by one on /transform_stand_in, and are known in their own direction only.
"""

from geometry_msgs.msg import TransformStamped


class Buffer:
    def __init__(self):
        self.known = {}

    def lookup_transform(self, target_frame, source_frame, time):
        try:
            return self.known[target_frame, source_frame]
        except KeyError:
            raise LookupError(
                f'"{source_frame}" passed to lookupTransform argument source_frame does not exist.'
            ) from None


class TransformListener:
    def __init__(self, buffer, node, *, spin_thread=False):
        def receive(message):
            buffer.known[message.header.frame_id, message.child_frame_id] = message

        node.create_subscription(TransformStamped, '/transform_stand_in', receive, 10)
