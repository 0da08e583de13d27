# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`depth_ros policy`: the SROS 2 policy of a node under its names."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from depth_ros.files.writing import write_text
from depth_ros.nodes.security import VIEWS, policy
from depth_ros.types import DepthError, quoted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('node', choices=VIEWS, help='whose policy')
    parser.add_argument('--name', default='', help='the name of the node; default: as it is')
    parser.add_argument('--namespace', default='/', help='its namespace')
    parser.add_argument(
        '-r',
        '--remap',
        action='append',
        default=[],
        metavar='FROM:=TO',
        help='a topic that is remapped, as for `ros2 run`',
    )
    parser.add_argument(
        '--cameras', default='', help='its parameter of that name, as front,left,right'
    )
    parser.add_argument('--out', type=Path, help='a file instead of the standard output')


def run(arguments: argparse.Namespace) -> int:
    """Write the policy; return 0."""
    remaps = {}
    for given in arguments.remap:
        source, sign, target = given.partition(':=')
        if not (source and sign and target):
            raise DepthError(
                f'--remap is {quoted(given)}, expected FROM:=TO such as image:=/cam/image'
            )
        remaps[source] = target
    cameras = arguments.cameras.split(',')
    text = policy(arguments.node, arguments.name, arguments.namespace, remaps, cameras)
    if arguments.out is None:
        sys.stdout.write(text)
    else:
        write_text(arguments.out, text)
    return 0
