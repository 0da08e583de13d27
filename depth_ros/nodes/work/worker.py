# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
One thread, one slot per camera, the newest job of each wins.

Slots take turns: none is served twice while another one waits, and a newer job keeps the place of
the one it replaces.

The thread opens what it works with (a model), uses it, and closes it, so that nothing of it is
ever touched from two threads. A worker that does not end in time is left behind: its thread is a
daemon that closes its resource when the job in flight returns.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import islice
from typing import Generic, TypeVar

Resource = TypeVar('Resource')
Job = TypeVar('Job')


class Worker(Generic[Resource, Job]):
    """
    A thread that runs `work(resource, jobs)` for the newest jobs submitted, of one slot each.

    :param open: makes the resource, in the thread. :param close: frees it, in the thread.
    :param work: what it raises costs these jobs only, and is given to `failed`.
    :param most: how many waiting jobs are worked on together.
    """

    def __init__(
        self,
        open: Callable[[], Resource],
        work: Callable[[Resource, list[Job]], None],
        close: Callable[[Resource], None],
        failed: Callable[[Exception], None],
        most: Callable[[Resource], int] = lambda resource: 1,
    ) -> None:
        self._open, self._work, self._close, self._failed = open, work, close, failed
        self._most = most
        self._condition = threading.Condition()
        self._jobs: dict[str, Job] = {}  # by slot, in the order of their turns
        self._stopping = False
        self._opened = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name='depth_worker', daemon=True)
        self.resource: Resource | None = None

    def start(self) -> None:
        """Begin to open the resource, in the worker's thread."""
        self._thread.start()

    def opened(self, timeout: float, keep_waiting: Callable[[], bool] = lambda: True) -> bool:
        """
        Return whether the resource is open; raises what opening it raised.

        Waits up to `timeout` seconds, and gives up at once when `keep_waiting` returns False:
        opening may take minutes and cannot be interrupted.
        """
        end = time.monotonic() + timeout
        while not self._opened.wait(min(0.05, max(0.0, end - time.monotonic()))):
            if not keep_waiting():
                self.stop(0.0)
                raise InterruptedError('stopped while loading')
            if time.monotonic() >= end:
                return False
        if self._error is not None:
            raise self._error
        return True

    def submit(self, job: Job, slot: str = '') -> bool:
        """Put the job into its slot; return True if an older one was dropped for it."""
        with self._condition:
            dropped = slot in self._jobs
            self._jobs[slot] = job  # a dict keeps the place of a key that it has
            self._condition.notify()
        return dropped

    def clear(self, slot: str | None = None) -> bool:
        """Drop what waits in a slot, or in all; return True if there was anything."""
        with self._condition:
            dropped = [self._jobs.pop(name) for name in list(self._jobs) if slot in (None, name)]
        return bool(dropped)

    def stop(self, timeout: float) -> bool:
        """End the thread; return False if it had to be left behind."""
        with self._condition:
            self._stopping = True
            self._jobs.clear()
            self._condition.notify()
        if self._thread.is_alive() and timeout > 0:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        """True once what is in flight is no longer wanted."""
        return self._stopping

    def _next(self, resource: Resource) -> list[Job]:
        """Return the jobs whose turn it is; none at the end."""
        with self._condition:
            while not self._jobs and not self._stopping:
                self._condition.wait()
            turn = list(islice(self._jobs, max(1, self._most(resource))))
            return [self._jobs.pop(slot) for slot in turn]

    def _run(self) -> None:
        try:
            resource = self._open()
        except BaseException as error:
            self._error = error
            self._opened.set()
            return
        self.resource = resource
        self._opened.set()
        try:
            while jobs := self._next(resource):
                try:
                    self._work(resource, jobs)
                except Exception as error:
                    self._failed(error)
                jobs = []  # an image is large: do not hold it while waiting for the next
        finally:
            self.resource = None
            self._close(resource)
