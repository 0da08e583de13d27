# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A report as a table for the terminal and as JSON for programs."""

from __future__ import annotations

import math
from typing import Any

from depth_ros import __version__
from depth_ros.lab.eval.metrics import Metric
from depth_ros.lab.eval.runner import FrameResult, ModelResult, Report

SCHEMA = 1
HEADLINES = ('epe', 'bad2', 'abs_rel', 'delta1')  # reported for every group of frames


def number(value: float) -> str:
    """Return four significant digits, or a dash where there is no value."""
    return f'{value:.4g}' if math.isfinite(value) else '-'


def best(report: Report, metric: Metric) -> set[int]:
    """Return the models that are best in a metric; none where the values do not compare."""
    if len(_alignments(report)) > 1 or len(_frame_sets(report)) > 1:
        return set()
    values = {i: model.mean(metric.name) for i, model in enumerate(report.models)}
    known = {i: v for i, v in values.items() if math.isfinite(v)}
    if len(set(known.values())) < 2:
        return set()
    top = max(known.values()) if metric.higher_is_better else min(known.values())
    return {i for i, value in known.items() if value == top}


def _alignments(report: Report) -> set[str]:
    return {' '.join(model.alignments) for model in report.models if model.measured}


def _frame_sets(report: Report) -> set[tuple[str, ...]]:
    return {tuple(f.name for f in model.measured) for model in report.models if model.measured}


def rows(report: Report) -> list[tuple[str, list[str]]]:
    """Return what the table says: a name, and one text per model."""
    models = report.models
    table = [
        ('kind', [m.info.kind.value if m.info else '-' for m in models]),
        ('alignment', [' '.join(m.alignments) or '-' for m in models]),
    ]
    table += [(_title(metric), _values(report, metric)) for metric in report.columns]
    if report.scale:
        for when in ('before', 'after'):
            errors = [number(100 * m.scale_error(when)) for m in models]
            table.append((f'scale error {when} [%] ↓', errors))
    table += [
        (
            'coverage [%] ↑',
            [f'{100 * m.coverage:.1f}' if m.measured else '-' for m in models],
        ),
        ('frames', [f'{len(m.measured)}/{len(m.frames)}' for m in models]),
        ('time [ms]', [number(m.milliseconds) for m in models]),
    ]
    return table


def group_rows(report: Report) -> list[tuple[str, list[str]]]:
    """Return what the table says of each group of frames, in words and cells like `rows`."""
    table = []
    groups = report.groups()
    for metric in report.columns:
        if metric.name in HEADLINES and groups:
            table.append((_title(metric), [''] * len(report.models)))
            for name, group in groups.items():
                if metric not in group.columns:  # as sets of single images have no disparity
                    continue
                count = max(len(model.frames) for model in group.models)
                table.append((f'  {name or "others"} ({count})', _values(group, metric)))
    return table


def _title(metric: Metric) -> str:
    unit = f' [{metric.unit}]' if metric.unit else ''
    return f'{metric.label}{unit} {"↑" if metric.higher_is_better else "↓"}'


def _values(report: Report, metric: Metric) -> list[str]:
    leaders = best(report, metric)
    return [
        number(model.mean(metric.name)) + (' *' if i in leaders else '')
        for i, model in enumerate(report.models)
    ]


def notes(report: Report) -> list[str]:
    """Return the sentences without which the table could mislead."""
    found = []
    if len(_alignments(report)) > 1:
        found.append('The models are aligned differently: their metrics do not compare.')
    if len(_frame_sets(report)) > 1:
        found.append('The models were measured on different frames: their means do not compare.')
    coverages = [m.coverage for m in report.models if m.measured]
    if not report.common and coverages and max(coverages) - min(coverages) > 0.01:
        found.append(
            'The models give different shares of the pixels (coverage) and each is judged on its '
            'own; --common judges the pixels that all of them give.'
        )
    return found


def failures(report: Report) -> list[str]:
    """Return one line per model that could not be made and per frame that could not be judged."""
    lines = []
    for model in report.models:
        if model.error:
            lines.append(f'{model.label}: not run: {model.error}')
        lines += [f'{model.label}: frame {frame.name}: {frame.error}' for frame in model.failed]
    return lines


GROUND_NOTES = {
    'nothing': '',
    'known': ', ground known in {} frames',
    'seen': ', ground known in {} frames, taken from the truth where the data set has none',
}


def heading(report: Report) -> str:
    pixels = ', pixels that every model gives' if report.common else ''
    ground = GROUND_NOTES[report.ground].format(report.grounds)
    layout = report.data.layout.name
    scale = f', metres by the source {report.scale}' if report.scale else ''
    return f'{report.data} (layout {layout}), protocol {report.protocol}{pixels}{ground}{scale}'


def text_table(report: Report, groups: bool = False) -> str:
    """Return the table as text, metrics down and models across."""
    cells = [('', [m.label for m in report.models]), *rows(report)]
    by_group = group_rows(report) if groups else []
    if by_group:
        cells += [('', []), *by_group]
    if len(report.models) > 1:  # keep the columns straight beside the marks of the best
        cells = [(n, [t if t.endswith(' *') else f'{t}  ' for t in row]) for n, row in cells]
    first = max(len(name) for name, _ in cells)
    widths = [max(len(row[i]) for _, row in cells if row) for i in range(len(report.models))]
    lines = [heading(report), '']
    for name, row in cells:
        values = '  '.join(text.rjust(width) for text, width in zip(row, widths))
        lines.append(f'{name:<{first}}  {values}'.rstrip())
    lines.append('')
    if any(text.endswith(' *') for _, row in cells for text in row):
        lines += ['* best; ↓ smaller is better, ↑ larger is better']
    if groups and not report.groups():
        lines.append('All frames are of one group.')
    lines += notes(report)
    return '\n'.join(lines).rstrip()


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def report_to_json(report: Report) -> dict[str, Any]:
    """Return the report as plain JSON types; what is not known is null."""
    protocol = report.protocol
    return {
        'schema': SCHEMA,
        'depth_ros': __version__,
        'data': str(report.data),
        'layout': report.data.layout.name,
        'protocol': {
            'name': protocol.name,
            'min_depth': protocol.min_depth,
            'max_depth': _finite(protocol.max_depth),
            'crop': protocol.crop,
            'alignment': protocol.alignment,
            'common': report.common,
        },
        'ground': report.ground,
        'grounds': None if report.ground == 'nothing' else report.grounds,
        'scale': report.scale or None,
        'notes': notes(report),
        'models': [_model(model, report.columns) for model in report.models],
        'groups': {name: _group(group, report) for name, group in report.groups().items()},
    }


def _group(group: Report, report: Report) -> list[dict[str, Any]]:
    return [
        {
            'label': model.label,
            'metrics': _means(model, report.columns),
            'measured': len(model.measured),
            'failed': len(model.failed),
        }
        for model in group.models
    ]


def _means(model: ModelResult, columns: list[Metric]) -> dict[str, float | None]:
    return {c.name: _finite(model.mean(c.name)) for c in columns}


def _model(model: ModelResult, columns: list[Metric]) -> dict[str, Any]:
    info = model.info
    return {
        'label': model.label,
        'name': info.name if info else None,
        'kind': info.kind.value if info else None,
        'licence': info.licence if info else None,
        'device': info.device if info else None,
        'options': dict(model.options),
        'error': model.error or None,
        'alignment': model.alignments,
        'metrics': _means(model, columns),
        'scale_error_before': _finite(model.scale_error('before')),
        'scale_error_after': _finite(model.scale_error('after')),
        'coverage': _finite(model.coverage),
        'milliseconds': _finite(model.milliseconds),
        'measured': len(model.measured),
        'failed': len(model.failed),
        'frames': [_frame(frame) for frame in model.frames],
    }


def _frame(frame: FrameResult) -> dict[str, Any]:
    if frame.error:
        return {'name': frame.name, 'error': frame.error}
    return {
        'name': frame.name,
        'alignment': frame.alignment,
        'fits': {k: {'scale': f.scale, 'shift': f.shift} for k, f in frame.fits.items()},
        'metrics': {k: _finite(v) for k, v in frame.metrics.items()},
        'scale_before': _finite(frame.scale_before),
        'scale_after': _finite(frame.scale_after),
        'coverage': _finite(frame.coverage),
        'pixels': frame.pixels,
        'milliseconds': _finite(frame.seconds * 1e3),
    }
