# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What /proc and /dev/shm state of the machine while the doctor listens."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from depth_ros.doctor.seen import Machine

PERIOD = 0.05  # seconds between samples


class MachineWatch:
    """Sample how many threads want a processor."""

    def __init__(self, proc: Path = Path('/proc')) -> None:
        self._proc = proc
        self._runnable: list[int] = []
        self._start, self._stalled = time.monotonic(), self._pressure()
        self._next = 0.0

    def sample(self) -> None:
        """Take a sample, unless the last one is fresh."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + PERIOD
        found = re.search(r'^procs_running (\d+)', self._read('stat'), re.MULTILINE)
        if found:
            self._runnable.append(int(found[1]) - 1)  # this thread

    def machine(self, profile: str) -> Machine:
        """Return what was seen since the start."""
        elapsed = max(time.monotonic() - self._start, 1e-3)
        stalled = (self._pressure() - self._stalled) * 1e-6 / elapsed
        size, free = shared_memory()
        cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else 1
        return Machine(
            cores=cores,
            runnable=sum(self._runnable) / max(len(self._runnable), 1),
            stalled=min(1.0, stalled),
            shared_memory=size,
            shared_memory_free=free,
            profile=profile,
        )

    def _read(self, name: str) -> str:
        try:
            return (self._proc / name).read_text('ascii')
        except (OSError, UnicodeDecodeError):
            return ''

    def _pressure(self) -> int:
        """Return the microseconds in which some thread waited, since the machine started."""
        found = re.search(r'^some .*total=(\d+)', self._read('pressure/cpu'), re.MULTILINE)
        return int(found[1]) if found else 0


def shared_memory() -> tuple[int, int]:
    """Return size and free bytes of /dev/shm; large numbers where it cannot be read."""
    try:
        found = os.statvfs('/dev/shm')
    except OSError:
        return 1 << 40, 1 << 40
    return found.f_frsize * found.f_blocks, found.f_frsize * found.f_bavail
