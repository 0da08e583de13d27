# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A report as one HTML file that needs nothing else: tables, and images of chosen frames."""

from __future__ import annotations

import base64
import html
import math
from dataclasses import dataclass, field

import numpy as np

from depth_ros.lab.eval import table
from depth_ros.lab.eval.drawing import (
    NO_PREDICTION,
    NO_TRUTH,
    STEP_COLORS,
    draw_error,
    draw_prediction,
    draw_truth,
    encode,
    range_text,
    shows_disparity,
    step_labels,
)
from depth_ros.lab.eval.frames import Frame
from depth_ros.lab.eval.measure import Measurement
from depth_ros.lab.eval.runner import Report
from depth_ros.types import Image

WIDTH = 480

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1400px; margin: 2rem auto;
       padding: 0 1rem; }
h1 { font-size: 1.4rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin-top: 2.2rem; }
p.what { margin-top: .2rem; opacity: .75; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .8rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:first-child { text-align: left; font-weight: 500; }
td.best { font-weight: 700; background: var(--soft); }
.strip { display: grid; gap: .6rem; margin: .4rem 0 1.2rem;
         grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); }
figure { margin: 0; } figure img { width: 100%; display: block; border-radius: 4px;
         background: #101012; }
figcaption { font-size: .82rem; opacity: .85; padding-top: .2rem; }
.key { display: flex; flex-wrap: wrap; gap: .3rem 1rem; font-size: .85rem; }
.key i { display: inline-block; width: 1.1em; height: 1.1em; vertical-align: -.2em;
         border-radius: 3px; margin-right: .35em; border: 1px solid var(--line); }
"""


@dataclass
class _Page:
    """The images of one frame: what is shared, and what each model adds."""

    name: str
    disparity: bool
    shared: list[tuple[str, str]] = field(default_factory=list)
    models: dict[int, list[tuple[str, str]]] = field(default_factory=dict)


class Book:
    """
    Gathers images while models run; pass `watch` to `evaluate`.

    :param frames: how many frames the run has. :param images: how many of them are shown, spread
        evenly.
    """

    def __init__(self, frames: int, images: int = 8) -> None:
        count = min(frames, images)
        self._chosen = set(np.linspace(0, frames - 1, count).round().astype(int).tolist())
        self._pages: dict[int, _Page] = {}

    def watch(self, model: int, number: int, frame: Frame, seen: Measurement) -> None:
        """Keep the images of a frame that was chosen."""
        if number not in self._chosen:
            return
        page = self._pages.get(number)
        if page is None:
            page = self._pages[number] = _Page(frame.name, shows_disparity(frame))
            page.shared = [
                ('image', _source(frame.image)),
                (
                    f'truth, red to blue: {range_text(frame)}',
                    _source(draw_truth(frame), exact=True),
                ),
            ]
        if shows_disparity(frame):
            facts = [('EPE', 'epe', ' px'), ('bad-2', 'bad2', ' %')]
        else:
            facts = [('AbsRel', 'abs_rel', ''), ('δ1', 'delta1', '')]
        said = ', '.join(
            f'{label} {table.number(seen.metrics.get(key, math.nan))}{unit}'
            for label, key, unit in facts
        )
        page.models[model] = [
            ('prediction', _source(draw_prediction(frame, seen), exact=True)),
            (
                f'error: {said}, coverage {100 * seen.coverage:.0f} %',
                _source(draw_error(frame, seen), exact=True),
            ),
        ]

    def html(self, report: Report, groups: bool = False) -> str:
        """Return the page; `groups` as in `text_table`."""
        title = 'Depth measured against truth'
        parts = [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<title>{title}</title><style>{_STYLE}</style></head><body>',
            f'<h1>{title}</h1><p class="what">{html.escape(table.heading(report))}</p>',
            _table(report, groups),
            *(f'<p>{html.escape(note)}</p>' for note in table.notes(report)),
            _failures(report),
            _meanings(report),
            self._gallery(report),
            '</body></html>\n',
        ]
        return '\n'.join(part for part in parts if part)

    def _gallery(self, report: Report) -> str:
        if not self._pages:
            return ''
        parts = ['<h2>Images</h2>']
        for disparity in sorted({page.disparity for page in self._pages.values()}):
            parts.append(_key(disparity))
        for number_of in sorted(self._pages):
            page = self._pages[number_of]
            parts.append(f'<h2>{html.escape(page.name)}</h2><div class="strip">')
            parts += [_figure(caption, source) for caption, source in page.shared]
            for index, figures in sorted(page.models.items()):
                label = report.models[index].label
                parts += [_figure(f'{label}, {caption}', source) for caption, source in figures]
            parts.append('</div>')
        return '\n'.join(parts)


def _source(image: Image, exact: bool = False) -> str:
    kind, data = encode(image, WIDTH, exact)
    return f'data:{kind};base64,{base64.b64encode(data).decode()}'


def _figure(caption: str, source: str) -> str:
    text = html.escape(caption)
    return f'<figure><img alt="{text}" src="{source}"><figcaption>{text}</figcaption></figure>'


def _table(report: Report, groups: bool) -> str:
    head = ''.join(f'<th>{html.escape(model.label)}</th>' for model in report.models)
    lines = [f'<div class="scroll"><table><tr><th></th>{head}</tr>']
    for name, texts in [*table.rows(report), *(table.group_rows(report) if groups else [])]:
        cells = ''.join(
            f'<td{" class=best" * text.endswith(" *")}>{html.escape(text.removesuffix(" *"))}</td>'
            for text in texts
        )
        title = html.escape(name).replace('  ', '&emsp;')
        lines.append(f'<tr><td>{title}</td>{cells}</tr>')
    return '\n'.join([*lines, '</table></div>'])


def _failures(report: Report) -> str:
    lines = table.failures(report)
    if not lines:
        return ''
    items = ''.join(f'<li>{html.escape(line)}</li>' for line in lines)
    return f'<h2>Not measured</h2><ul>{items}</ul>'


def _meanings(report: Report) -> str:
    items = ''.join(
        f'<li><b>{html.escape(m.label)}</b> {html.escape(m.meaning)}</li>' for m in report.columns
    )
    return (
        f'<details><summary>What the rows mean</summary><ul>{items}'
        '<li><b>coverage</b> share of the pixels with truth that the model gives</li></ul>'
        '<p>Every frame weighs the same. p is the prediction after alignment, t the truth.</p>'
        '</details>'
    )


def _key(disparity: bool) -> str:
    entries = [
        *zip(step_labels(disparity), STEP_COLORS),
        ('truth, no prediction', NO_PREDICTION),
        ('no truth', NO_TRUTH),
    ]
    what = 'Error of disparity' if disparity else 'Error of depth as a share of the truth'
    swatches = ''.join(
        f'<span><i style="background:rgb{color}"></i>{html.escape(label)}</span>'
        for label, color in entries
    )
    return f'<p class="key"><span>{what}:</span>{swatches}</p>'
