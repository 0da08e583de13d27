# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Every image becomes a frame with the calibration that belongs to it, wherever reading begins."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from depth_ros.files.bags.content import BagError, Message
from depth_ros.reprocess.assemble import LEAD, Assembler, Frame
from depth_ros.reprocess.topics import Eye

MS = 1_000_000
MONO = (Eye('image', 'info'),)
PAIR = (Eye('left', 'left_info'), Eye('right', 'right_info'))


def message(time, topic, stamp=None):
    return Message(time, topic, (time if stamp is None else stamp, topic))


def read(recorded):
    stamp, topic = recorded.data
    if topic == 'damaged':
        raise BagError('damaged')
    sec, nanosec = divmod(stamp, 10**9)
    header = SimpleNamespace(stamp=SimpleNamespace(sec=sec, nanosec=nanosec))
    return SimpleNamespace(header=header, time=recorded.time)


def frames(messages, eyes=MONO, first=None, **options):
    first = first if first is not None else [None] * len(eyes)
    assembler = Assembler(eyes, first, options.pop('tolerance', 0.0), read, **options)
    ordered = sorted(messages, key=lambda m: m.time)
    return [f for f in assembler.frames(ordered) if isinstance(f, Frame)], assembler.lost


def calibrated(found):
    """Return for each frame when its image and its calibration were recorded."""
    return [(frame.time, frame.shots[0].info.time) for frame in found]


@given(late=st.integers(-1500, 1500), period=st.integers(20, 300))
def test_each_image_takes_the_calibration_of_its_stamp(late, period):
    messages = []
    for i in range(20):
        time = 10**12 + i * period * MS
        messages.append(message(time, 'image', stamp=i + 1))
        messages.append(message(time + late * MS, 'info', stamp=i + 1))
    found, lost = frames(messages, first=[SimpleNamespace(time=0)])
    assert [frame.shots[0].stamp for frame in found] == list(range(1, 21))
    assert lost.images == 20
    apart = {frame.shots[0].info.time - frame.time for frame in found}
    # A calibration is waited for as long as a live node would at most wait, and looked back for.
    if late <= 500:
        assert apart == {late * MS}


def test_without_one_of_its_stamp_the_last_before_it_is_taken():
    infos = [message(t * MS, 'info') for t in (0, 1000, 2500)]
    images = [message(t * MS, 'image') for t in (500, 1500, 2400, 2600, 9000)]
    found, _ = frames(infos + images)
    assert [info // MS for _, info in calibrated(found)] == [0, 1000, 1000, 2500, 2500]


def test_without_any_before_it_the_first_is_taken():
    first = [SimpleNamespace(time=7)]
    found, _ = frames([message(1 * MS, 'image'), message(900 * MS, 'info', 3)], first=first)
    assert calibrated(found) == [(1 * MS, 7)]


def test_without_any_the_images_are_counted_as_lost():
    found, lost = frames([message(t * MS, 'image') for t in range(3)])
    assert not found
    assert (lost.images, lost.no_camera_info) == (3, 3)


def test_a_message_that_cannot_be_read_costs_itself():
    messages = [message(i * 100 * MS, topic) for i in range(6) for topic in ('info', 'image')]
    messages[5] = Message(messages[5].time, 'image', (0, 'damaged'))
    found, lost = frames(messages)
    assert len(found) == 5
    assert (lost.images, lost.unreadable) == (6, 1)


def test_pairs_are_of_equal_stamps_or_of_near_ones():
    messages = []
    for i in range(10):
        time = i * 100 * MS
        messages += [message(time, f'{side}_info', time + 1) for side in ('left', 'right')]
        messages.append(message(time + 1, 'left', time + 1))
        messages.append(message(time + 40 * MS, 'right', time + 1 + (i % 2) * 5 * MS))
    exact, _ = frames(messages, PAIR)
    near, _ = frames(messages, PAIR, tolerance=0.006)
    assert [frame.time // (100 * MS) for frame in exact] == [0, 2, 4, 6, 8]
    assert [frame.time // (100 * MS) for frame in near] == list(range(10))
    assert all(abs(a.stamp - b.stamp) <= 6 * MS for _, (a, b) in near)


@pytest.mark.parametrize('cut', [0, 3_000, 7_777, 12_000])
@pytest.mark.parametrize('latched', [True, False])
def test_a_part_that_is_read_alone_gives_the_frames_of_the_whole(cut, latched):
    messages = [message(0, 'info', 1)] if latched else []
    for i in range(150):
        time = i * 100 * MS
        messages.append(message(time, 'image'))
        if not latched and i % 7:
            messages.append(message(time + (i % 5 - 2) * 90 * MS, 'info', time))
    messages.sort(key=lambda m: m.time)
    earliest = next(m for m in messages if m.topic == 'info')
    whole, _ = frames(messages, first=[read(earliest)])
    start = cut * MS
    begin = start - LEAD
    before = [m for m in messages if m.topic == 'info' and m.time < begin]
    part, lost = frames(
        [m for m in messages if m.time >= begin],
        first=[read((before or [earliest])[-1])],
        within=(start, 2**63),
    )
    owned = [f for f in part if f.time >= start]
    assert calibrated(owned) == calibrated([f for f in whole if f.time >= start])
    assert lost.images == len(owned)
