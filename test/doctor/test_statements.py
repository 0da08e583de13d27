# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What depth nodes state on /diagnostics, of one camera or of several, is heard."""

from types import SimpleNamespace

import pytest

pytest.importorskip('rclpy')

from depth_ros.doctor.graph import Look


def status(name, level, message='it does not arrive', state='active', enabled='true'):
    stated = {'state': state, 'enabled': enabled}
    values = [SimpleNamespace(key=key, value=value) for key, value in stated.items()]
    return SimpleNamespace(name=name, level=bytes([level]), message=message, values=values)


def test_each_camera_of_a_node_has_its_statement():
    look = object.__new__(Look)
    look._statements, look._off = {}, set()
    look._hear(
        SimpleNamespace(
            status=[
                status('robot/mono_depth: front depth', 2),
                status('robot/mono_depth: rear depth', 1, 'rear: it is old'),
                status('robot/mono_depth: left depth', 0),
                status('stereo_depth: depth', 2),
                status('battery: level', 2),
                status('depth', 2),
            ]
        )
    )
    found = [(s.node, s.text, s.error) for s in look._statements.values()]
    assert found == [
        ('/robot/mono_depth', 'it does not arrive', True),
        ('/robot/mono_depth', 'rear: it is old', False),
        ('/stereo_depth', 'it does not arrive', True),
    ]
    look._hear(SimpleNamespace(status=[status('robot/mono_depth: front depth', 0)]))
    assert [s.text for s in look._statements.values()] == ['rear: it is old', 'it does not arrive']


def test_what_was_turned_off_is_known_until_it_is_on_again():
    look = object.__new__(Look)
    look._statements, look._off = {}, set()
    off = [
        status('robot/mono_depth: front depth', 0, enabled='false'),
        status('robot/mono_depth: rear depth', 0),
        status('stereo_depth: depth', 0, enabled='false'),
    ]
    look._hear(SimpleNamespace(status=off))
    assert look._off == {'/robot/mono_depth/front', '/stereo_depth'}
    look._hear(SimpleNamespace(status=[status('stereo_depth: depth', 0)]))
    assert look._off == {'/robot/mono_depth/front'}
