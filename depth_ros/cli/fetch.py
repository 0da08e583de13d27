# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`depth_ros fetch`: bring models onto this machine ahead of time, and check them."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

from depth_ros.models.protocol import ModelError
from depth_ros.models.registry import catalogue, family_of
from depth_ros.models.weights import fetch as weights
from depth_ros.models.weights import verify
from depth_ros.models.weights.catalogue import licence_words
from depth_ros.models.weights.source import Hub


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('names', nargs='+', help='names of the catalogue, hub ids, or folders')
    parser.add_argument('--revision', help='a branch, tag or commit other than the catalogue has')


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
    """Fetch and verify one model; return the line that states where it is."""
    info = catalogue().get(name)
    family = family_of(name)  # refuses what is not a name, with the nearest ones
    source = Hub(name) if info is None else info.source
    if source is None:
        return f'{name}: part of this package, nothing to fetch'
    if revision is not None:
        if not isinstance(source, Hub):
            raise ModelError(
                f'{name} is not on the hub, it has no revisions; leave out --revision'
            )
        source = replace(source, revision=revision)
    print(f'{name}: {licence_words(info)}', file=sys.stderr)
    if info is None and verify.is_folder(name):
        folder = weights.hub.locate(name)
    else:
        folder = weights.fetch(name, source, family.official, show_progress)
    if isinstance(source, Hub):
        parameters = verify.verify(folder, contents=True)
    else:
        parameters = verify.check_safetensors(folder / verify.WEIGHTS)
    return f'{name}: {parameters / 1e6:.1f} M parameters, whole, in {folder}'


def show_progress(here: int, total: int) -> None:
    """Show on a terminal how much of a file is here."""
    if not sys.stderr.isatty():
        return
    share = f' of {total / 1e6:.1f} MB, {here / total:.0%}' if total else ' MB'
    end = '\n' if here == total else ''
    print(f'\r  {here / 1e6:.1f}{share}', end=end, file=sys.stderr, flush=True)
