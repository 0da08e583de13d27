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

VIEWS = {'mono_depth': 1, 'stereo_depth': 2, 'multi_view_depth': 0}
INPUTS = {
    'mono_depth': (
        *('image', 'image/compressed', 'camera_info'),
        *('prompt', 'prompt/compressedDepth'),
        *('scale/depth', 'scale/cloud', 'scale/scan', 'scale/range'),
        *('odometry', 'imu'),
    ),
    'stereo_depth': tuple(
        f'{side}/{topic}'
        for side in ('left', 'right')
        for topic in ('image', 'image/compressed', 'camera_info')
    ),
    'multi_view_depth': (
        *('image', 'image/compressed', 'camera_info'),
        *('odometry', '/tf', '/tf_static'),
    ),
}
# Present or not by what is installed; a policy is the same everywhere.
TRANSPORTED = ('~/points/draco', '~/points/zlib', '~/points/zstd')
PUBLISHED = (
    *('/rosout', '/parameter_events', '/diagnostics', '/bond'),
    '~/transition_event',
)
SUBSCRIBED = ('/clock', '/parameter_events', '/bond', '/tf', '/tf_static')
SERVICES = (
    *('change_state', 'get_state', 'get_available_states'),
    *('get_available_transitions', 'get_transition_graph'),
    *('describe_parameters', 'get_parameter_types', 'get_parameters', 'list_parameters'),
    *('set_parameters', 'set_parameters_atomically', 'get_type_description'),
)
_NAME = re.compile(r'[A-Za-z_][A-Za-z0-9_]*')


def policy(
    node: str,
    name: str = '',
    namespace: str = '/',
    remaps: Mapping[str, str] | None = None,
    cameras: Sequence[str] = ('',),
) -> str:
    """
    Return the policy of a node as XML.

    :param node: mono_depth or stereo_depth. :param name: its name, where it is renamed.
    :param cameras: as its parameter of that name has them.
    :param remaps: topics and services by their names in this package, as `-r` takes them.
    """
    if node not in VIEWS:
        raise DepthError(f'node is {quoted(node)}, expected one of {", ".join(VIEWS)}')
    name = name or node
    if not _NAME.fullmatch(name):
        raise DepthError(
            f'name is {quoted(name)}, expected letters, digits and _ as ROS names have them'
        )
    space = '/' + namespace.strip('/')
    if space != '/' and not all(_NAME.fullmatch(part) for part in space[1:].split('/')):
        raise DepthError(f'namespace is {quoted(namespace)}, expected one such as /robot/front')
    renamed = dict(remaps or {})

    def resolved(topics: Iterable[str]) -> list[str]:
        return sorted({_resolved(topic, name, space, renamed) for topic in topics})

    if not all(_NAME.fullmatch(camera or 'one') for camera in cameras):
        raise DepthError(f'cameras are {quoted(cameras)}, expected names such as front,left')
    prefixes = [f'{camera}/' if camera else '' for camera in cameras]
    below = [
        *(f'~/{output.topic}' for output in outputs_of(VIEWS[node])),
        *TRANSPORTED,
        '~/health',
    ]
    outputs = [f'~/{prefix}{topic[2:]}' for prefix in prefixes for topic in below]
    inputs = [f'{prefix}{topic}' for prefix in prefixes for topic in INPUTS[node]]
    switches = [f'{prefix}enable' for prefix in ('', *prefixes)]
    published = resolved((*outputs, *PUBLISHED))
    subscribed = resolved((*inputs, *SUBSCRIBED))
    services = resolved(f'~/{service}' for service in (*SERVICES, *switches))
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
