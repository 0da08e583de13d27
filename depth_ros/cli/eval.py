# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`depth_ros eval`: measure models against ground truth, side by side."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from depth_ros.cli.model_options import make_model, parse_options
from depth_ros.files.writing import make_folder, write_text
from depth_ros.lab.eval.align import ALIGNMENTS
from depth_ros.lab.eval.layouts import LAYOUTS, open_datasets
from depth_ros.lab.eval.page import Book
from depth_ros.lab.eval.protocol import CROPS, PROTOCOLS, make_protocol
from depth_ros.lab.eval.runner import Contestant, evaluate
from depth_ros.lab.eval.scale import SOURCES
from depth_ros.lab.eval.table import failures, report_to_json, text_table
from depth_ros.types import DepthError


class _Entry(argparse.Action):
    """
    Gather --model and --option in the order they are given.

    An option belongs to the model before it; one before every model belongs to all of them.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        entries = list(getattr(namespace, self.dest) or [])
        entries.append(('model' if option_string == '--model' else 'option', str(values)))
        setattr(namespace, self.dest, entries)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--data',
        type=Path,
        action='append',
        required=True,
        metavar='DIR',
        help='the data set; give several to measure them as one',
    )
    parser.add_argument(
        '--layout',
        metavar='NAME',
        help=f'how DIR is arranged, instead of what is recognised: {", ".join(LAYOUTS)}',
    )
    parser.add_argument(
        '--model',
        dest='entries',
        action=_Entry,
        required=True,
        metavar='NAME',
        help='a model; give several to see them side by side',
    )
    parser.add_argument(
        '--option',
        dest='entries',
        action=_Entry,
        metavar='NAME=VALUE',
        help='an option of the model before it, or of all models if given before the first',
    )
    rules = parser.add_argument_group('the rules')
    rules.add_argument(
        '--protocol', choices=tuple(PROTOCOLS), help='default: the usual one of the layout'
    )
    rules.add_argument(
        '--alignment',
        choices=('auto', *ALIGNMENTS),
        help='how a prediction is brought to scale first; default auto: no more than its kind '
        'needs',
    )
    rules.add_argument('--crop', choices=CROPS, help='judge only this part of the image')
    rules.add_argument('--min-depth', type=float, metavar='M', help='judge truth from here')
    rules.add_argument('--max-depth', type=float, metavar='M', help='judge truth up to here')
    rules.add_argument(
        '--common', action='store_true', help='judge only pixels that every model gives'
    )
    rules.add_argument(
        '--ground',
        nargs='?',
        choices=('known', 'seen'),
        const='known',
        default='nothing',
        help='tell the models where the ground below the camera is, in frames that know it '
        '(known, if nothing is said) or in whose truth it is seen',
    )
    rules.add_argument(
        '--scale',
        choices=SOURCES,
        metavar='SOURCE',
        help='give predictions the metres of a source that is simulated from the truth, '
        f'{" or ".join(SOURCES)}, and report the error of scale before and after',
    )
    rules.add_argument('--limit', type=int, metavar='N', help='measure the first N frames only')
    output = parser.add_argument_group('what is written')
    output.add_argument(
        '--groups',
        action='store_true',
        help='also by groups of frames: what their folders are called before a number, as the '
        'kinds of scenes of `depth_ros synth`, or by --data if there are several',
    )
    output.add_argument('--json', metavar='FILE', help='everything as JSON; - replaces the table')
    output.add_argument('--html', type=Path, metavar='FILE', help='one page with images')
    output.add_argument(
        '--images', type=int, default=8, metavar='N', help='frames on the page, default 8'
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure, print the table, and return 0 where every model was measured on some frame."""
    if arguments.limit is not None and arguments.limit < 1:
        raise DepthError(f'--limit is {arguments.limit}, expected 1 frame or more')
    if arguments.images < 0:
        raise DepthError(f'--images is {arguments.images}, expected 0 frames or more')
    contestants = make_contestants(arguments.entries)
    data = open_datasets(arguments.data, arguments.layout)
    protocol = make_protocol(
        arguments.protocol or data.layout.protocol,
        min_depth=arguments.min_depth,
        max_depth=arguments.max_depth,
        crop=arguments.crop,
        alignment=arguments.alignment,
    )
    frames = len(data.sources[: arguments.limit])
    book = Book(frames, arguments.images if arguments.html else 0)
    report = evaluate(
        data,
        contestants,
        protocol,
        arguments.limit,
        book.watch,
        common=arguments.common,
        ground=arguments.ground,
        scale=arguments.scale or '',
    )
    if arguments.json:
        text = json.dumps(report_to_json(report), indent=2, allow_nan=False, ensure_ascii=False)
        if arguments.json == '-':
            print(text)
        else:
            _write(Path(arguments.json), text + '\n')
    if arguments.json != '-':
        print(text_table(report, arguments.groups))
    if arguments.html:
        _write(arguments.html, book.html(report, arguments.groups))
    for line in failures(report):
        print(f'depth_ros eval: {line}', file=sys.stderr)
    return 0 if all(model.measured for model in report.models) else 1


def make_contestants(entries: Sequence[tuple[str, str]]) -> list[Contestant]:
    """Return the models with their options; unknown names and options are refused at once."""
    common: list[str] = []
    asked: list[tuple[str, list[str]]] = []
    for kind, text in entries:
        if kind == 'model':
            asked.append((text, list(common)))
        elif asked:
            asked[-1][1].append(text)
        else:
            common.append(text)
    if not asked:
        raise DepthError('no model is given; add --model NAME')
    names = [name for name, _ in asked]
    contestants: list[Contestant] = []
    for name, given in asked:
        options = parse_options(name, given)
        said = ', '.join(f'{key}={value}' for key, value in options.items())
        label = f'{name} ({said})' if said and names.count(name) > 1 else name
        taken = [c.label for c in contestants].count(label)
        label = f'{label} #{taken + 1}' if taken else label
        contestants.append(Contestant(label, partial(make_model, name, given), options))
    return contestants


def _write(path: Path, text: str) -> None:
    make_folder(path.parent)
    write_text(path, text)
