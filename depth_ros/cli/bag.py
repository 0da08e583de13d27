# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`depth_ros bag`: recordings in, recordings with depth out. No ROS needed."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from depth_ros.cli.model_options import add_option_argument, parse_options
from depth_ros.cli.progress import ProgressLine
from depth_ros.files.bags.content import BagError
from depth_ros.files.bags.mcap_writer import COMPRESSIONS
from depth_ros.files.bags.reader import find_bags
from depth_ros.models.registry import DEFAULT_MONO, DEFAULT_STEREO
from depth_ros.nodes.parameters.spec import ParameterSpec, Value
from depth_ros.nodes.parameters.specs import MONO, STEREO
from depth_ros.reprocess.export import FORMATS
from depth_ros.reprocess.extras import write_extras
from depth_ros.reprocess.job import Plan, Summary, check_output, clear, jobs_for, plan, run_job
from depth_ros.reprocess.report import IMAGES
from depth_ros.reprocess.settings import BagJob, Export
from depth_ros.reprocess.topics import Choice
from depth_ros.types import DepthError

_TOPICS = {
    'image': 'the image of a model of one view; found by type and name',
    'camera_info': 'its calibration; the one beside the image',
    'left': 'the left image, for a model of two views; found by name',
    'right': 'the right image',
    'left_info': 'the calibration of the left image',
    'right_info': 'the calibration of the right image',
    'prompt': 'measured depth, for models that take one beside the image',
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'recordings',
        nargs='+',
        type=Path,
        metavar='IN',
        help='rosbag2 folders, .mcap or .db3 files, or folders of them',
    )
    parser.add_argument(
        '--out',
        type=Path,
        required=True,
        help='the new recording; of several IN, a folder with one recording each',
    )
    parser.add_argument(
        '--model', help=f'default {DEFAULT_MONO}, with --left and --right {DEFAULT_STEREO}'
    )
    add_option_argument(parser)
    parser.add_argument(
        '--param',
        action='append',
        default=[],
        metavar='NAME=VALUE',
        help='a parameter of the node, such as points_fields=xyz; may be repeated',
    )
    topics = parser.add_argument_group('topics')
    for name, text in _TOPICS.items():
        topics.add_argument(f'--{name.replace("_", "-")}', default='', metavar='TOPIC', help=text)
    topics.add_argument(
        '--output',
        action='append',
        default=[],
        metavar='TOPIC',
        help='write only this output of the node, such as depth/image; may be repeated; '
        'default all but images in colours',
    )
    topics.add_argument(
        '--copy',
        action='append',
        default=[],
        metavar='TOPIC',
        help='copy this input topic, all for every one; may be repeated',
    )
    topics.add_argument(
        '--namespace', default='', help='of the outputs; default the name of the node'
    )
    files = parser.add_argument_group('files')
    files.add_argument(
        '--compression', choices=COMPRESSIONS, default='none', help='of chunks; default none'
    )
    files.add_argument(
        '--split',
        type=float,
        default=0.0,
        metavar='SECONDS',
        help='of recording per file; the files can be computed in parallel',
    )
    files.add_argument('--csv', action='store_true', help='write OUT/frames.csv')
    files.add_argument('--report', action='store_true', help='write OUT/report.html')
    files.add_argument(
        '--video', action='store_true', help='write OUT/video.mp4, image and depth side by side'
    )
    files.add_argument(
        '--frames',
        type=Path,
        metavar='DIR',
        help='write each frame as files that train and eval read',
    )
    files.add_argument(
        '--frame-format',
        action='append',
        default=[],
        choices=FORMATS,
        help='with --frames, besides PNG; may be repeated',
    )
    files.add_argument('--overwrite', action='store_true', help='begin anew')
    work = parser.add_argument_group('work')
    work.add_argument(
        '--threads', type=int, default=0, help='processor threads of the model; 0 is all'
    )
    work.add_argument('--on', choices=('here', 'ray'), default='here', help='where to compute')
    work.add_argument('--address', help='of a Ray cluster; without one Ray is started here')
    work.add_argument(
        '--workers', type=int, default=0, help='with ray, at most so many at a time; 0 is all'
    )


def run(arguments: argparse.Namespace) -> int:
    """Process every recording; return 0 where all of them have a frame for every image."""
    jobs = _jobs(arguments)
    for job in jobs:
        check_output(job)
        if arguments.overwrite:
            clear(job)
    plans, failures = _plans(jobs)
    weights = {
        (job.source, part.number): max(planned.images // len(planned.parts), 1)
        for job in jobs
        if (planned := plans.get(job.source)) is not None
        for part in planned.parts
    }
    line, begun = ProgressLine(weights), time.monotonic()
    todo = [job for job in jobs if job.source in plans]
    try:
        summaries = _run(todo, plans, arguments, line, failures)
    finally:
        line.close()
    extras = {'csv': arguments.csv, 'report': arguments.report}
    for job in todo:
        if job.source in summaries:
            count = len(plans[job.source].parts)
            for path in write_extras(job, summaries[job.source], count, **extras):
                print(path)
    if summaries:
        print(_table(summaries, plans, line.frames, time.monotonic() - begun))
    for source, error in failures.items():
        print(f'depth_ros bag: {source}: {error}', file=sys.stderr)
    if failures and len(jobs) == 1:
        return 2
    return 1 if failures or any(s.failed for s in summaries.values()) else 0


def _jobs(arguments: argparse.Namespace) -> list[BagJob]:
    if arguments.split < 0 or arguments.workers < 0 or arguments.threads < 0:
        raise DepthError('--split, --workers and --threads must not be negative')
    choice = Choice(**{name: getattr(arguments, name) for name in _TOPICS})
    model = arguments.model or (DEFAULT_STEREO if choice.is_pair else DEFAULT_MONO)
    export = Export(
        frames=str(arguments.frames.resolve()) if arguments.frames else '',
        formats=tuple(dict.fromkeys(arguments.frame_format)),
        images=IMAGES if arguments.report else 0,
        video=arguments.video,
    )
    if export.formats and not export.frames:
        raise DepthError('--frame-format is for --frames; give --frames DIR with it')
    job = BagJob(
        source='',
        out=str(arguments.out.resolve()),
        model=model,
        options=parse_options(model, arguments.option),
        parameters=parse_parameters(arguments.param),
        choice=choice,
        outputs=tuple(dict.fromkeys(name.strip('~/') for name in arguments.output)),
        copy=tuple('*' if name == 'all' else name for name in dict.fromkeys(arguments.copy)),
        namespace=arguments.namespace,
        compression=arguments.compression,
        split=arguments.split,
        export=export,
        threads=arguments.threads,
    )
    sources = [path.resolve() for given in arguments.recordings for path in find_bags(given)]
    return jobs_for(list(dict.fromkeys(sources)), job)


def parse_parameters(given: Sequence[str]) -> dict[str, Value]:
    """Return the values of NAME=VALUE in the types of the nodes' parameters."""
    specs = {spec.name: spec for spec in (*MONO, *STEREO)}
    values: dict[str, Value] = {}
    for item in given:
        name, equals, text = item.partition('=')
        if not equals:
            raise DepthError(f'parameter {item!r} has no value; write {item}=VALUE')
        if name not in specs:
            raise DepthError(
                f'there is no parameter {name!r}; docs/mono_depth.md and docs/stereo_depth.md '
                'list them'
            )
        values[name] = _value(specs[name], text)
    return values


def _value(spec: ParameterSpec, text: str) -> Value:
    kind = type(spec.default)
    value: Value = text
    if kind is bool:
        value = {'true': True, 'false': False}.get(text.lower(), text)
    elif kind in (int, float):
        try:
            value = kind(text)  # type: ignore[arg-type]
        except ValueError:
            pass  # the check below says what was expected
    return spec.check(value)


def _plans(jobs: Sequence[BagJob]) -> tuple[dict[str, Plan], dict[str, str]]:
    """Return what each recording needs; one that cannot be used does not stop the others."""
    plans, failures = {}, {}
    for job in jobs:
        try:
            plans[job.source] = plan(job)
        except BagError as error:
            failures[job.source] = str(error)
    return plans, failures


def _run(
    jobs: Sequence[BagJob],
    plans: Mapping[str, Plan],
    arguments: argparse.Namespace,
    line: ProgressLine,
    failures: dict[str, str],
) -> dict[str, Summary]:
    if arguments.on == 'ray':
        from depth_ros.reprocess.fleet import run_fleet

        return run_fleet(jobs, plans, line, failures, arguments.address, arguments.workers)
    summaries = {}
    for job in jobs:
        try:
            summaries[job.source] = run_job(job, line, plans[job.source])
        except BagError as error:
            failures[job.source] = str(error)
    return summaries


def _table(
    summaries: Mapping[str, Summary], plans: Mapping[str, Plan], frames: int, seconds: float
) -> str:
    lines = []
    for source, summary in summaries.items():
        topics = ', '.join(plans[source].topics)
        lines.append(f'{summary.out}: {summary.frames} of {summary.images} images of {topics}')
        lines += [f'  {count} lost: {why}' for why, count in summary.problems.items()]
        lines += [f'  damaged: {text}' for text in summary.damage]
    if frames:
        lines.append(f'{frames} frames in {seconds:.1f} s, {frames / max(seconds, 1e-3):.1f}/s')
    elif summaries:
        lines.append('all was there already; --overwrite computes it anew')
    return '\n'.join(lines)
