# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the demo measured: rates, latencies, and the error against the exact depth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from depth_ros import __version__
from depth_ros.geometry.depth_values import is_valid

# Models that know the floor and nothing else are judged there.
KNOWS_THE_FLOOR_ONLY = ('floor',)


def make_report(
    folder: Path, truth: dict[str, np.ndarray], models: dict[str, str]
) -> dict[str, Any]:
    """Compare what the recorder wrote with what was played and with the exact depth."""
    arrivals = json.loads((folder / 'arrivals.json').read_text())
    played = dict(
        np.loadtxt(folder / 'played.csv', dtype=np.int64, delimiter=',', ndmin=2).tolist()
    )
    sources = {}
    for source, model in models.items():
        judged = 'floor' if model in KNOWS_THE_FLOOR_ONLY else 'depth'
        with np.load(folder / f'{source}.npz') as recorded:
            stamps, depths = recorded['stamps'], recorded['depths']
        sources[source] = {
            'model': model,
            'frames': len(stamps),
            'judged_on': 'every pixel' if judged == 'depth' else 'pixels of the floor',
            **_error(stamps, depths, played, truth, judged),
        }
    return {
        'version': __version__,
        'topics': {topic: _timing(times, played) for topic, times in arrivals.items()},
        'sources': sources,
    }


def _timing(times: list[list[int]], played: dict[int, int]) -> dict[str, Any]:
    """Return rate, latency from the image's stamp to arrival, and how many stamps matched."""
    if not times:
        return {'messages': 0}
    stamps, ages = np.array(times, np.int64).T
    span = (stamps[-1] - stamps[0]) / 1e9
    offered = [s for s in played if stamps[0] <= s <= stamps[-1]]
    return {
        'messages': len(stamps),
        'offered': len(offered),
        'rate_hz': round((len(stamps) - 1) / span, 2) if span > 0 else 0.0,
        'latency_ms_p50': round(float(np.percentile(ages, 50)) / 1e6, 2),
        'latency_ms_p99': round(float(np.percentile(ages, 99)) / 1e6, 2),
        'stamps_match_input': bool(all(int(s) in played for s in stamps)),
    }


def _error(
    stamps: np.ndarray,
    depths: np.ndarray,
    played: dict[int, int],
    truth: dict[str, np.ndarray],
    judged: str,
) -> dict[str, Any]:
    """Return relative errors over all recorded frames."""
    errors, ratios, judged_pixels = [], [], 0
    for stamp, depth in zip(stamps, depths, strict=True):
        frame = played[int(stamp)]
        exact = truth['depth'][frame]
        mask = is_valid(exact)
        if judged == 'floor':
            mask &= truth['floor'][frame]
        judged_pixels += int(mask.sum())
        mask &= is_valid(depth)
        ratios.append(depth[mask] / exact[mask])
        errors.append(np.abs(ratios[-1] - 1))
    relative = np.concatenate(errors) if errors else np.zeros(0)
    if not relative.size:
        return {'valid': 0.0}
    return {
        'valid': round(relative.size / max(judged_pixels, 1), 4),
        'scale_error': float(f'{np.median(np.concatenate(ratios)) - 1:.3g}'),
        'abs_rel_median': float(f'{np.median(relative):.3g}'),
        'abs_rel_mean': float(f'{relative.mean():.3g}'),
        'within_5_percent': round(float((relative < 0.05).mean()), 4),
        'within_25_percent': round(float((relative < 0.25).mean()), 4),
    }


def report_table(report: dict[str, Any]) -> str:
    """Return the short table for the terminal."""
    rows = [('topic', 'messages', 'rate Hz', 'latency p50 ms', 'p99 ms')]
    for topic, facts in report['topics'].items():
        if facts['messages']:
            numbers = (facts['rate_hz'], facts['latency_ms_p50'], facts['latency_ms_p99'])
            rows.append(
                (topic, f'{facts["messages"]}/{facts["offered"]}', *(f'{n:.1f}' for n in numbers))
            )
        else:
            rows.append((topic, '0', '-', '-', '-'))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        '  '.join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    for name, facts in report['sources'].items():
        if facts.get('valid'):
            lines.append(
                f'{name} ({facts["model"]}), {facts["judged_on"]}: {facts["valid"]:.0%} valid, '
                f'relative error median {facts["abs_rel_median"]:.2%}, mean '
                f'{facts["abs_rel_mean"]:.2%}; {facts["within_5_percent"]:.0%} within 5 %, '
                f'{facts["within_25_percent"]:.0%} within 25 %; scale off by '
                f'{facts["scale_error"]:+.1%}'
            )
    return '\n'.join(['', *lines, ''])
