# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Recordings of every storage and compression are read alike, and damage costs little."""

import os
import shutil
import struct

import pytest
from bag_files import PERIOD, START, STORE, drive, write, write_mcap

from depth_ros.files.bags.content import BagError
from depth_ros.files.bags.mcap_records import chunk_at, read_at
from depth_ros.files.bags.reader import Bag, find_bags
from depth_ros.files.bags.serialise import Types


def expected(messages):
    return [(t, n, bytes(STORE.serialize_cdr(m, m.__msgtype__))) for n, t, m in messages]


def content(bag, *arguments):
    return [(time, topic, bytes(data)) for time, topic, data in bag.messages(*arguments)]


def chunks_of(path):
    """Return where the chunks of an intact MCAP file lie, found by the library."""
    from mcap.reader import make_reader

    with path.open('rb') as stream:
        summary = make_reader(stream).get_summary()
    return [(c.chunk_start_offset, c.chunk_length) for c in summary.chunk_indexes]


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
@pytest.mark.parametrize('mode', ['none', 'file', 'message', 'storage'])
def test_every_storage_and_compression_reads_alike(tmp_path, storage, mode):
    if (storage, mode) in (('mcap', 'message'), ('sqlite3', 'storage')):
        pytest.skip('rosbag2 has no such recordings')
    messages = drive(6)
    with Bag(write(tmp_path / 'bag', messages, storage, mode)) as bag:
        assert content(bag) == expected(messages)
        assert {name: topic.count for name, topic in bag.topics.items()} == {
            '/camera/image_raw': 6,
            '/camera/camera_info': 6,
        }
        assert (bag.start, bag.end) == (START + 1, START + 5 * PERIOD + 2)
        assert not bag.damage


@pytest.mark.parametrize('compression', ['none', 'lz4', 'zstd'])
def test_a_single_mcap_file_with_small_chunks(tmp_path, compression):
    messages = drive(8)
    path = write_mcap(tmp_path / 'one.mcap', messages, compression, chunk_size=4000)
    with Bag(path) as bag:
        assert content(bag) == expected(messages)


@pytest.mark.parametrize('options', [{'use_chunking': False}, {'repeat_channels': False}])
def test_an_mcap_file_without_an_index(tmp_path, options):
    messages = drive(4)
    with Bag(write_mcap(tmp_path / 'one.mcap', messages, **options)) as bag:
        assert content(bag) == expected(messages)


def test_times_and_topics_select(tmp_path):
    messages = drive(10)
    with Bag(write(tmp_path / 'bag', messages)) as bag:
        times = [t for t, _, _ in content(bag, {'/camera/image_raw'}, START + PERIOD)]
        assert times == [START + i * PERIOD + 2 for i in range(1, 10)]
        stop = START + 3 * PERIOD + 2  # the moment itself is no longer within
        assert content(bag, None, START, stop)[-1][0] == stop - 1
        assert bag.last_before('/camera/camera_info', stop).time == stop - 1
        assert bag.last_before('/camera/camera_info', START) is None


def test_split_recordings_are_one_and_a_lost_metadata_file_costs_nothing(tmp_path):
    messages = drive(9)
    for part in range(3):
        write(tmp_path / f'part{part}', messages[6 * part : 6 * part + 6])
    folder = tmp_path / 'split'
    folder.mkdir()
    for part in range(3):
        shutil.copy(tmp_path / f'part{part}' / f'part{part}.mcap', folder / f'split_{part}.mcap')
    with Bag(folder) as bag:
        assert content(bag) == expected(messages)
    (folder / 'metadata.yaml').write_text('rosbag2_bagfile_information: [not, what, it, was]')
    (folder / 'split_1.mcap').write_bytes(b'nothing')
    with Bag(folder) as bag:
        assert content(bag) == expected(messages[:6] + messages[12:])
        assert [damage.file for damage in bag.damage] == ['split_1.mcap']


def test_overlapping_files_are_merged_by_time(tmp_path):
    messages = drive(6)
    write(tmp_path / 'images', [m for m in messages if 'image' in m[0]])
    write(tmp_path / 'infos', [m for m in messages if 'info' in m[0]])
    folder = tmp_path / 'both'
    folder.mkdir()
    for name in ('images', 'infos'):
        shutil.copy(tmp_path / name / f'{name}.mcap', folder)
    with Bag(folder) as bag:
        assert content(bag) == expected(messages)


def test_messages_are_read_by_the_definitions_of_the_recording(tmp_path):
    messages = drive(1)
    with Bag(write(tmp_path / 'bag', messages)) as bag:
        types = Types(bag.topics)
        info, image = (types.read(topic, data) for _, topic, data in bag.messages())
    assert (info.width, info.k[0]) == (32, 30.0)
    assert bytes(image.data) == bytes(messages[1][2].data)
    assert image.header.frame_id == 'camera_optical'


@pytest.mark.parametrize('compression', ['none', 'lz4', 'zstd'])
@pytest.mark.parametrize('with_index', [True, False])
def test_a_damaged_chunk_costs_itself_alone(tmp_path, compression, with_index):
    messages = drive(12)
    path = write_mcap(tmp_path / 'one.mcap', messages, compression, chunk_size=4000)
    offset, length = chunks_of(path)[2]
    with Bag(path) as bag:
        whole = content(bag)
    raw = bytearray(path.read_bytes())
    raw[offset + length - 100 : offset + length - 60] = os.urandom(40)
    path.write_bytes(raw if with_index else raw[:-20])
    with Bag(path) as bag:
        found = content(bag)
        damage = bag.damage
    lost = [m for m in whole if m not in found]
    assert 0 < len(lost) <= 4
    assert found == [m for m in whole if m not in lost]
    assert [d.offset for d in damage] == [offset]
    assert damage[0].start <= lost[0][0] <= lost[-1][0] <= damage[0].end
    assert 'chunk' in str(damage[0])


def test_a_file_cut_off_anywhere_gives_what_is_before(tmp_path):
    messages = drive(12)
    path = write_mcap(tmp_path / 'one.mcap', messages, chunk_size=4000)
    whole = expected(messages)
    raw = path.read_bytes()
    chunks = chunks_of(path)
    for cut in (*(offset + length // 2 for offset, length in chunks), len(raw) - 3):
        path.write_bytes(raw[:cut])
        with Bag(path) as bag:
            found = content(bag)
        assert found == whole[: len(found)]
        before = [chunk for chunk in chunks if sum(chunk) <= cut]
        assert len(found) >= len(before)
    # Of an uncompressed chunk that was cut off, the messages that are whole are kept.
    path.write_bytes(raw[: sum(chunks[3]) - 1])
    with Bag(path) as bag:
        kept = len(content(bag))
        assert len(bag.damage) == 1
    path.write_bytes(raw[: chunks[3][0]])
    with Bag(path) as bag:
        assert kept > len(content(bag))


def test_bytes_that_make_no_record_are_passed_over(tmp_path):
    messages = drive(12)
    path = write_mcap(tmp_path / 'one.mcap', messages, chunk_size=4000)
    (_, _), (offset, _), (third, _) = chunks_of(path)[:3]
    raw = bytearray(path.read_bytes()[:-20])
    raw[offset : offset + 9] = struct.pack('<BQ', 0x77, 2**60)
    path.write_bytes(raw)
    with Bag(path) as bag:
        found = content(bag)
        assert [(d.offset, f'{third - offset} B' in d.reason) for d in bag.damage] == [
            (offset, True)
        ]
    whole = expected(messages)
    assert len(whole) - 4 <= len(found) < len(whole)
    assert [m for m in whole if m in found] == found


def test_a_header_is_not_believed_before_its_sizes_agree(tmp_path):
    path = write_mcap(tmp_path / 'one.mcap', drive(6), chunk_size=4000)
    offset, _ = chunks_of(path)[0]
    file = os.open(path, os.O_RDONLY)
    try:
        assert chunk_at(file, offset) is not None
        assert all(chunk_at(file, offset + i) is None for i in range(1, 200))
        assert read_at(file, path.stat().st_size - 3, 10) == path.read_bytes()[-3:]
    finally:
        os.close(file)


def test_a_damaged_sqlite_file_gives_the_rows_of_its_good_pages(tmp_path):
    messages = drive(40)
    path = write(tmp_path / 'bag', messages, 'sqlite3') / 'bag.db3'
    whole = expected(messages)
    raw = bytearray(path.read_bytes())
    page = struct.unpack('>H', raw[16:18])[0]
    for number in (30, 31):
        raw[number * page : (number + 1) * page] = b'\xff' * page
    path.write_bytes(raw)
    with Bag(path) as bag:
        found = content(bag)
        assert bag.damage
    assert len(whole) - 20 < len(found) < len(whole)
    assert all(message in whole for message in found)
    assert [m for m in whole if m in found] == found


@pytest.mark.parametrize('name', ['empty.mcap', 'empty.db3', 'text.mcap', 'text.db3'])
def test_what_is_no_recording_is_refused_with_a_sentence(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b'' if name.startswith('empty') else b'hello ' * 100)
    with pytest.raises(BagError, match=name):
        Bag(path)


def test_recordings_are_found_one_folder_below(tmp_path):
    for name in ('b', 'a'):
        write(tmp_path / name, drive(1))
    assert find_bags(tmp_path) == [tmp_path / 'a', tmp_path / 'b']
    assert find_bags(tmp_path / 'a') == [tmp_path / 'a']
    (tmp_path / 'none').mkdir()
    with pytest.raises(BagError, match='no recording'):
        find_bags(tmp_path / 'none')
    with pytest.raises(BagError, match='there is no'):
        find_bags(tmp_path / 'nowhere')
