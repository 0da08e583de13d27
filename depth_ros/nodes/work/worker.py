# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
One thread, one slot, the newest job wins.

The thread opens what it works with (a model), uses it, and closes it, so that nothing of it is
ever touched from two threads. A worker that does not end in time is left behind: its thread is a
daemon that closes its resource when the job in flight returns.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Resource = TypeVar('Resource')
Job = TypeVar('Job')


class Worker(Generic[Resource, Job]):
    """
    A thread that runs `work(resource, job)` for the newest job submitted.

    :param open: makes the resource, in the thread. :param close: frees it, in the thread.
    :param work: what it raises costs this job only, and is given to `failed`.
    """

    def __init__(
        self,
        open: Callable[[], Resource],
        work: Callable[[Resource, Job], None],
        close: Callable[[Resource], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._open, self._work, self._close, self._failed = open, work, close, failed
        self._condition = threading.Condition()
        self._job: Job | None = None
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

    def submit(self, job: Job) -> bool:
        """Put the job into the slot; return True if an older one was dropped for it."""
        with self._condition:
            dropped = self._job is not None
            self._job = job
            self._condition.notify()
        return dropped

    def clear(self) -> bool:
        """Drop the job that waits; return True if there was one."""
        with self._condition:
            dropped, self._job = self._job is not None, None
        return dropped

    def stop(self, timeout: float) -> bool:
        """End the thread; return False if it had to be left behind."""
        with self._condition:
            self._stopping, self._job = True, None
            self._condition.notify()
        if self._thread.is_alive() and timeout > 0:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        """True once what is in flight is no longer wanted."""
        return self._stopping

    def _next(self) -> Job | None:
        with self._condition:
            while self._job is None and not self._stopping:
                self._condition.wait()
            job, self._job = self._job, None
            return None if self._stopping else job

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
            while (job := self._next()) is not None:
                try:
                    self._work(resource, job)
                except Exception as error:
                    self._failed(error)
                job = None  # an image is large: do not hold it while waiting for the next
        finally:
            self.resource = None
            self._close(resource)
