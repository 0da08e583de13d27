# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
`depth_ros bench`: what models, and the nodes with them, cost on this machine.

Each model is measured in a process of its own, so that its memory and its loading are its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from depth_ros.cli.bench_machine import machine
from depth_ros.cli.model_options import add_option_argument, parse_options
from depth_ros.models.registry import DEFAULT_MONO
from depth_ros.types import DepthError, quoted

PATIENCE = 1800.0  # seconds that one model may take
# key of the result -> heading and digits after the point
MODEL_COLUMNS = {
    'load_s': ('load (s)', 2),
    'first_ms': ('first frame (ms)', 1),
    'median_ms': ('median (ms)', 1),
    'p99_ms': ('p99 (ms)', 1),
    'fps': ('frames/s', 1),
    'cpu_ms': ('processor per frame (ms)', 1),
    'peak_mb': ('peak memory (MB)', 0),
    'watts': ('power (W)', 1),
}
NODE_COLUMNS = {
    'start_s': ('start to first depth (s)', 1),
    'median_ms': ('median age (ms)', 1),
    'p99_ms': ('p99 age (ms)', 1),
    'fps': ('frames/s', 1),
    'cpu_ms': ('processor per frame (ms)', 1),
    'peak_mb': ('peak memory (MB)', 0),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `depth_ros bench`."""
    parser.add_argument(
        '--model', action='append', metavar='NAME', help='may be repeated; default builtin'
    )
    add_option_argument(parser)
    parser.add_argument('--size', default='640x480', help='of the images, as 640x480')
    parser.add_argument('--frames', type=int, default=30, help='frames after the first')
    parser.add_argument(
        '--node',
        action='store_true',
        help='measure mono_depth or stereo_depth with the model too; needs ROS',
    )
    parser.add_argument('--rate', type=float, default=10.0, help='Hz of the images for --node')
    parser.add_argument('--json', action='store_true', help='print JSON instead of tables')


def run(arguments: argparse.Namespace) -> int:
    """Measure every model and print what was found."""
    models = arguments.model or [DEFAULT_MONO]
    size = size_of(arguments.size)
    if arguments.frames < 1 or not arguments.rate > 0:
        raise DepthError('frames and rate must be above 0; correct them')
    for name in models:
        parse_options(name, arguments.option)  # says what is wrong before anything is measured
    found: dict[str, Any] = {'machine': machine(), 'image': arguments.size, 'models': []}
    for name in models:
        asked = {
            'model': name,
            'option': arguments.option,
            'size': size,
            'frames': arguments.frames,
            'rate': arguments.rate,
        }
        result = {'model': name, 'alone': _measured('bench_model', asked)}
        if arguments.node:
            result['node'] = _measured('bench_node', asked)
        found['models'].append(result)
    print(json.dumps(found, indent=2) if arguments.json else report(found))
    return 0


def size_of(text: str) -> tuple[int, int]:
    """Return width and height of a text such as 640x480."""
    words = text.lower().split('x')
    if len(words) != 2 or not all(w.isdecimal() and 16 <= int(w) <= 16384 for w in words):
        raise DepthError(f'size is {quoted(text)}, expected WIDTHxHEIGHT such as 640x480')
    return int(words[0]), int(words[1])


def _measured(module: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a process that runs this module prints."""
    command = [sys.executable, '-m', f'depth_ros.cli.{module}', json.dumps(asked)]
    environment = dict(os.environ)
    if environment.pop('_ROS_WHEELS_BOOTSTRAP_COMPLETE', None):
        environment.pop('LD_LIBRARY_PATH', None)
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired as error:
        raise DepthError(
            f'{asked["model"]} took more than {PATIENCE:.0f} s; give fewer or smaller images'
        ) from error
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        why = (done.stderr.strip().splitlines() or ['no reason was given'])[-1]
        raise DepthError(f'{asked["model"]} cannot be measured: {why[:300]}')
    result: dict[str, Any] = json.loads(lines[-1])
    return result


def report(found: Mapping[str, Any]) -> str:
    """Return the tables in Markdown."""
    facts = found['machine']
    lines = [', '.join(f'{key}: {value}' for key, value in facts.items()), '']
    lines += table(found, 'alone', MODEL_COLUMNS)
    if any('node' in row for row in found['models']):
        lines += ['', *table(found, 'node', NODE_COLUMNS)]
    return '\n'.join(lines)


def table(
    found: Mapping[str, Any], part: str, columns: Mapping[str, tuple[str, int]]
) -> list[str]:
    """Return the lines of one table."""
    first = ['model', 'runs', 'image'] if part == 'alone' else ['model', 'node', 'image']
    rows: list[Sequence[str]] = [[*first, *(heading for heading, _ in columns.values())]]
    rows.append(['---'] * len(rows[0]))
    for row in found['models']:
        values = row[part]
        numbers = [_shown(values.get(key), digits) for key, (_, digits) in columns.items()]
        rows.append([f'`{row["model"]}`', values['runs'], found['image'], *numbers])
    return ['| ' + ' | '.join(cells) + ' |' for cells in rows]


def _shown(value: float | None, digits: int) -> str:
    return 'not readable' if value is None else f'{value:.{digits}f}'
