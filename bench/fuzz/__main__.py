# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Send nearly right inputs to everything that reads one, and keep what is not answered rightly.

Right is a result, or one `DepthError` of one short line. A finding is any other exception, a
false result, an answer after seconds, memory without end, and the end of the process.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import inspect
import json
import mmap
import os
import random
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.fuzz import files
from bench.fuzz.readers import ByteReader, DrawReader, Reader
from depth_ros.types import DepthError

SLOW = 10  # seconds of the processor for one input
WAITING = 90  # seconds, whatever else the machine does
GRACE = 120.0  # seconds beside those of a target, to start and to end
LARGEST_TEXT = 2000
MEMORY = 6 << 30  # bytes of address space beside what is there at the start
INPUT = 4096  # random bytes that one input is made of, at most
Target = Callable[[Reader], Any]


def targets() -> dict[str, Target]:
    """Return what can be sent something, by name; messages where their packages are."""
    found: dict[str, Target] = dict(files.TARGETS)
    if importlib.util.find_spec('sensor_msgs') and importlib.util.find_spec('stereo_msgs'):
        from bench.fuzz import messages

        found.update(messages.TARGETS)
    return found


class Wrong(Exception):
    """An answer that is not right."""


def answer(target: Target, reader: Reader) -> bool:
    """Return whether an input was accepted; what is wrong with the answer is raised."""

    def late(*_: Any) -> None:
        raise Wrong(f'no answer after {SLOW} s of work or {WAITING} s')

    signal.signal(signal.SIGALRM, late)
    signal.signal(signal.SIGPROF, late)
    signal.alarm(WAITING)
    signal.setitimer(signal.ITIMER_PROF, SLOW)
    try:
        target(reader)
    except DepthError as error:
        text = str(error)
        if '\n' in text or len(text) > LARGEST_TEXT:
            raise Wrong(f'a sentence of {len(text)} characters: {text[:200]!r}') from error
        return False
    finally:
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)
    return True


class Findings:
    """Keep each kind of finding once, with its input and its traceback."""

    def __init__(self, name: str, out: Path) -> None:
        self._name, self._out = name, out
        self.kinds: dict[str, int] = {}

    def add(self, error: BaseException, data: bytes | str) -> None:
        """Count a finding; write the first of its kind."""
        frames = traceback.extract_tb(error.__traceback__)
        place = next((f'{Path(f.filename).name}:{f.lineno}' for f in reversed(frames)
                      if 'depth_ros' in f.filename or 'fuzz' in f.filename), '?')  # fmt: skip
        kind = f'{type(error).__name__} in {place}'
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        if self.kinds[kind] > 1:
            return
        self._out.mkdir(parents=True, exist_ok=True)
        raw = data if isinstance(data, bytes) else data.encode()
        stem = self._out / f'{self._name}-{hashlib.sha256(raw).hexdigest()[:12]}'
        stem.with_suffix('.bin').write_bytes(raw)
        text = ''.join(traceback.format_exception(error))
        stem.with_suffix('.txt').write_text(text, errors='backslashreplace')


def run_random(target: Target, seconds: float, seed: int, findings: Findings) -> dict[str, int]:
    """Send random inputs; the last one is on disk, should it end the process."""
    rng = random.Random(seed)
    counts = {'inputs': 0, 'accepted': 0}
    path = findings._out / f'{findings._name}.last'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(INPUT + 4))
    with path.open('r+b') as file, mmap.mmap(file.fileno(), 0) as last:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            data = rng.randbytes(rng.choice((8, 64, 512, INPUT)))
            last[:4], last[4 : 4 + len(data)] = len(data).to_bytes(4, 'little'), data
            counts['inputs'] += 1
            try:
                counts['accepted'] += answer(target, ByteReader(data))
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:
                findings.add(error, data)
    path.unlink()
    return counts


class _Over(KeyboardInterrupt):
    """The time is over; Hypothesis lets this one through."""


def run_hypothesis(
    target: Target, seconds: float, seed: int, findings: Findings
) -> dict[str, int]:
    """Let Hypothesis draw inputs and make what it finds small."""
    import hypothesis
    from hypothesis import strategies as st

    counts = {'inputs': 0, 'accepted': 0}
    end = time.monotonic() + seconds

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=1_000_000,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
    )
    @hypothesis.given(st.data())
    def law(data: Any) -> None:
        if time.monotonic() > end:
            raise _Over  # a return would be an input that draws less than it did before
        counts['inputs'] += 1
        counts['accepted'] += answer(target, DrawReader(data.draw))

    while time.monotonic() < end:
        try:
            law()
        except _Over:
            break
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            findings.add(error, '\n'.join(getattr(error, '__notes__', [])))
        seed += 1
        law = hypothesis.seed(seed)(law)
    return counts


def run_atheris(target: Target, seconds: float, seed: int, findings: Findings) -> dict[str, int]:
    """Let atheris look for inputs that reach new lines; it ends the process by itself."""
    import atheris

    counts = {'inputs': 0, 'accepted': 0}

    def one(data: bytes) -> None:
        counts['inputs'] += 1
        try:
            counts['accepted'] += answer(target, ByteReader(data))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            findings.add(error, data)
        if time.monotonic() > end:
            _tell(counts, findings)
            os._exit(0)

    end = time.monotonic() + seconds
    corpus = findings._out / f'{findings._name}.corpus'
    corpus.mkdir(parents=True, exist_ok=True)
    arguments = [f'-seed={seed + 1}', f'-max_len={INPUT}', '-rss_limit_mb=0', '-timeout=0']
    atheris.Setup([sys.argv[0], *arguments, str(corpus)], one)
    atheris.Fuzz()
    return counts


ENGINES = {'random': run_random, 'hypothesis': run_hypothesis, 'atheris': run_atheris}


def _tell(counts: dict[str, int], findings: Findings) -> None:
    print('RESULT ' + json.dumps({**counts, 'findings': findings.kinds}), flush=True)


def work(arguments: argparse.Namespace) -> None:
    """Run one target with one engine in this process."""
    name = arguments.targets[0]
    _limit_memory()
    if arguments.engine == 'atheris':
        _instrument()
    findings = Findings(name, arguments.out)
    counts = ENGINES[arguments.engine](
        targets()[name], arguments.seconds, arguments.seed, findings
    )
    _tell(counts, findings)


def _instrument() -> None:
    """Let atheris see the lines of this package; those of every library would take minutes."""
    import atheris

    for name, module in list(sys.modules.items()):
        if not name.startswith('depth_ros'):
            continue
        for value in vars(module).values():
            found = vars(value).values() if inspect.isclass(value) else (value,)
            for function in found:
                if inspect.isfunction(function) and function.__module__ == name:
                    atheris.instrument_func(function)


def _limit_memory() -> None:
    used = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))


def supervise(name: str, engine: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Run one target in a process of its own, whose end is a finding, too."""
    command = [sys.executable, '-m', 'bench.fuzz', name, '--engine', engine, '--work']
    command += ['--seconds', str(arguments.seconds), '--seed', str(arguments.seed)]
    command += ['--out', str(arguments.out)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors='replace',
            timeout=GRACE + arguments.seconds,
        )
    except subprocess.TimeoutExpired:
        return {'inputs': 0, 'accepted': 0, 'findings': {'the process does not end': 1}}
    results = [line for line in done.stdout.splitlines() if line.startswith('RESULT ')]
    if results:
        return dict(json.loads(results[-1][7:]))
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / f'{name}-{engine}.log').write_text(done.stdout + done.stderr)
    return {'inputs': 0, 'accepted': 0, 'findings': {f'the process ended ({done.returncode})': 1}}


def main() -> int:
    """Run every target with every engine, print a table, and return 1 where something is wrong."""
    parser = argparse.ArgumentParser(prog='scripts/fuzz', description=__doc__)
    parser.add_argument('targets', nargs='*', help=f'of {", ".join(targets())}; default all')
    parser.add_argument(
        '--seconds', type=float, default=60.0, help='for each; default %(default)s'
    )
    parser.add_argument(
        '--engine', choices=ENGINES, action='append', help='default: all there are'
    )
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--out', type=Path, default=Path('fuzz_out'))
    parser.add_argument('--replay', type=Path, help='send one kept .bin to its target again')
    parser.add_argument('--work', action='store_true', help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    unknown = set(arguments.targets) - set(targets())
    if unknown:
        parser.error(f'there is no target {sorted(unknown)[0]}')
    if arguments.replay:
        answer(targets()[arguments.targets[0]], ByteReader(arguments.replay.read_bytes()))
        return 0
    there = [n for n in ENGINES if n == 'random' or importlib.util.find_spec(n)]
    engines = arguments.engine or there
    if arguments.work:
        arguments.engine = engines[0]
        work(arguments)
        return 0
    found = 0
    for name in arguments.targets or targets():
        for engine in engines:
            result = supervise(name, engine, arguments)
            found += len(result['findings'])
            share = result['accepted'] / max(result['inputs'], 1)
            print(f'{name:12} {engine:11} {result["inputs"]:9} inputs, {share:4.0%} accepted, '
                  f'{len(result["findings"])} findings', flush=True)  # fmt: skip
            for kind, count in result['findings'].items():
                print(f'    {count:7} x {kind}', flush=True)
    print(
        f'{found} findings' + (f'; inputs and tracebacks are in {arguments.out}' if found else '')
    )
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
