# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How much of the processor this process gets, and how many threads pay off under that."""

from __future__ import annotations

from pathlib import Path

BUSY = 0.15  # of the time that threads could run they wait for a processor: use fewer
CALM = 0.04  # use more again
DEMAND = 0.3  # processors that a process must want before its waiting matters
PATIENCE = 5.0  # seconds of calm before more threads are tried
LONGEST = 80.0  # seconds, what the patience grows to while trying does not help


class ProcessorWait:
    """Read from the kernel how long this process's threads waited although they could run."""

    def __init__(self, tasks: Path = Path('/proc/self/task')) -> None:
        self._tasks = tasks
        self._last: dict[str, tuple[int, int]] = {}
        self._at = 0.0
        self.share(0.0)

    def share(self, now: float) -> float | None:
        """
        Return waited / (ran + waited) since the last call; `now` is in seconds.

        None where it is not known, or where the process wants so little that it does not matter.
        """
        times: dict[str, tuple[int, int]] = {}
        try:
            for task in self._tasks.iterdir():
                try:
                    ran, waited, _ = (task / 'schedstat').read_text('ascii').split()
                except (OSError, ValueError):
                    continue  # the thread has ended
                times[task.name] = int(ran), int(waited)
        except OSError:
            return None
        before, self._last = self._last, times
        both = times.keys() & before.keys()
        spent = sum(times[task][0] - before[task][0] for task in both)
        queued = sum(times[task][1] - before[task][1] for task in both)
        elapsed, self._at = now - self._at, now
        wanted = (spent + queued) * 1e-9
        return queued * 1e-9 / wanted if wanted > max(0.0, DEMAND * elapsed) else None


class ThreadGovernor:
    """
    Choose the number of threads by how long they wait for a processor.

    The threads of a network wait for the slowest of them at every layer. Beside other work that is
    one that the kernel has taken from its processor, and fewer threads are faster.
    """

    def __init__(self, most: int) -> None:
        self.most = self.threads = most
        self._calm_since: float | None = None
        self._patience = PATIENCE
        self._raised_at: float | None = None

    def update(self, now: float, share: float | None) -> int:
        """Return the number of threads to use from now on; `now` is in seconds."""
        if share is None or self.most == 1:
            return self.threads
        if share > BUSY:
            if self._raised_at is not None and now - self._raised_at < self._patience:
                self._patience = min(2 * self._patience, LONGEST)  # trying more did not help
            self.threads = max(1, self.threads // 2)
            self._calm_since = self._raised_at = None
        elif share > CALM:
            self._calm_since = None
        elif self.threads < self.most:
            self._calm_since = now if self._calm_since is None else self._calm_since
            if now - self._calm_since >= self._patience:
                self.threads = min(2 * self.threads, self.most)
                self._calm_since, self._raised_at = None, now
        return self.threads
