# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`depth_ros fetch`: bring models onto this machine ahead of time, and check them."""

from __future__ import annotations

import argparse
import sys

from depth_ros.models import checkpoint
from depth_ros.models.base import ModelError, ModelInfo
from depth_ros.models.registry import catalogue, family_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('names', nargs='+', help='names of the catalogue, hub ids, or folders')
    parser.add_argument('--revision', help='a branch, tag or commit other than the catalogue says')


def run(arguments: argparse.Namespace) -> int:
    """Fetch and verify each model; exit 1 where one of several failed."""
    failed = 0
    for name in arguments.names:
        try:
            print(fetch(name, arguments.revision))
        except ModelError as error:
            if len(arguments.names) == 1:
                raise
            print(f'depth_ros fetch: {error}', file=sys.stderr)
            failed += 1
    return 1 if failed else 0


def fetch(name: str, revision: str | None = None) -> str:
    """Fetch and verify one model; return the line that says where it is."""
    info = catalogue().get(name)
    if info is None:
        family_of(name)  # refuses what is not a name, with the nearest ones
        source, wanted = name, revision or 'main'
    elif not info.details.get('repository'):
        return f'{name}: part of this package, nothing to fetch'
    else:
        source = info.details['repository']
        wanted = revision or info.details.get('revision') or 'main'
    if checkpoint.is_folder(source):
        folder = checkpoint.locate(source)
    else:
        folder = checkpoint.download(source, wanted, progress=True)
    parameters = checkpoint.verify(folder, contents=True)
    return f'{name}: {parameters / 1e6:.1f} M parameters, whole, in {folder}{_licence(info)}'


def _licence(info: ModelInfo | None) -> str:
    if info is None or info.commercial:
        return ''
    return f'\n  licence of the weights: {info.licence}; commercial use is excluded'
