# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The node `mono_depth` where bond/msg/Status can be imported: forged if it is not installed.

A forged message is its own serialised bytes: header, id, instance_id, active, two float32.
"""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def serialised(id, instance_id, active, heartbeat_timeout, heartbeat_period):
    """Return a bond/msg/Status in CDR, with the stamp 0."""
    data = bytearray(b'\0\1\0\0' + bytes(8))
    for text in ('', id, instance_id):
        data += bytes(-len(data) % 4)
        data += np.uint32(len(text) + 1).tobytes() + text.encode() + b'\0'
    data.append(active)
    data += bytes(-len(data) % 4)
    return bytes(data) + np.float32([heartbeat_timeout, heartbeat_period]).tobytes()


class Message(bytes):
    """What a publisher sends as it is; the stamp is lost."""


def make(cls, **fields):
    message = Message(serialised(**fields))
    message.header = SimpleNamespace(stamp=None)
    return message


def install():
    """Make `from bond.msg import Status` work."""
    from forged_messages import forge, is_here

    if not is_here('bond'):
        forge('bond', 'Status', {'__new__': make})


if __name__ == '__main__':
    install()
    from depth_ros.nodes.mono_depth import main

    main()
