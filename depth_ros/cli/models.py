# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`depth_ros models`: every model by name, what its numbers mean, and what its licence allows."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from depth_ros.models import checkpoint
from depth_ros.models.base import ModelError, ModelInfo
from depth_ros.models.registry import catalogue

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
    details = info.details
    reach = details.get('depth_range')
    repository = details.get('repository')
    return {
        'name': info.name,
        'views': info.views,
        'repository': repository,
        'revision': details.get('revision'),
        'family': details.get('family') or info.name,
        'kind': info.kind.value,
        'depth_range_m': list(reach) if reach else None,
        'input_size': details.get('size'),
        'input_multiple': details.get('multiple'),
        'parameters': details.get('parameters'),
        'training_focal_px': details.get('training_focal') or None,
        'takes_prompt': bool(details.get('prompt')),
        'licence': info.licence,
        'commercial': info.commercial,
        'on_this_machine': _is_here(repository, details.get('revision') or 'main'),
        'description': info.description,
    }


def _is_here(repository: str | None, revision: str) -> bool | None:
    if repository is None:
        return True
    try:
        return checkpoint.cached_folder(repository, revision) is not None
    except ModelError:  # huggingface_hub is not installed, so neither is anything of the hub
        return False


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
    return '\n'.join(text)


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    reach, size, weights = row['depth_range_m'], row['input_size'], row['parameters']
    if size is None:
        side = '-'
    else:
        side = f'{size or "own"} / {row["input_multiple"]}'
    source = '-'
    if row['repository']:
        source = f'{row["repository"]}@{row["revision"]}'
    return (
        row['name'],
        KINDS[row['kind']],
        f'{reach[0]:g}-{reach[1]:g} m' if reach else '-',
        side,
        f'{weights / 1e6:.0f} M' if weights else '-',
        row['licence'] + ('' if row['commercial'] else ' *'),
        'yes' if row['on_this_machine'] else 'no',
        source,
    )
