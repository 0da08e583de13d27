# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Memory of a process, as the kernel counts it."""

from __future__ import annotations

import os
from pathlib import Path


def resident_bytes(pid: int | str = 'self') -> int:
    """Return the resident memory of a process."""
    pages = int(Path(f'/proc/{pid}/statm').read_text('ascii').split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE')


def peak_bytes() -> int:
    """Return the largest resident memory of this process since `forget_peak`."""
    lines = Path('/proc/self/status').read_text('ascii').splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith('VmHWM')) * 1024


def forget_peak() -> int:
    """Let `peak_bytes` begin anew; return the resident memory of this process."""
    Path('/proc/self/clear_refs').write_text('5', 'ascii')
    return resident_bytes()
