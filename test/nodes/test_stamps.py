# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""By how much two eyes differ."""

import pytest

from depth_ros.nodes.input.stamps import StampWatch

MS = 1_000_000


def test_the_nearest_difference_is_reported_once():
    watch = StampWatch()
    for i in range(5):
        watch.saw('left', i * 100 * MS)
        watch.saw('right', (i * 100 + 31) * MS)
    assert watch.report() == pytest.approx(0.031)
    assert watch.report() is None


@pytest.mark.parametrize('side', ['left', 'right'])
def test_one_eye_alone_has_no_difference(side):
    watch = StampWatch()
    watch.saw(side, 0)
    assert watch.report() is None


def test_pairs_are_no_news():
    watch = StampWatch()
    for i in range(5):
        watch.saw('left', i)
        watch.saw('right', i)
        watch.paired()
    watch.saw('left', 5)  # its partner is on the way
    assert watch.report() is None
