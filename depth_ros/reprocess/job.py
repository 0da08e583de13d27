# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One recording in, one recording out: the function that a command and a cluster both call."""

from __future__ import annotations

import dataclasses
import errno
import math
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from depth_ros.files.bags.content import BagError, Topic
from depth_ros.files.bags.mcap_writer import DiskFull
from depth_ros.files.bags.metadata import FileFacts, write_metadata
from depth_ros.files.bags.reader import Bag
from depth_ros.reprocess.companions import Companion, PromptCompanion
from depth_ros.reprocess.journal import FOLDER, read_rows
from depth_ros.reprocess.segment import file_of, run_part
from depth_ros.reprocess.settings import BagJob, Engine, engine_for
from depth_ros.reprocess.source import Part
from depth_ros.reprocess.topics import Eye, choose

FOREVER = 2**63 - 1
SECOND = 1_000_000_000


@dataclass(frozen=True)
class Progress:
    """How far one part of a recording is; frames are counted in this run only."""

    source: str
    part: int
    share: float  # of the part, 0 to 1
    frames: int


@dataclass(frozen=True)
class Plan:
    """The parts of a recording, and how many frames it should have."""

    parts: tuple[Part, ...]
    images: int
    image_every: int
    topics: tuple[str, ...] = ()  # of the images and calibrations that are taken


@dataclass(frozen=True)
class Summary:
    """What came of one recording."""

    source: str
    out: str
    images: int
    frames: int
    problems: Mapping[str, int]
    damage: tuple[str, ...]
    topics: Mapping[str, int]

    @property
    def failed(self) -> int:
        """How many images gave no depth."""
        return self.images - self.frames


Watch = Callable[[Progress], None]


def _quiet(progress: Progress) -> None:
    """Show nothing."""


def plan(job: BagJob) -> Plan:
    """Return the parts of a job; checks that its topics are there."""
    with Bag(job.source) as bag:
        eyes = _eyes(job, bag, engine_for(job))
        images = bag.topics[eyes[0].image].count
        every = math.ceil(images / job.export.images) if job.export.images else 0
        every = 1 if job.export.video else every
        topics = tuple(topic for eye in eyes for topic in (eye.image, eye.info))
        return Plan(_parts(bag.start, bag.end, job.split), images, max(every, 0), topics)


def _parts(start: int, end: int, split: float) -> tuple[Part, ...]:
    length = round(split * SECOND)
    if length <= 0 or end <= start:
        return (Part(0, 0, FOREVER),)
    count = max(1, math.ceil((end - start + 1) / length))
    edges = [0, *(start + i * length for i in range(1, count)), FOREVER]
    return tuple(Part(i, edges[i], edges[i + 1]) for i in range(count))


def run_one_part(job: BagJob, planned: Plan, number: int, watch: Watch = _quiet) -> dict[str, Any]:
    """Do one part of a job: the unit that is sent to a worker."""
    engine = engine_for(job)
    part = planned.parts[number]
    done = 0
    with Bag(job.source) as bag:
        eyes = _eyes(job, bag, engine)
        low, high = max(part.start, bag.start), min(part.stop, bag.end)

        def written(time: int) -> None:
            nonlocal done
            done += 1
            share = (time - low) / (high - low) if high > low else 1.0
            watch(Progress(job.source, number, min(max(share, 0.0), 1.0), done))

        try:
            ending = run_part(
                job,
                part,
                bag,
                engine,
                eyes,
                _companions(job, bag, engine),
                planned.image_every,
                written,
            )
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            raise DiskFull(
                f'there is no room left in {job.out} ({error.strerror}); free some space and run '
                'the same command again to continue'
            ) from error
    watch(Progress(job.source, number, 1.0, done))
    return dict(ending)


def run_job(job: BagJob, watch: Watch = _quiet, planned: Plan | None = None) -> Summary:
    """Do a whole job, one part after the other."""
    planned = planned or plan(job)
    endings: list[dict[str, Any]] = []
    try:
        for part in planned.parts:
            endings.append(run_one_part(job, planned, part.number, watch))
    except (DiskFull, KeyboardInterrupt):
        with suppress(OSError, BagError):
            _describe(job, endings)
        raise
    return finish(job, endings)


def finish(job: BagJob, endings: Sequence[Mapping[str, Any]]) -> Summary:
    """Write what makes the files one recording, and return what came of it."""
    _describe(job, endings)
    rows = rows_of(job, len(endings))
    problems = Counter(row['problem'] for row in rows if 'problem' in row)
    for name in ('without camera_info', 'unreadable'):
        problems[name] += sum(ending[name] for ending in endings)
    images = sum(ending['images'] for ending in endings)
    frames = sum('t' in row and 'problem' not in row for row in rows)
    if (rest := images - frames - problems.total()) > 0:
        problems['without a partner in the other eye'] = rest
    totals: Counter[str] = Counter()
    for ending in endings:
        totals.update(ending['counts'])
    damage = dict.fromkeys(text for ending in endings for text in ending['damage'])
    return Summary(job.source, job.out, images, frames, +problems, tuple(damage), dict(totals))


def rows_of(job: BagJob, parts: int) -> list[dict[str, Any]]:
    """Return the rows of all parts in order."""
    return [row for number in range(parts) for row in read_rows(Path(job.out), number)]


def images_of(job: BagJob) -> list[Path]:
    """Return the images that were kept, in the order of their frames."""
    folder = Path(job.out) / FOLDER / 'images'
    return sorted(folder.glob('*.jpg'), key=lambda path: int(path.stem))


def clear(job: BagJob) -> None:
    """Remove the output of an earlier job, and nothing else from its folder."""
    out = Path(job.out)
    for path in [*out.glob(f'{job.name}_*.mcap'), *out.glob('metadata.yaml')]:
        path.unlink()
    shutil.rmtree(out / FOLDER, ignore_errors=True)


def check_output(job: BagJob) -> None:
    """Refuse a folder that holds something else."""
    out = Path(job.out)
    if out.exists() and not out.is_dir():
        raise BagError(f'{out} is a file, expected a folder to write to; give another --out')
    source = Path(job.source).resolve()
    if out.resolve() in (source, source.parent if source.is_file() else source):
        raise BagError(f'{out} holds the input; give another --out')
    if out.is_dir() and any(out.iterdir()) and not (out / FOLDER).is_dir():
        raise BagError(f'{out} is not empty and was not begun here; give another --out')


def _describe(job: BagJob, endings: Sequence[Mapping[str, Any]]) -> None:
    """Write metadata.yaml for the files that are there, also for one that is unfinished."""
    files: list[FileFacts] = []
    topics: dict[str, Topic] = {}
    for number, ending in enumerate([*endings, None]):
        path = file_of(job, number)
        if ending is not None:
            files.append(FileFacts(path.name, ending['start'], ending['end'], ending['counts']))
            found = [Topic(**entry) for entry in ending['topics']]
        elif path.exists():
            with Bag(path) as bag:
                counts = {topic.name: topic.count for topic in bag.topics.values()}
                files.append(FileFacts(path.name, bag.start, bag.end, counts))
                found = list(bag.topics.values())
        else:
            continue
        for topic in found:
            topics.setdefault(topic.name, topic)
    if files:
        write_metadata(Path(job.out), files, list(topics.values()))


def _eyes(job: BagJob, bag: Bag, engine: Engine) -> tuple[Eye, ...]:
    return choose(bag.topics, engine.views, job.choice)


def _companions(job: BagJob, bag: Bag, engine: Engine) -> list[Companion]:
    """Return what goes with the images, fresh for each part."""
    if not engine.model.info.takes_depth:
        return []
    topic = job.choice.prompt
    if topic not in bag.topics:
        raise BagError(
            f'model {engine.model.info.name!r} takes a depth image beside the image; '
            f'give --prompt TOPIC, one of {", ".join(sorted(bag.topics))}'
        )
    return [PromptCompanion(topic, float(engine.values['prompt_tolerance']))]


def jobs_for(sources: Sequence[Path], job: BagJob) -> list[BagJob]:
    """Return one job per recording: into `out` itself for one, into a folder each for several."""
    if len(sources) == 1:
        return [dataclasses.replace(job, source=str(sources[0]))]
    names = Counter(_name(source) for source in sources)
    jobs = []
    for source in sources:
        name = _name(source)
        if names[name] > 1:
            name = f'{source.resolve().parent.name}_{name}'
        jobs.append(dataclasses.replace(job, source=str(source), out=str(Path(job.out) / name)))
    if len({entry.out for entry in jobs}) < len(jobs):
        raise BagError('two recordings have the same name and folder; rename one of them')
    return jobs


def _name(source: Path) -> str:
    name = source.name.removesuffix('.zstd')
    return name if source.is_dir() else name.rsplit('.', 1)[0]
