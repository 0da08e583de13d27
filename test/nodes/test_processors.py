# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The number of threads follows how long they wait for a processor."""

import itertools
import os
import subprocess
import sys

import pytest

from depth_ros import threads
from depth_ros.nodes.work.processors import ProcessorWait, ThreadGovernor


def run(governor, shares, start=0.0):
    """Return the number of threads after each second."""
    return [governor.update(start + second, share) for second, share in enumerate(shares)]


def test_fewer_threads_beside_other_work_and_all_again_afterwards():
    governor = ThreadGovernor(4)
    assert run(governor, [0.5, 0.5, 0.5]) == [2, 1, 1]
    assert run(governor, [0.0] * 20, 3.0)[-1] == 4


def test_one_calm_second_changes_nothing():
    governor = ThreadGovernor(2)
    assert run(governor, [0.5, 0.0, 0.1, 0.0, 0.1]) == [1] * 5


def test_trying_more_in_vain_is_tried_less_and_less_often():
    """Beside a process that never ends, one thread waits little and two wait long."""
    governor, tried, now = ThreadGovernor(2), [], 0.0
    for _ in range(300):
        before = governor.threads
        after = governor.update(now, 0.4 if governor.threads == 2 else 0.0)
        if after > before:
            tried.append(now)
        now += 1.0
    gaps = [b - a for a, b in itertools.pairwise(tried)]
    assert gaps == sorted(gaps)
    assert gaps[-1] > 4 * gaps[0]


def test_what_is_not_known_changes_nothing():
    assert run(ThreadGovernor(2), [None, None]) == [2, 2]


def test_the_share_is_what_the_kernel_says(tmp_path):
    for name, line in (('1', '100 0 3'), ('2', '0 0 1')):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'schedstat').write_text(line)
    wait = ProcessorWait(tmp_path)
    assert wait.share(0.0) is None
    (tmp_path / '1' / 'schedstat').write_text('700000100 150000000 4')
    (tmp_path / '2' / 'schedstat').write_text('0 50000000 4')
    assert wait.share(1.0) == pytest.approx(2 / 9)
    assert wait.share(2.0) is None  # it wants nothing


def test_a_process_that_shares_its_processor_sees_it():
    """Two endless loops pinned to one processor get half of it each."""
    code = (
        'import os, time; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n'
        'from depth_ros.nodes.work.processors import ProcessorWait\n'
        'wait = ProcessorWait(); end = time.time() + 1.5\n'
        'while time.time() < end: pass\n'
        'print(wait.share(1.0))'
    )
    pair = [
        subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    shares = [float(process.communicate(timeout=60)[0]) for process in pair]
    assert max(shares) > 0.25


@pytest.mark.parametrize('name', threads.WAITING)
def test_threads_wait_without_spinning_unless_the_user_says_otherwise(name):
    code = f'import depth_ros, os; print(os.environ[{name!r}])'
    for given, expected in ((None, threads.WAITING[name]), ('42', '42')):
        environment = {k: v for k, v in os.environ.items() if k != name}
        if given is not None:
            environment[name] = given
        done = subprocess.run(
            [sys.executable, '-c', code], env=environment, capture_output=True, text=True
        )
        assert done.stdout.strip() == expected
