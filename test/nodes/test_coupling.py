# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Each picture with the calibration that belongs to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from depth_ros.nodes.input.coupling import PATIENCE, Coupler


class Log(Coupler):
    def __init__(self):
        self.pairs = []
        self.lost = 0
        super().__init__(lambda stamp, image, info: self.pairs.append((image, info)), self.lose)

    def lose(self):
        self.lost += 1

    def feed(self, events):
        """`i3` is a picture of stamp 3, `c3` a calibration of stamp 3."""
        for event in events.split():
            stamp = int(event[1:])
            if event[0] == 'i':
                self.add_image(stamp, event, now=0.0)
            else:
                self.add_info(stamp, event)
        return [f'{image}{info}' for image, info in self.pairs]


@pytest.mark.parametrize(
    ('events', 'pairs'),
    [
        ('c1 i1 c2 i2', 'i1c1 i2c2'),
        ('i1 c1 i2 c2', 'i1c1 i2c2'),
        ('i1 c1 c2 i2', 'i1c1 i2c2'),
        ('i1', ''),  # nothing without a calibration
        ('i1 i2 c2', 'i2c2'),  # and only the newest waits for the first
        ('c1 i5 i6 i7', 'i5c1 i6c1'),  # a calibration sent once: i7 waits a moment
        ('c100 i5 i6', 'i5c100'),  # with a stamp of its own
        ('i5 c100 i6', 'i5c100'),
        ('i1 c1 i2 i3 c3', 'i1c1 i2c1 i3c3'),  # a calibration lost: one picture late
        ('i1 c1 i2 c3 i3', 'i1c1 i2c3 i3c3'),
        ('i1 c1 i3 c2 c3', 'i1c1 i3c3'),  # that of a lost picture is not mistaken for its own
        ('i1 c1 i2 i3 i4', 'i1c1 i2c1 i3c1'),  # calibrations end: i4 waits ...
        ('i1 c1 i2 i3 i4 i5', 'i1c1 i2c1 i3c1 i4c1 i5c1'),  # ... i5 does not any more
        ('c0 i0 i0', 'i0c0 i0c0'),  # stamps that are not set
        ('c1 i2 c2', 'i2c2'),  # the first image waits too
        ('c1 i5 i6 i7 i8 i9', 'i5c1 i6c1 i7c1 i8c1 i9c1'),  # not for ever
    ],
)
def test_pairs(events, pairs):
    assert Log().feed(events) == pairs.split()


def test_a_picture_that_waits_goes_when_asked():
    log = Log()
    log.feed('i1 c1 i2')
    log.flush(0.5 * PATIENCE)
    assert len(log.pairs) == 1
    log.flush(PATIENCE)
    assert log.pairs[-1] == ('i2', 'c1')
    log.flush(2 * PATIENCE)
    assert len(log.pairs) == 2


def test_after_a_change_no_image_is_given_the_calibration_of_before():
    """The camera is changed behind stamps that were never equal, so nothing was waited for."""
    pairs = []
    coupler = Coupler(
        lambda stamp, image, info: pairs.append((image, info)),
        same=lambda before, after: before == after,
    )
    coupler.add_info(100, 'old')
    for stamp in range(5):
        coupler.add_image(stamp, f'i{stamp}', 0.0)
    assert pairs[-1] == ('i4', 'old')
    coupler.add_info(105, 'new')
    coupler.add_image(6, 'i6', 0.0)
    coupler.flush(PATIENCE)
    assert pairs[-1] == ('i6', 'new')
    coupler.add_image(7, 'i7', 0.0)
    assert pairs[-1][0] == 'i6'  # waits for its own again
    coupler.add_info(7, 'new')
    assert pairs[-1] == ('i7', 'new')


def test_pictures_without_any_calibration_are_counted():
    log = Log()
    log.feed('i1 i2 i3')
    assert (log.lost, log.pairs) == (2, [])
    log.feed('c3')
    assert (log.lost, log.pairs) == (2, [('i3', 'c3')])


def test_reset_keeps_the_calibration_and_forgets_the_stamps():
    log = Log()
    log.feed('c5 i5 i6')
    log.reset()
    assert log.has_info
    assert log.feed('i5') == ['i5c5']  # i6 is gone, and i5 waits a moment for its own
    log.flush(PATIENCE)
    assert log.pairs[-1] == ('i5', 'c5')


@given(
    st.lists(st.sampled_from(['image', 'info', 'both', 'both_late']), max_size=60),
    st.booleans(),
)
def test_no_picture_is_lost_or_doubled_once_a_calibration_is_known(kinds, shared_stamps):
    log = Log()
    log.add_info(0, 'c0')
    for i, kind in enumerate(kinds, 1):
        stamp = i if shared_stamps else 10_000 + i
        if kind == 'both':
            log.add_info(stamp, f'c{i}')
        if kind != 'info':
            log.add_image(i, f'i{i}', 0.0)
        if kind in ('info', 'both_late'):
            log.add_info(stamp, f'c{i}')
    log.flush(PATIENCE)
    images = [f'i{i}' for i, kind in enumerate(kinds, 1) if kind != 'info']
    assert [image for image, _ in log.pairs] == images
    if shared_stamps:
        for (image, info), kind in zip(log.pairs, [k for k in kinds if k != 'info']):
            if kind == 'both':
                assert info == 'c' + image[1:]
