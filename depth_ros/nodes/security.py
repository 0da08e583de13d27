# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The SROS 2 policy of a node: every topic and service that it uses, and nothing else.

`ros2 security generate_artifacts` and `create_permission` read it. Nothing here imports rclpy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from xml.sax.saxutils import quoteattr

from depth_ros.nodes.output.output import outputs_of
from depth_ros.types import DepthError, quoted

VIEWS = {'mono_depth': 1, 'stereo_depth': 2}
INPUTS = {
    'mono_depth': (
        *('image', 'image/compressed', 'camera_info'),
        *('prompt', 'prompt/compressedDepth'),
    ),
    'stereo_depth': tuple(
        f'{side}/{topic}'
        for side in ('left', 'right')
        for topic in ('image', 'image/compressed', 'camera_info')
    ),
}
# Present or not by what is installed; a policy is the same everywhere.
TRANSPORTED = ('points/draco', 'points/zlib', 'points/zstd')
PUBLISHED = (
    *('/rosout', '/parameter_events', '/diagnostics', '/bond'),
    '~/transition_event',
)
SUBSCRIBED = ('/clock', '/parameter_events', '/bond')
SERVICES = (
    *('change_state', 'get_state', 'get_available_states'),
    *('get_available_transitions', 'get_transition_graph'),
    *('describe_parameters', 'get_parameter_types', 'get_parameters', 'list_parameters'),
    *('set_parameters', 'set_parameters_atomically', 'get_type_description'),
    'enable',
)
_NAME = re.compile(r'[A-Za-z_][A-Za-z0-9_]*')


def policy(
    node: str,
    name: str = '',
    namespace: str = '/',
    remaps: Mapping[str, str] | None = None,
    cameras: Sequence[str] = (),
) -> str:
    """
    Return the policy of a node as XML.

    :param node: mono_depth or stereo_depth. :param name: its name, where it is renamed.
    :param remaps: topics by their names in this package, as `-r` takes them.
    :param cameras: the value of the parameter of that name.
    """
    if node not in VIEWS:
        raise DepthError(f'node is {quoted(node)}, expected one of {", ".join(VIEWS)}')
    name = name or node
    for what in (name, *cameras):
        if not _NAME.fullmatch(what):
            raise DepthError(
                f'name is {quoted(what)}, expected letters, digits and _ as ROS names have them'
            )
    space = '/' + namespace.strip('/')
    if space != '/' and not all(_NAME.fullmatch(part) for part in space[1:].split('/')):
        raise DepthError(f'namespace is {quoted(namespace)}, expected one such as /robot/front')
    renamed = dict(remaps or {})

    def resolved(topics: Iterable[str]) -> list[str]:
        return sorted({_resolved(topic, name, space, renamed) for topic in topics})

    each = [f'{camera}/' for camera in cameras] or ['']
    below = (*(output.topic for output in outputs_of(VIEWS[node])), *TRANSPORTED)
    outputs = [f'~/{camera}{topic}' for camera in each for topic in below]
    inputs = [f'{camera}{topic}' for camera in each for topic in INPUTS[node]]
    published = resolved((*outputs, *PUBLISHED))
    subscribed = resolved((*inputs, *SUBSCRIBED))
    services = resolved(
        (*(f'~/{service}' for service in SERVICES), *(f'~/{camera}enable' for camera in each))
    )
    unused = set(renamed) - {*outputs, *PUBLISHED, *inputs, *SUBSCRIBED}
    if unused:
        raise DepthError(
            f'{node} has no topic {quoted(sorted(unused)[0])} to remap; it subscribes to '
            f'{", ".join(inputs)}'
        )
    enclave = quoteattr(f'{space.rstrip("/")}/{name}')
    return '\n'.join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            '<policy version="0.2.0">',
            '  <enclaves>',
            f'    <enclave path={enclave}>',
            '      <profiles>',
            f'        <profile ns={quoteattr(space)} node={quoteattr(name)}>',
            *_rules('topic', 'publish', published),
            *_rules('topic', 'subscribe', subscribed),
            *_rules('service', 'reply', services),
            '        </profile>',
            '      </profiles>',
            '    </enclave>',
            '  </enclaves>',
            '</policy>',
            '',
        ]
    )


def _resolved(topic: str, name: str, space: str, remaps: Mapping[str, str]) -> str:
    base, suffix = topic, ''
    # <image>/compressed follows the remapping of the image.
    for ending in ('/compressed', '/compressedDepth'):
        if topic not in remaps and topic.removesuffix(ending) in remaps:
            base, suffix = topic.removesuffix(ending), ending
    base = remaps.get(base, base)
    if base.startswith('~/'):
        base = f'{space.rstrip("/")}/{name}/{base[2:]}'
    elif not base.startswith('/'):
        base = f'{space.rstrip("/")}/{base}'
    return base + suffix


def _rules(kind: str, act: str, names: Iterable[str]) -> list[str]:
    rows = [f'            <{kind}>{name}</{kind}>' for name in names]
    return [f'          <{kind}s {act}="ALLOW">', *rows, f'          </{kind}s>']
