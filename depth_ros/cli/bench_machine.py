# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a measurement was made on, and what can be read of its memory and power."""

from __future__ import annotations

import os
import platform
import re
import resource
import shutil
import subprocess
import time
from pathlib import Path

from depth_ros.threads import available


def machine() -> dict[str, str]:
    """Return what a table of figures must say about its machine."""
    facts = {
        'processor': _processor(),
        'cores': str(available()),
        'load': f'{os.getloadavg()[0]:.1f}',
        'memory': f'{_memory() / 1e9:.0f} GB',
        'system': f'{platform.system()} {platform.machine()}, Python {platform.python_version()}',
    }
    if gpu := nvidia('name'):
        facts['gpu'] = gpu
    for name in (Path('/proc/device-tree/model'), Path('/etc/nv_tegra_release')):
        if name.is_file():
            facts['board'] = name.read_text('utf-8', 'replace').strip('\0\n')[:80]
            break
    return facts


def _processor() -> str:
    try:
        found = re.search(
            r'^model name\s*: (.+)$', Path('/proc/cpuinfo').read_text(), re.MULTILINE
        )
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()


def _memory() -> int:
    return os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')


def nvidia(field: str) -> str:
    """Return what nvidia-smi says of the first GPU; empty where it does not."""
    if shutil.which('nvidia-smi') is None:
        return ''
    command = ['nvidia-smi', f'--query-gpu={field}', '--format=csv,noheader,nounits']
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ''
    return done.stdout.strip().splitlines()[0] if done.returncode == 0 and done.stdout else ''


def peak_megabytes(pid: int | None = None) -> float:
    """Return the largest resident memory of this process so far, or of another one."""
    if pid is None:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    status = Path(f'/proc/{pid}/status').read_text()
    found = re.search(r'^VmHWM:\s+(\d+) kB', status, re.MULTILINE)
    return int(found[1]) * 1024 / 1e6 if found else float('nan')


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process so far."""
    fields = Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


class PowerMeter:
    """
    Mean power of the machine between start and stop, where something measures it.

    RAPL counts the energy of processor packages; boards have sensors of power in hwmon; the GPU
    is added where nvidia-smi tells its power.
    """

    def __init__(self, root: Path = Path('/sys/class')) -> None:
        self._energy = sorted(root.glob('powercap/intel-rapl:?/energy_uj'))
        self._power = sorted(root.glob('hwmon/hwmon*/power1_input'))
        self._start = self.read()
        self._at = time.monotonic()

    def read(self) -> list[float] | None:
        """Return joules of each package since some time ago; None where that is not readable."""
        try:
            return [int(file.read_text()) * 1e-6 for file in self._energy] or None
        except (OSError, ValueError):
            return None

    def watts(self) -> float | None:
        """Return the mean power since this was made; None where nothing measures it."""
        seconds, now = time.monotonic() - self._at, self.read()
        parts: list[float] = []
        if now is not None and self._start is not None and seconds > 0:
            spent = [after - before for before, after in zip(self._start, now)]
            if min(spent) >= 0:  # the counter begins anew now and then
                parts.append(sum(spent) / seconds)
        if not parts:
            try:
                sensors = [int(file.read_text()) * 1e-6 for file in self._power]
            except (OSError, ValueError):
                sensors = []
            parts += [sum(sensors)] if sensors else []
        try:
            parts.append(float(nvidia('power.draw')))
        except ValueError:
            pass
        return sum(parts) if parts else None
