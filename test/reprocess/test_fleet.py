# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Two workers give the bytes of one process, also when one of them is killed in the middle."""

import dataclasses
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from bag_files import drive, write

pytest.importorskip('ray', reason='ray is not installed (extra fleet)')

from depth_ros.files.bags.reader import Bag
from depth_ros.reprocess.fleet import run_fleet
from depth_ros.reprocess.job import plan, run_job
from depth_ros.reprocess.settings import BagJob

pytestmark = pytest.mark.slow

FLOOR = {'camera_height': 1.0, 'camera_pitch': 0.3}
ROOT = Path(__file__).resolve().parents[2]


def workers_writing_to(folder):
    """Return the processes, beside this one, that have a file of the folder open."""
    found = set()
    for link in Path('/proc').glob('[0-9]*/fd/*'):
        try:
            target = os.readlink(link)
        except OSError:
            continue
        process = int(link.parts[2])
        if target.startswith(f'{folder}/') and process != os.getpid():
            found.add(process)
    return found


def content(folder):
    found = [*folder.rglob('*.mcap'), *folder.rglob('metadata.yaml')]
    return {path.relative_to(folder): path.read_bytes() for path in found}


def all_messages(path):
    with Bag(path) as bag:
        return [(m.time, m.topic, bytes(m.data)) for m in bag.messages()]


def differences(one, other):
    """Return file, time and topic of messages that are not the same in both folders."""
    found = []
    for path in sorted(one.rglob('*.mcap')):
        name = path.relative_to(one)
        both = [all_messages(folder / name) for folder in (one, other)]
        assert [len(messages) for messages in both] == [len(both[0])] * 2
        found += [(str(name), *a[:2]) for a, b in zip(*both) if a != b]
    return found


@pytest.fixture
def local_ray(monkeypatch):
    """Start Ray with two processors here, as the command does with those there are."""
    import ray

    path = os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])
    monkeypatch.setenv('RAY_USAGE_STATS_ENABLED', '0')
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level='ERROR',
        object_store_memory=100 << 20,
        runtime_env={'env_vars': {'PYTHONPATH': path}},
    )
    yield ray
    ray.shutdown()


def test_a_killed_worker_changes_no_byte(local_ray, tmp_path):
    sources = [
        write(tmp_path / name, drive(count, (160, 120))) for name, count in (('a', 240), ('b', 60))
    ]
    broken = write(tmp_path / 'c', drive(3))
    jobs = {}
    for kind in ('serial', 'fleet'):
        jobs[kind] = [
            BagJob(str(source), str(tmp_path / kind / source.name), 'floor', FLOOR, split=12.0)
            for source in (*sources, broken)
        ]
    for job in jobs['serial'][:2]:
        run_job(job)
    plans = {job.source: plan(job) for job in jobs['fleet']}
    assert [len(planned.parts) for planned in plans.values()] == [2, 1, 1]
    # A recording that has gone when its turn comes fails alone.
    next(broken.glob('*.mcap')).unlink()

    killed, seen, failures = [], [], {}

    def kill_one():
        folder = tmp_path / 'fleet' / 'a'
        end = time.monotonic() + 120
        while time.monotonic() < end and not killed:
            journal = folder / '.depth_ros' / '0.jsonl'
            done = journal.read_bytes().count(b'\n') if journal.exists() else 0
            if 5 < done < 100:
                for process in workers_writing_to(folder):
                    os.kill(process, signal.SIGKILL)
                    killed.append(process)
                    break
            time.sleep(0.005)

    killer = threading.Thread(target=kill_one)
    killer.start()
    summaries = run_fleet(jobs['fleet'], plans, seen.append, failures, workers=2)
    killer.join()

    assert killed
    assert differences(tmp_path / 'serial', tmp_path / 'fleet') == []
    assert content(tmp_path / 'fleet') == content(tmp_path / 'serial')
    assert [summaries[job.source].frames for job in jobs['fleet'][:2]] == [240, 60]
    assert list(failures) == [str(broken)]
    assert {(p.source, p.part) for p in seen if p.share == 1} >= {
        (str(sources[0]), 0),
        (str(sources[0]), 1),
        (str(sources[1]), 0),
    }
    again = dataclasses.replace(jobs['fleet'][0])
    before = content(tmp_path / 'fleet')
    assert run_fleet([again], plans, seen.append, {})[again.source].frames == 240
    assert content(tmp_path / 'fleet') == before
