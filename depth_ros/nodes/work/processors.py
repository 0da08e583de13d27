# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How much of the processor this process gets, and how many threads pay off under that."""

from __future__ import annotations

from pathlib import Path

BUSY = 0.15  # of the time that threads could run they wait for a processor: use fewer
CALM = 0.04  # use more again
PATIENCE = 5.0  # seconds of calm before more threads are tried
LONGEST = 80.0  # seconds, what the patience grows to while trying does not help


class ProcessorWait:
    """Read from the kernel how long this process's threads waited although they could run."""

    def __init__(self, tasks: Path = Path('/proc/self/task')) -> None:
        self._tasks = tasks
        self._last: dict[str, tuple[int, int]] = {}
        self.share()

    def share(self) -> float | None:
        """Return waited / (ran + waited) since the last call; None where it is not known."""
        now: dict[str, tuple[int, int]] = {}
        try:
            for task in self._tasks.iterdir():
                try:
                    ran, waited, _ = (task / 'schedstat').read_text('ascii').split()
                except (OSError, ValueError):
                    continue  # the thread has ended
                now[task.name] = int(ran), int(waited)
        except OSError:
            return None
        before, self._last = self._last, now
        both = now.keys() & before.keys()
        spent = sum(now[task][0] - before[task][0] for task in both)
        queued = sum(now[task][1] - before[task][1] for task in both)
        return queued / (spent + queued) if spent + queued > 0 else None


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
