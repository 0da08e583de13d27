# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Many recordings on a cluster: the parts of each as tasks of Ray.

A task does what `run_one_part` does and nothing else, so the result is that of one machine, to
the byte. A worker keeps the model that it has loaded. A task whose worker dies is started again
by Ray and continues the file that it finds; inputs and outputs lie on storage that all machines
see under the same path.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from depth_ros.files.bags.content import BagError
from depth_ros.reprocess.job import Plan, Progress, Summary, Watch, finish, run_one_part
from depth_ros.reprocess.settings import BagJob
from depth_ros.types import DepthError

RETRIES = 5  # after a worker died; what is done by then stays done
POLL = 0.2  # seconds between looks for what is finished
TELL = 0.5  # seconds between reports of a worker
Key = tuple[str, int]


def ray_library() -> Any:
    """Return Ray."""
    try:
        import ray

        return ray
    except ImportError as error:
        raise DepthError(
            f"--on ray needs ray, which cannot be imported ({error}); run: pip install '.[fleet]'"
        ) from error


def run_fleet(
    jobs: Sequence[BagJob],
    plans: Mapping[str, Plan],
    watch: Watch,
    failures: dict[str, str],
    address: str | None = None,
    workers: int = 0,
) -> dict[str, Summary]:
    """Do all parts of all jobs; return the result of each, and record failures for the report."""
    ray = ray_library()
    with _cluster(ray, address):
        return _Fleet(ray, jobs, plans, watch, failures).run(workers)


@contextlib.contextmanager
def _cluster(ray: Any, address: str | None) -> Iterator[None]:
    """Connect to the cluster, or start one here and end it."""
    if ray.is_initialized():
        yield
        return
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([root, *filter(None, [os.environ.get('PYTHONPATH')])])
    options: dict[str, Any] = {'log_to_driver': False, 'logging_level': 'ERROR'}
    if address:
        options['address'] = address
    else:
        # One machine needs no page about itself, and no word of it leaves it.
        options |= {'include_dashboard': False, 'runtime_env': {'env_vars': {'PYTHONPATH': path}}}
        os.environ.setdefault('RAY_USAGE_STATS_ENABLED', '0')
    try:
        ray.init(**options)
    except Exception as error:
        where = f'at {address}' if address else 'here'
        raise DepthError(f'Ray cannot be used {where}: {error}; check the address') from error
    try:
        yield
    finally:
        ray.shutdown()


class _Fleet:
    """The tasks of one call."""

    def __init__(
        self,
        ray: Any,
        jobs: Sequence[BagJob],
        plans: Mapping[str, Plan],
        watch: Watch,
        failures: dict[str, str],
    ) -> None:
        self._ray, self._plans, self._watch, self._failures = ray, plans, watch, failures
        self._jobs = {job.source: job for job in jobs}
        self._endings: dict[Key, dict[str, Any]] = {}
        self._board = ray.remote(num_cpus=0)(_Board).remote()

    def run(self, workers: int) -> dict[str, Summary]:
        """Start the tasks, the longest recordings first, and gather what they return."""
        ray = self._ray
        task = ray.remote(max_retries=RETRIES, retry_exceptions=False)(_task)
        order = sorted(self._jobs.values(), key=lambda job: -self._plans[job.source].images)
        waiting: list[Key] = [
            (job.source, part.number) for job in order for part in self._plans[job.source].parts
        ]
        limit = workers or len(waiting)
        running: dict[Any, Key] = {}
        while waiting or running:
            while waiting and len(running) < limit:
                source, number = key = waiting.pop(0)
                job = self._jobs[source]
                options = {'num_cpus': job.threads or 1}
                reference = task.options(**options).remote(
                    job, self._plans[source], number, self._board
                )
                running[reference] = key
            done, _ = ray.wait(list(running), timeout=POLL)
            for reference in done:
                self._take(running.pop(reference), reference)
            self._show()
        return self._summaries()

    def _take(self, key: Key, reference: Any) -> None:
        try:
            self._endings[key] = self._ray.get(reference)
        except Exception as error:
            cause = getattr(error, 'cause', None) or error
            named = '' if isinstance(cause, DepthError) else f'{type(cause).__name__}: '
            said = f'{named}{cause}'
            self._failures.setdefault(key[0], f'part {key[1]}: {" ".join(said.split())[:500]}')

    def _show(self) -> None:
        for progress in self._ray.get(self._board.take.remote()):
            self._watch(progress)

    def _summaries(self) -> dict[str, Summary]:
        self._show()
        summaries = {}
        for source, job in self._jobs.items():
            keys = [(source, part.number) for part in self._plans[source].parts]
            if source in self._failures or any(key not in self._endings for key in keys):
                continue
            try:
                summaries[source] = finish(job, [self._endings[key] for key in keys])
            except BagError as error:
                self._failures[source] = str(error)
        return summaries


class _Board:
    """Where the workers tell how far they are."""

    def __init__(self) -> None:
        self._news: dict[Key, Progress] = {}

    def tell(self, progress: Progress) -> None:
        self._news[progress.source, progress.part] = progress

    def take(self) -> list[Progress]:
        news, self._news = list(self._news.values()), {}
        return news


def _task(job: BagJob, planned: Plan, number: int, board: Any) -> dict[str, Any]:
    """Run in a worker: one part of one recording."""
    return run_one_part(_for_worker(job), planned, number, _teller(board))


def _for_worker(job: BagJob) -> BagJob:
    """Return the job with the threads that a worker has a processor for."""
    return dataclasses.replace(job, threads=job.threads or 1)


def _teller(board: Any) -> Callable[[Progress], None]:
    last = 0.0

    def tell(progress: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if progress.share >= 1 or now - last > TELL:
            last = now
            board.tell.remote(progress)

    return tell
