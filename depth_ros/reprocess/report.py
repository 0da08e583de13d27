# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A table and a page about one recording: what each frame took, how much of it is valid."""

from __future__ import annotations

import base64
import csv
import html
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from depth_ros.reprocess.job import Summary

COLUMNS = ('time', 'stamp', 'valid', 'near', 'middle', 'far', 'scale')
STAGES = ('convert', 'pipeline', 'build')
IMAGES = 24
Pick = Callable[[Mapping[str, Any]], float | None]
_POINTS = 1200  # of a curve; more cannot be seen
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; color: #222; }
table { border-collapse: collapse; } td, th { padding: .15rem 1rem .15rem 0; text-align: left; }
figure { margin: 1rem 0; } img { width: 100%; } figcaption { color: #666; }
.images { display: grid; grid-template-columns: repeat(2, 1fr); gap: 0 1rem; }
svg { width: 100%; height: 9rem; background: #f6f6f6; } polyline { fill: none; stroke-width: 1.5; }
"""


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write one line per frame; times in nanoseconds, stages in milliseconds."""
    with path.open('w', newline='', encoding='utf-8') as stream:
        writer = csv.writer(stream)
        writer.writerow([*COLUMNS, *(f'{stage}_ms' for stage in STAGES), 'problem'])
        for row in rows:
            if 't' in row:
                values = [row['t'], row['stamp'], *(row.get(name, '') for name in COLUMNS[2:])]
                stages = [row.get('ms', {}).get(stage, '') for stage in STAGES]
                writer.writerow([*values, *stages, row.get('problem', '')])


def write_page(
    path: Path,
    summary: Summary,
    settings: Mapping[str, str],
    rows: Sequence[Mapping[str, Any]],
    images: Sequence[Path],
) -> None:
    """Write one HTML file with curves over time and images; it needs nothing beside it."""
    frames = [row for row in rows if 't' in row]
    start = frames[0]['t'] if frames else 0
    parts = [
        f'<h1>{html.escape(Path(summary.source).name)}</h1>',
        _table(_facts(summary, settings)),
        *_curves(frames, start),
        '<h2>Over time</h2><div class="images">',
        *(_image_of(image, start) for image in _some(images, IMAGES)),
        '</div>',
    ]
    title = html.escape(f'{Path(summary.out).name}: depth over time')
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<title>{title}</title><style>{_STYLE}</style>\n' + '\n'.join(parts) + '</html>\n'
    )
    path.write_text(page, encoding='utf-8')


def _facts(summary: Summary, settings: Mapping[str, str]) -> dict[str, str]:
    facts = {**settings, 'images': str(summary.images), 'frames': str(summary.frames)}
    facts |= {f'lost: {why}': str(count) for why, count in summary.problems.items()}
    facts |= {f'damage {i}': text for i, text in enumerate(summary.damage, 1)}
    return facts | {topic: f'{count} messages' for topic, count in summary.topics.items()}


def _table(facts: Mapping[str, str]) -> str:
    rows = (
        f'<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>'
        for name, value in facts.items()
    )
    return f'<table>{"".join(rows)}</table>'


def _curves(frames: Sequence[Mapping[str, Any]], start: int) -> list[str]:
    wanted: dict[str, tuple[str, dict[str, Pick]]] = {
        'Valid share': ('%', {'valid': partial(_pick, 'valid', 100.0)}),
        'Depth': ('m', {name: partial(_pick, name, 1.0) for name in ('near', 'middle', 'far')}),
        'Scale': ('', {'scale': partial(_pick, 'scale', 1.0)}),
        'Time per frame': ('ms', {stage: partial(_stage, stage) for stage in STAGES}),
    }
    found = []
    for title, (unit, lines) in wanted.items():
        series = {
            name: [((row['t'] - start) * 1e-9, v) for row in frames if (v := of(row)) is not None]
            for name, of in lines.items()
        }
        series = {name: _some(points, _POINTS) for name, points in series.items() if points}
        if series:
            found.append(f'<h2>{title}</h2>{_chart(series, unit)}')
    return found


def _pick(name: str, factor: float, row: Mapping[str, Any]) -> float | None:
    value = row.get(name)
    return None if value is None else float(value) * factor


def _stage(name: str, row: Mapping[str, Any]) -> float | None:
    value = row.get('ms', {}).get(name)
    return None if value is None else float(value)


def _chart(series: Mapping[str, Sequence[tuple[float, float]]], unit: str) -> str:
    """Return curves as SVG, with what they are and their range in words below."""
    points = [point for line in series.values() for point in line]
    last = max(x for x, _ in points) or 1.0
    top = max(y for _, y in points) or 1.0
    lines = []
    for colour, line in zip(('#d95f02', '#1b6ca8', '#4a9', '#888'), series.values()):
        path = ' '.join(f'{1000 * x / last:.1f},{195 - 190 * y / top:.1f}' for x, y in line)
        lines.append(f'<polyline points="{path}" stroke="{colour}"/>')
    words = []
    for colour, (name, line) in zip(('#d95f02', '#1b6ca8', '#4a9', '#888'), series.items()):
        ordered = sorted(y for _, y in line)
        middle = ordered[len(ordered) // 2]
        words.append(
            f'<span style="color:{colour}">&#9644;</span> {html.escape(name)}: '
            f'{ordered[0]:.3g} to {ordered[-1]:.3g} {unit}, median {middle:.3g}'
        )
    caption = '; '.join(words) + f'; {last:.1f} s'
    return (
        '<figure><svg viewBox="0 0 1000 200" preserveAspectRatio="none">'
        + ''.join(lines)
        + f'</svg><figcaption>{caption}</figcaption></figure>'
    )


def _image_of(path: Path, start: int) -> str:
    data = base64.b64encode(path.read_bytes()).decode('ascii')
    seconds = (int(path.stem) - start) * 1e-9
    return (
        f'<figure><img alt="image and depth" src="data:image/jpeg;base64,{data}">'
        f'<figcaption>{seconds:.2f} s</figcaption></figure>'
    )


def _some(items: Sequence[Any], count: int) -> list[Any]:
    """Return at most so many of the items, evenly spread."""
    if len(items) <= count:
        return list(items)
    return [items[round(i * (len(items) - 1) / (count - 1))] for i in range(count)]
