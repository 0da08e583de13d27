# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One thread, one slot, the newest wins: in real threads, ordered by events, not by time."""

import threading

import pytest

from depth_ros.nodes.work.worker import Worker

LONG = 20.0  # only a bound: nothing waits that long unless it is broken


class Plant:
    """A resource that records what is done with it; work waits for a gate where it is asked to."""

    def __init__(self):
        self.done, self.failures = [], []
        self.thread, self.closed_by = None, None
        self.started, self.gate, self.closed = (threading.Event() for _ in range(3))
        self.idle = threading.Semaphore(0)
        self.together, self.turns = 1, []
        self.worker = Worker(
            self.open, self.work, self.close, self.failed, lambda resource: self.together
        )

    def open(self):
        self.thread = threading.current_thread()
        return 'resource'

    def work(self, resource, jobs):
        assert resource == 'resource'
        self.turns.append(list(jobs))
        for job in jobs:
            self.work_on(job)

    def work_on(self, job):
        assert threading.current_thread() is self.thread
        self.started.set()
        if job == 'wait':
            assert self.gate.wait(LONG)
        if job == 'fail':
            raise RuntimeError('broken')
        self.done.append(job)
        self.idle.release()

    def failed(self, error):
        self.failures.append(str(error))
        self.idle.release()

    def close(self, resource):
        self.closed_by = threading.current_thread()
        self.closed.set()


@pytest.fixture
def plant():
    result = Plant()
    yield result
    result.gate.set()
    result.worker.stop(LONG)


def test_the_newest_wins(plant):
    plant.worker.start()
    assert not plant.worker.submit('wait')
    assert plant.started.wait(LONG)
    assert [plant.worker.submit(job) for job in (1, 2, 3)] == [False, True, True]
    plant.gate.set()
    for _ in range(2):
        assert plant.idle.acquire(timeout=LONG)
    assert plant.done == ['wait', 3]


def test_slots_take_turns_however_often_one_is_filled(plant):
    plant.worker.start()
    plant.worker.submit('wait', 'fast')
    assert plant.started.wait(LONG)
    assert not plant.worker.submit('slow 1', 'slow')
    for count in range(5):
        assert plant.worker.submit(f'fast {count}', 'fast') == (count > 0)
    assert not plant.worker.submit('late 1', 'late')
    assert plant.worker.submit('slow 2', 'slow')
    plant.gate.set()
    for _ in range(4):
        assert plant.idle.acquire(timeout=LONG)
    # The newest of each, in the order in which the slots began to wait.
    assert plant.done == ['wait', 'slow 2', 'fast 4', 'late 1']
    assert all(len(turn) == 1 for turn in plant.turns)


def test_waiting_slots_share_a_turn_up_to_the_most(plant):
    plant.together = 2
    plant.worker.start()
    plant.worker.submit('wait', 'a')
    assert plant.started.wait(LONG)
    for slot in 'bcd':
        plant.worker.submit(slot, slot)
    plant.gate.set()
    for _ in range(4):
        assert plant.idle.acquire(timeout=LONG)
    assert plant.turns == [['wait'], ['b', 'c'], ['d']]


def test_one_slot_is_cleared_alone(plant):
    plant.worker.start()
    plant.worker.submit('wait', 'a')
    assert plant.started.wait(LONG)
    plant.worker.submit('b', 'b')
    plant.worker.submit('c', 'c')
    assert plant.worker.clear('b')
    assert not plant.worker.clear('b')
    plant.gate.set()
    for _ in range(2):
        assert plant.idle.acquire(timeout=LONG)
    assert plant.done == ['wait', 'c']


def test_a_failure_costs_one_job(plant):
    plant.worker.start()
    for job in ('fail', 'next'):
        plant.worker.submit(job)
        assert plant.idle.acquire(timeout=LONG)
    assert plant.failures == ['broken']
    assert plant.done == ['next']


def test_what_is_cleared_is_not_worked_on(plant):
    plant.worker.start()
    plant.worker.submit('wait')
    assert plant.started.wait(LONG)
    plant.worker.submit('late')
    assert plant.worker.clear()
    assert not plant.worker.clear()
    plant.gate.set()
    assert plant.worker.stop(LONG)
    assert plant.done == ['wait']


def test_it_closes_what_it_opened_in_the_same_thread(plant):
    plant.worker.start()
    assert plant.worker.resource == 'resource'
    assert plant.worker.stop(LONG)
    assert plant.closed_by is plant.thread
    assert plant.worker.resource is None


def test_a_job_in_flight_is_left_behind_and_cleans_up_later(plant):
    plant.worker.start()
    plant.worker.submit('wait')
    assert plant.started.wait(LONG)
    assert not plant.worker.stop(0.01)
    assert plant.worker.stopping
    assert not plant.closed.is_set()
    plant.gate.set()
    assert plant.closed.wait(LONG)
    assert plant.closed_by is plant.thread


def test_an_error_while_opening_is_raised_to_who_starts():
    def broken():
        raise ValueError('no weights')

    worker = Worker(broken, lambda *_: None, lambda *_: None, lambda *_: None)
    worker.start()
    with pytest.raises(ValueError, match='no weights'):
        worker.opened(30.0)
    assert worker.stop(LONG)


def test_loading_can_be_abandoned():
    gate, closed = threading.Event(), threading.Event()
    worker = Worker(
        lambda: gate.wait(LONG), lambda *_: None, lambda _: closed.set(), lambda *_: None
    )
    worker.start()
    with pytest.raises(InterruptedError):
        worker.opened(30.0, lambda: False)
    gate.set()
    assert closed.wait(LONG)  # what was loaded after all is freed


def test_stopping_what_never_started():
    worker = Worker(lambda: None, lambda *_: None, lambda *_: None, lambda *_: None)
    assert worker.stop(LONG)
