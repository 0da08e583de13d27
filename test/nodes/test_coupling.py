# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Each image with the calibration that belongs to it."""

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
        """`i3` is an image of stamp 3, `c3` a calibration of stamp 3."""
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
        ('i1 i2 c1 c2', 'i2c2'),  # without any calibration only the newest image waits
        ('c1 i2 c2', 'i2c2'),  # the first image waits for its own
        ('c1 i2 i3 c2 c3', 'i2c2 i3c3'),
        ('i1 c1 i2 i3 c3', 'i1c1 i2c3 i3c3'),  # a calibration lost
        ('i1 c1 i2 c3 i3', 'i1c1 i2c3 i3c3'),
        ('i1 c1 i3 c2 c3', 'i1c1 i3c3'),  # that of a lost image is not taken for its own
        ('c0 i0 i0', 'i0c0 i0c0'),  # stamps that are not set
        ('i1', ''),  # nothing without a calibration
        ('i1 i2 c2', 'i2c2'),
        ('c1 i5 i6 i7', ''),  # a calibration sent once: they wait a moment
    ],
)
def test_pairs(events, pairs):
    assert Log().feed(events) == pairs.split()


def test_images_that_wait_are_released_in_order_when_their_time_is_over():
    log = Log()
    log.feed('i1 c1 i2 i3')
    log.flush(0.5 * PATIENCE)
    assert log.pairs == [('i1', 'c1')]
    log.flush(PATIENCE)
    assert log.pairs == [('i1', 'c1'), ('i2', 'c1'), ('i3', 'c1')]
    log.flush(2 * PATIENCE)
    assert len(log.pairs) == 3


def test_a_camera_that_never_stamps_both_equally_is_not_waited_for_any_more():
    log = Log()
    log.feed('c100 i1 i2 i3')
    log.flush(PATIENCE)
    assert log.feed('i4')[-1] == 'i4c100'
    assert log.feed('c5 i5 i6 c6')[-2:] == ['i5c5', 'i6c6']  # until it does


def test_a_fast_camera_does_not_pile_up_images():
    log = Log()
    assert log.feed('c0 ' + ' '.join(f'i{n}' for n in range(1, 40)))[-1] == 'i39c0'


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
    coupler.flush(PATIENCE)
    assert pairs[-1] == ('i4', 'old')
    coupler.add_info(105, 'new')
    coupler.add_image(6, 'i6', 0.0)
    coupler.flush(PATIENCE)
    assert pairs[-1] == ('i6', 'new')
    coupler.add_image(7, 'i7', 0.0)
    assert pairs[-1][0] == 'i6'  # waits for its own again
    coupler.add_info(7, 'new')
    assert pairs[-1] == ('i7', 'new')


def test_images_without_any_calibration_are_counted():
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
def test_no_image_is_lost_or_doubled_once_a_calibration_is_known(kinds, shared_stamps):
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
