# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The depth nodes themselves: their life cycle, and what they state on /diagnostics."""

from __future__ import annotations

from collections.abc import Iterator

from depth_ros.doctor.checks.inputs import named
from depth_ros.doctor.finding import Finding, error, warning
from depth_ros.doctor.seen import Seen

_NEXT = {'unconfigured': 'configure', 'inactive': 'activate'}


def check(seen: Seen) -> Iterator[Finding]:
    """Yield nodes that are not active, and the sentences of those that have a problem."""
    if seen.mute:
        yield warning(
            'no_answer',
            f'{named(seen.mute)} did not answer when asked for its parameters, so they were not '
            'checked: its executor is blocked or gets no processor; look at its log',
        )
    stated = {statement.node: statement for statement in seen.statements}
    inactive = set[str]()
    for node in seen.nodes.values():
        wanted = node.is_depth or 'plugins' in node.parameters
        if not wanted or node.state not in _NEXT:
            continue
        say = error if node.is_depth else warning
        inactive.add(node.name)
        statement = stated.get(node.name)
        if statement is not None and statement.state == 'unconfigured' and statement.error:
            yield say(
                'not_active',
                f'{node.name} could not be configured: {statement.text}; then call '
                f'`ros2 lifecycle set {node.name} configure` and `activate`, or start it again',
            )
            continue
        yield say(
            'not_active',
            f'{node.name} is {node.state}, so it publishes nothing; call `ros2 lifecycle set '
            f'{node.name} {_NEXT[node.state]}` or its lifecycle manager',
        )
    for statement in seen.statements:
        if statement.node in inactive:
            continue
        say = error if statement.error else warning
        yield say('node_problem', f'{statement.node} states: {statement.text}')
    for name in seen.turned_off:
        yield warning(
            'turned_off',
            f'{name} is turned off by its service enable, so it computes nothing; call `ros2 '
            f'service call {name}/enable std_srvs/srv/SetBool "{{data: true}}"`',
        )
