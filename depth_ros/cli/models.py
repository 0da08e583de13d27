# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`depth_ros models`: every model by name, what its numbers mean, and what its licence allows."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from depth_ros.models.protocol import ModelError, ModelInfo
from depth_ros.models.registry import catalogue
from depth_ros.models.weights.fetch import is_here

KINDS = {
    'metric': 'metric depth',
    'scale_invariant': 'scale-invariant depth',
    'affine_inverse': 'affine-invariant inverse depth',
    'disparity': 'disparity',
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('match', nargs='*', help='show names that contain any of these')
    parser.add_argument('--json', action='store_true', help='everything known, for programs')


def run(arguments: argparse.Namespace) -> int:
    """Print the catalogue."""
    rows = [
        describe(info)
        for name, info in sorted(catalogue().items())
        if not arguments.match or any(part in name for part in arguments.match)
    ]
    if not rows:
        raise ModelError(
            f'no name contains {" or ".join(arguments.match)}; see `depth_ros models`'
        )
    print(json.dumps(rows, indent=2) if arguments.json else _table(rows))
    return 0


def describe(info: ModelInfo) -> dict[str, Any]:
    """Return what the catalogue says of a model, as plain values."""
    return {
        'name': info.name,
        'views': info.views,
        'weights': str(info.source) if info.source else None,
        'family': info.family or info.name,
        'kind': info.kind.value,
        'depth_range_m': list(info.depth_range) if info.depth_range else None,
        'input_size': info.input_size,
        'input_multiple': info.input_multiple,
        'parameters': info.parameters,
        'training_focal_px': info.training_focal or None,
        'takes_depth': info.takes_depth,
        'licence': info.licence,
        'commercial': info.commercial,
        'on_this_machine': is_here(info.name, info.source),
        'description': info.description,
        'suits': info.suits or None,
        'cost': info.cost or None,
        'caution': info.caution or None,
    }


def _table(rows: Sequence[dict[str, Any]]) -> str:
    head = ('name', 'kind', 'range', 'input', 'weights', 'licence', 'here', 'from')
    lines = [head, *(_line(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head) - 1)]
    text = [
        '  '.join([*(cell.ljust(width) for cell, width in zip(line, widths)), line[-1]]).rstrip()
        for line in lines
    ]
    if any(not row['commercial'] for row in rows):
        text.append('\n* commercial use of these weights is excluded, or not known to be allowed')
    for key in ('description', 'suits', 'cost', 'caution') if len(rows) == 1 else ():
        if rows[0][key]:
            text.append(f'{key}: {rows[0][key]}')
    return '\n'.join(text)


def _millions(count: float) -> str:
    return f'{count / 1e6:.{0 if count >= 1e6 else 2}f} M'


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    reach, size, weights = row['depth_range_m'], row['input_size'], row['parameters']
    if size is None:
        side = '-'
    else:
        side = f'{size or "own"} / {row["input_multiple"]}'
    return (
        row['name'],
        KINDS[row['kind']],
        f'{reach[0]:g}-{reach[1]:g} m' if reach else '-',
        side,
        _millions(weights) if weights else '-',
        row['licence'] + ('' if row['commercial'] else ' *'),
        'yes' if row['on_this_machine'] else 'no',
        row['weights'] or '-',
    )
