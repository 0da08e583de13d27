# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Pairing of two streams, by the stand-in and, where it is installed, by message_filters."""

import importlib.util
import itertools
import random
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depth_ros.sync import PairSynchroniser
from depth_ros.types import DepthError

MS = 1_000_000


def message_filters(*arguments):
    from depth_ros.sync_filters import FilterSynchroniser

    return FilterSynchroniser(*arguments)


INSTALLED = importlib.util.find_spec('message_filters') is not None
needs_filters = pytest.mark.skipif(not INSTALLED, reason='message_filters is not installed')
BOTH = [
    pytest.param(PairSynchroniser, id='own'),
    pytest.param(message_filters, id='message_filters', marks=needs_filters),
]


def run(make, events, tolerance=0.0, queue_size=5):
    """Feed (side, milliseconds) events; return the pairs of milliseconds and the synchroniser."""
    pairs = []
    synchroniser = make(tolerance, queue_size, lambda left, right: pairs.append((left, right)))
    for side, ms in events:
        synchroniser.add({'L': 'left', 'R': 'right'}[side], round(ms * MS), ms)
    return pairs, synchroniser


def events(text):
    """Read 'L0 R0 L33': side and milliseconds."""
    return [(word[0], float(word[1:])) for word in text.split()]


TABLE = {
    # name: (events, tolerance in seconds, queue size, pairs, dropped left, dropped right)
    'equal stamps': ('L0 R0 L33 R33', 0.0, 5, [(0, 0), (33, 33)], 0, 0),
    'right comes first': ('R0 L0', 0.0, 5, [(0, 0)], 0, 0),
    'one side lags': ('L0 L33 L66 R0 R33', 0.0, 5, [(0, 0), (33, 33)], 0, 0),
    'nearly is not exact': ('L0 R0.001', 0.0, 5, [], 0, 0),
    'a frame missing left': ('R0 L33 R33', 0.0, 5, [(33, 33)], 0, 1),
    'a frame missing right': ('L0 L33 R33', 0.0, 5, [(33, 33)], 1, 0),
    'queue of one': ('L0 L33 R0 R33', 0.0, 1, [(33, 33)], 1, 1),
    'queue overflows': ('L0 L1 L2 L3 R0 R3', 0.0, 3, [(3, 3)], 3, 1),
    'within tolerance': ('L0 R8 L33 R40', 0.010, 5, [(0, 8), (33, 40)], 0, 0),
    'at the tolerance': ('L0 R10', 0.010, 5, [(0, 10)], 0, 0),
    'beyond the tolerance': ('L0 R10.001', 0.010, 5, [], 0, 0),
    'the nearest, not the first': ('L0 L9 R10', 0.020, 5, [(9, 10)], 1, 0),
    'the nearest may be later': ('R100 R112 L108', 0.020, 5, [(112, 108)[::-1]], 0, 1),
    'the same stamp twice': ('L0 L0 R0', 0.0, 5, [(0, 0)], 1, 0),
    'stamps all zero': ('L0 R0 L0 R0', 0.0, 5, [(0, 0), (0, 0)], 0, 0),
    'nothing from one side': ('L0 L33 L66', 0.0, 2, [], 1, 0),
}


@pytest.mark.parametrize('make', BOTH)
@pytest.mark.parametrize('row', TABLE.values(), ids=TABLE)
def test_table(make, row):
    text, tolerance, queue_size, expected, left, right = row
    pairs, synchroniser = run(make, events(text), tolerance, queue_size)
    assert pairs == expected
    assert synchroniser.matched == len(expected)
    assert synchroniser.dropped == {'left': left, 'right': right}


@pytest.mark.parametrize('make', BOTH)
@pytest.mark.parametrize('tolerance', [0.0, 0.010])
def test_time_that_jumps_back_starts_afresh(make, tolerance):
    first, second = 'L100000 R100000 L100033', 'L0 R0 L33 R33'
    pairs, synchroniser = run(make, events(f'{first} {second}'), tolerance)
    assert pairs == [(100000, 100000), (0, 0), (33, 33)]
    assert synchroniser.resets == 1
    assert synchroniser.dropped == {'left': 1, 'right': 0}


@pytest.mark.parametrize('make', BOTH)
def test_what_waited_before_the_jump_meets_nobody_after_it(make):
    # The same stamps come again when a bag loops; left is of the first round, right of the next.
    pairs, synchroniser = run(make, events('R0 R33 L66 R0'), 0.010)
    assert pairs == []
    assert synchroniser.pending() == {'left': 0, 'right': 1}


@pytest.mark.parametrize('make', BOTH)
def test_reset_forgets(make):
    pairs, synchroniser = run(make, events('L0 L33'))
    synchroniser.reset()
    synchroniser.add('right', 0, 0.0)
    assert pairs == []
    assert synchroniser.pending() == {'left': 0, 'right': 1}


@pytest.mark.parametrize('make', BOTH)
def test_the_last_difference_is_measured_to_the_nearest(make):
    _, synchroniser = run(make, events('L0 L20 R51'), 0.010)
    assert synchroniser.last_difference == pytest.approx(0.031)


@pytest.mark.parametrize('make', BOTH)
def test_a_callback_that_fails_blocks_nobody(make):
    pairs = []

    def callback(left, right):
        if left == 0:
            raise ValueError('no')
        pairs.append((left, right))

    synchroniser = make(0.0, 5, callback)
    synchroniser.add('left', 0, 0)
    with pytest.raises(ValueError, match='no'):
        synchroniser.add('right', 0, 0)
    synchroniser.add('left', MS, 1)
    synchroniser.add('right', MS, 1)
    assert pairs == [(1, 1)]


@pytest.mark.parametrize('make', BOTH)
def test_a_slow_callback_does_not_hold_the_other_side(make):
    entered, release, pairs = threading.Event(), threading.Event(), []

    def callback(left, right):
        pairs.append((left, right))
        entered.set()
        release.wait(5)

    synchroniser = make(0.0, 5, callback)
    synchroniser.add('left', 0, 0)
    busy = threading.Thread(target=synchroniser.add, args=('right', 0, 0))
    busy.start()
    assert entered.wait(5)
    other = threading.Thread(target=synchroniser.add, args=('left', MS, 1))
    other.start()
    other.join(5)
    blocked = other.is_alive()
    release.set()
    busy.join(5)
    other.join(5)
    assert not blocked
    assert pairs == [(0, 0)]


STREAMS = st.lists(st.integers(0, 40), min_size=0, max_size=25, unique=True).map(sorted)


def interleave(left, right, seed):
    """Mix two ordered streams, each side staying in order."""
    sides = ['L'] * len(left) + ['R'] * len(right)
    random.Random(seed).shuffle(sides)
    sources = {'L': iter(left), 'R': iter(right)}
    return [(side, float(next(sources[side]))) for side in sides]


@settings(max_examples=150, deadline=None)
@given(STREAMS, STREAMS, st.integers(0, 9), st.sampled_from([0.0, 0.002]), st.integers(1, 6))
def test_laws_of_pairing(left, right, seed, tolerance, queue_size):
    stream = interleave(left, right, seed)
    pairs, synchroniser = run(PairSynchroniser, stream, tolerance, queue_size)
    for a, b in pairs:
        assert abs(a - b) <= tolerance * 1e3  # close enough
    for one, two in itertools.pairwise(pairs):
        assert one[0] < two[0]  # in order, and nothing used twice
        assert one[1] < two[1]
    waiting = synchroniser.pending()
    assert all(0 <= count <= queue_size for count in waiting.values())  # bounded
    for side, items in (('left', left), ('right', right)):  # and nothing gets lost uncounted
        assert len(items) == len(pairs) + synchroniser.dropped[side] + waiting[side]


@needs_filters
@settings(max_examples=150, deadline=None)
@given(STREAMS, STREAMS, st.integers(0, 9), st.sampled_from([0.0, 0.002]), st.integers(1, 6))
def test_the_stand_in_pairs_as_message_filters(left, right, seed, tolerance, queue_size):
    stream = interleave(left, right, seed)
    own, a = run(PairSynchroniser, stream, tolerance, queue_size)
    theirs, b = run(message_filters, stream, tolerance, queue_size)
    assert own == theirs
    assert (a.dropped, a.pending()) == (b.dropped, b.pending())


def test_exact_pairing_loses_nothing_that_fits_the_queue():
    stamps = list(range(0, 3300, 33))
    lag = 4
    stream = []
    for i, stamp in enumerate(stamps):
        stream.append(('L', stamp))
        if i >= lag:
            stream.append(('R', stamps[i - lag]))
    pairs, _ = run(PairSynchroniser, stream, queue_size=lag + 1)
    assert pairs == [(s, s) for s in stamps[:-lag]]


@pytest.mark.parametrize('make', BOTH)
@pytest.mark.parametrize(
    ('tolerance', 'queue_size'), [(-0.1, 5), (float('nan'), 5), (float('inf'), 5), (0.0, 0)]
)
def test_options_out_of_range_are_refused(make, tolerance, queue_size):
    with pytest.raises(DepthError, match='expected'):
        make(tolerance, queue_size, print)
