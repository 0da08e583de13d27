# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
How many threads the numerical libraries use, and how these threads wait.

OpenMP threads spin while they wait for each other unless they are asked not to. On a machine with
other work a spinning thread takes the processor from the one it waits for: a network that takes
15 ms alone takes hundreds. The wait policy is read when the library loads, so it is set when this
package is imported, whichever command or node is started.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

# GNU's OpenMP reads the first, LLVM's and Intel's the second.
WAITING: Mapping[str, str] = {'OMP_WAIT_POLICY': 'PASSIVE', 'KMP_BLOCKTIME': '0'}


def wait_passively() -> None:
    """Let OpenMP threads sleep while they wait, where the user has not decided otherwise."""
    for name, value in WAITING.items():
        os.environ.setdefault(name, value)


def available() -> int:
    """Return how many processors this process may use: its affinity and its container's quota."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    quota = _quota()
    return max(1, min(count or 1, int(quota) if quota else count or 1))


def _quota() -> float | None:
    """Return the processors that a container may use, by its control group; None: no limit."""
    try:
        most, period = Path('/sys/fs/cgroup/cpu.max').read_text('ascii').split()
        return None if most == 'max' else int(most) / int(period)
    except (OSError, ValueError):
        return None


def use(threads: int) -> int:
    """
    Give the libraries that are loaded this many threads, 0 for all that may be used.

    Call it in the thread that computes: OpenMP keeps the number per thread. Returns the number.
    """
    count = threads or min(available(), int(os.environ.get('OMP_NUM_THREADS') or 1 << 10))
    if 'torch' in sys.modules:
        sys.modules['torch'].set_num_threads(count)
    if 'cv2' in sys.modules:
        sys.modules['cv2'].setNumThreads(count)
    if 'numba' in sys.modules:
        numba = sys.modules['numba']
        numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))
    return count
