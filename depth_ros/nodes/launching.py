# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What the launch files of this package share.

The launch files are tables of topics; this makes launch arguments, remaps and processes of them.
`launch` is imported inside the functions, so that the tables can be read where it is absent.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from depth_ros.files.share import share_directory, transport_environment
from depth_ros.nodes.parameters.specs import MONO, MULTI, STEREO
from depth_ros.types import DepthError

LOG_LEVELS = ('debug', 'info', 'warn', 'error', 'fatal')
# name -> (default, meaning)
Arguments = Mapping[str, tuple[str, str]]

COMMON: Arguments = {
    'namespace': ('', 'namespace of the node and of every relative topic'),
    'model': ('', 'model to run; empty: that of params_file, or the default'),
    'params_file': ('', 'YAML of parameters; empty: the defaults, as config/ lists them'),
    'parameters': ('', "more parameters, as '{max_depth: 8.0, decimation_x: 2}'"),
    'autostart': ('', 'true or false; empty: that of params_file, or true'),
    'use_sim_time': ('', 'true or false; empty: that of params_file, or false'),
    'log_level': ('info', 'debug, info, warn, error or fatal'),
    'python': ('', 'interpreter to run the node, of a virtual environment with torch for example'),
    'transport': ('true', 'false: leave Fast DDS without the profile for large messages'),
    'rviz': ('false', 'true: open rviz2 beside it'),
    'frame': ('camera_optical_frame', 'fixed frame of rviz2'),
}

# Outputs for navigation that every node has: the name in launch files and what it is.
NAVIGATION = {
    'obstacles': ('obstacles', 'points that stand on the ground, for costmaps to mark'),
    'free_points': ('free_points', 'ends of free rays, for costmaps to clear'),
    'ground': ('ground', 'points of the ground'),
    'scan': ('scan', 'nearest obstacle per angle, in a level frame'),
    'range': ('range', 'distance to the nearest obstacle ahead'),
}


def beside(image_topic: str) -> str:
    """Return the camera_info topic beside an image topic, as image_transport pairs them."""
    head, slash, _ = image_topic.rpartition('/')
    return f'{head}{slash}camera_info'


# launch arguments -> what the node is started with, and sentences for the log
Adapt = Callable[[Mapping[str, str]], tuple[Mapping[str, str], Sequence[str]]]


def describe(
    node: str,
    inputs: Arguments,
    outputs: Arguments,
    remaps: Mapping[str, str],
    name: str = '',
    adapt: Adapt | None = None,
) -> Any:
    """
    Return the launch description of one node.

    :param inputs: launch arguments that are topics, and :param outputs: likewise; an empty
        default of `*camera_info` means the topic beside its image.
    :param remaps: name inside the node -> launch argument that says what it is called outside.
    :param name: of the node, by default; empty is that of its executable. :param adapt: changes
        the launch arguments, where they are those of another package.
    """
    from launch import LaunchDescription
    from launch.actions import DeclareLaunchArgument, LogInfo, OpaqueFunction

    named = {'name': (name or node, 'name of the node, for several in one namespace')}
    arguments = {**named, **COMMON, **inputs, **outputs}

    def start(context: Any) -> list[Any]:
        refuse_unknown(context, arguments)
        values: Mapping[str, str]
        values = {key: context.launch_configurations[key] for key in arguments}
        notes: Sequence[str] = ()
        if adapt is not None:
            check(values)
            values, notes = adapt(values)
        return [*(LogInfo(msg=note) for note in notes), *processes(node, values, remaps)]

    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(key, default_value=default, description=meaning)
                for key, (default, meaning) in arguments.items()
            ),
            OpaqueFunction(function=start),
        ]
    )


def processes(
    node: str,
    values: Mapping[str, str],
    remaps: Mapping[str, str],
    parameters: Mapping[str, Any] | None = None,
) -> list[Any]:
    """Return the node, and rviz2 where it is asked for; what the user gives wins."""
    from launch.actions import LogInfo
    from launch_ros.actions import Node

    check(values)
    share = share_directory()
    started: list[Any] = [
        *(LogInfo(msg=note) for note in unread_file(values)),
        Node(
            package='depth_ros',
            executable=node,
            name=values['name'],
            namespace=values['namespace'],
            remappings=[(inner, topic(values, key)) for inner, key in remaps.items()],
            # Only what was given: defaults loaded here would overrule a SetParameter around it.
            parameters=[
                *([dict(parameters)] if parameters else []),
                *([values['params_file']] if values['params_file'] else []),
                *_given(values),
            ],
            arguments=['--ros-args', '--log-level', values['log_level']],
            prefix=[shlex.quote(values['python'])] if values['python'] else None,
            additional_env=transport_environment() if flag(values, 'transport') else {},
            output='screen',
            emulate_tty=True,
        ),
    ]
    if flag(values, 'rviz'):
        started.append(
            Node(
                package='rviz2',
                executable='rviz2',
                name=f'rviz_{values["name"]}',
                namespace=values['namespace'],
                arguments=['-d', str(share / 'config' / 'depth.rviz'), '-f', values['frame']],
            )
        )
    return started


def check(values: Mapping[str, str]) -> None:
    """Refuse arguments that would end in a traceback, or in defaults that were not asked for."""
    file, python, level = (values[key] for key in ('params_file', 'python', 'log_level'))
    if file and not os.path.isfile(file):
        raise DepthError(
            f'params_file:={file} is no file, expected the YAML of parameters; give its whole path'
        )
    if python and shutil.which(python) is None:
        raise DepthError(
            f'python:={python} cannot be run, expected an interpreter such as '
            '/path/to/venv/bin/python; check the path'
        )
    if flag(values, 'rviz') and not _has_package('rviz2'):
        raise DepthError(
            'rviz:=true and the package rviz2 is not installed; install ros-$ROS_DISTRO-rviz2, '
            'or leave rviz out'
        )
    if level.lower() not in LOG_LEVELS:
        raise DepthError(f'log_level:={level}, expected one of {", ".join(LOG_LEVELS)}')


def refuse_unknown(context: Any, arguments: Iterable[str]) -> None:
    """Refuse names that this file does not have; `ros2 launch` ignores them without a word."""
    file = Path(context.get_locals_as_dict().get('current_launch_file_path') or '')
    if file.name not in {Path(word).name for word in sys.argv}:
        return  # included: the words on the command line are those of another file
    known = list(arguments)
    for word in context.argv:
        name, given, value = word.partition(':=')
        if not given or name in known:
            continue
        if name in {spec.name for spec in (*MONO, *STEREO, *MULTI)}:
            flow = yaml.safe_dump({name: _plain(value)}, default_flow_style=True).strip()
            advice = f'a parameter of the node is given as parameters:="{flow}"'
        else:
            near = difflib.get_close_matches(name, known, 1)
            advice = f'did you mean {near[0]}?' if near else '--show-args lists them all'
        raise DepthError(f'{word}: {file.name} has no argument {name}; {advice}')


def _plain(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def unread_file(values: Mapping[str, str]) -> list[str]:
    """Return what to say where params_file has no section that is this node's."""
    if not values['params_file']:
        return []
    try:
        content = yaml.safe_load(Path(values['params_file']).read_text())
    except (yaml.YAMLError, UnicodeDecodeError):
        return []  # the node says what is wrong with it
    sections = list(_sections(content))
    name = '/'.join(['', *filter(None, values['namespace'].split('/')), values['name']])
    if any(_covers(section, name) for section in sections):
        return []
    return [
        f'params_file:={values["params_file"]} has no section for {name}, so nothing of it is '
        f'used; it has {", ".join(sections) or "none"}; name the section /** or {name}'
    ]


def _sections(content: Any, above: str = '') -> Iterator[str]:
    for key, value in content.items() if isinstance(content, dict) else ():
        if key == 'ros__parameters':
            yield above
        else:
            yield from _sections(value, f'{above}/{str(key).strip("/")}')


def _covers(section: str, name: str) -> bool:
    """Return whether a section is that of a node: * is one part of its name, ** any number."""
    parts = {'*': '/[^/]+', '**': '(/[^/]+)*'}
    pattern = ''.join(parts.get(part, f'/{re.escape(part)}') for part in section.split('/')[1:])
    return re.fullmatch(pattern, name) is not None


def _has_package(name: str) -> bool:
    from ament_index_python.packages import PackageNotFoundError, get_package_prefix

    try:
        get_package_prefix(name)
    except (PackageNotFoundError, LookupError):
        return False
    return True


def topic(values: Mapping[str, str], key: str) -> str:
    """Return the topic of a launch argument; camera_info falls back to the image's neighbour."""
    if values[key] or not key.endswith('camera_info'):
        return values[key]
    return beside(values[key.removesuffix('camera_info') + 'image'])


def _given(values: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the parameters that the command line overrides."""
    given = given_parameters(values['parameters'])
    if values['model']:
        given['model'] = values['model']
    for key in ('autostart', 'use_sim_time'):
        if values[key]:
            given[key] = flag(values, key)
    return [given] if given else []


def given_parameters(text: str) -> dict[str, Any]:
    """Return the parameters that a launch argument states as YAML; none for an empty text."""
    if not text:
        return {}
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError:
        given = {}
    if not isinstance(given, dict) or not given:
        raise DepthError(
            f'parameters:={text!r} is not a mapping; expected YAML such as '
            "'{max_depth: 8.0, decimation_x: 2}'"
        )
    return given


def flag(values: Mapping[str, str], key: str) -> bool:
    """Return a launch argument as a truth value."""
    word = values[key].lower()
    if word in ('true', '1', 'yes', 'on'):
        return True
    if word in ('false', '0', 'no', 'off'):
        return False
    raise DepthError(f'{key}:={values[key]} is neither true nor false; give one of them')
