# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What is written beside a finished recording: the table, the page, the video."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from depth_ros.files.bags.content import BagError
from depth_ros.reprocess.export import write_video
from depth_ros.reprocess.job import Summary, images_of, rows_of
from depth_ros.reprocess.report import write_csv, write_page
from depth_ros.reprocess.settings import BagJob


def write_extras(
    job: BagJob, summary: Summary, parts: int, *, csv: bool, report: bool
) -> list[Path]:
    """Write what was asked for into the folder of the output; return the files."""
    out, written = Path(job.out), []
    rows = rows_of(job, parts)
    images = images_of(job)
    if csv:
        written.append(out / 'frames.csv')
        write_csv(written[-1], rows)
    if report:
        settings = {'model': job.model, 'recording': job.source}
        settings |= {name: str(value) for name, value in {**job.options, **job.parameters}.items()}
        written.append(out / 'report.html')
        write_page(written[-1], summary, settings, rows, images)
    if job.export.video:
        written.append(out / 'video.mp4')
        if not images:
            raise BagError(f'there are no frames for {written[-1]}; see the problems above')
        write_video(written[-1], images, _rate([int(p.stem) for p in images]))
    return written


def _rate(times: Sequence[int]) -> float:
    """Return frames per second by the median distance of the times."""
    steps = sorted(b - a for a, b in pairwise(times) if b > a)
    if not steps:
        return 10.0
    return min(max(1e9 / steps[len(steps) // 2], 1.0), 120.0)
