# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What is written is read by other libraries, and an unfinished file is continued to the byte."""

import subprocess
import sys
from pathlib import Path

import pytest
from bag_files import STORE, drive

from depth_ros.files.bags.content import BagError, Message, Topic
from depth_ros.files.bags.mcap_writer import McapWriter
from depth_ros.files.bags.metadata import FileFacts, numbered_qos, write_metadata

REPOSITORY = Path(__file__).resolve().parents[3]
QOS = """\
- history: keep_last
  depth: 5
  reliability: best_effort
  durability: volatile
  deadline: {sec: 9223372036, nsec: 854775807}
  lifespan: {sec: 9223372036, nsec: 854775807}
  liveliness: automatic
  liveliness_lease_duration: {sec: 9223372036, nsec: 854775807}
  avoid_ros_namespace_conventions: false
"""


def chunks(count=6):
    """Return the messages of each chunk, two of each topic but for the first chunk."""
    flat = [
        Message(t, n, bytes(STORE.serialize_cdr(m, m.__msgtype__))) for n, t, m in drive(2 * count)
    ]
    return [flat[1:2], *(flat[4 * i : 4 * i + 4] for i in range(1, count))]


def topics():
    names = {'/camera/image_raw': 'Image', '/camera/camera_info': 'CameraInfo'}
    return {
        name: Topic(
            name,
            f'sensor_msgs/msg/{kind}',
            STORE.generate_msgdef(f'sensor_msgs/msg/{kind}', ros_version=2)[0],
            'ros2msg',
            numbered_qos(QOS),
        )
        for name, kind in names.items()
    }


def write(path, parts, compression='none', **options):
    writer = McapWriter(path, compression, **options)
    for part in parts:
        writer.write(part, topics())
    return writer


@pytest.mark.parametrize('compression', ['none', 'lz4', 'zstd'])
def test_other_readers_read_it(tmp_path, compression):
    from mcap.reader import make_reader
    from rosbags.rosbag2 import Reader

    parts = chunks()
    folder = tmp_path / 'bag'
    folder.mkdir()
    writer = write(folder / 'bag_0.mcap', parts, compression)
    writer.finish()
    facts = FileFacts('bag_0.mcap', *writer.times, writer.counts)
    write_metadata(folder, [facts], writer.topics)
    writer.close()
    flat = [message for part in parts for message in part]

    with (folder / 'bag_0.mcap').open('rb') as stream:
        reader = make_reader(stream, validate_crcs=True)
        found = [(m.log_time, c.topic, m.data) for _, c, m in reader.iter_messages()]
        statistics = reader.get_summary().statistics
    assert found == flat
    assert statistics.message_count == len(flat)
    assert statistics.chunk_count == len(parts)
    assert (statistics.message_start_time, statistics.message_end_time) == (
        flat[0].time,
        flat[-1].time,
    )
    for path in (folder, folder / 'bag_0.mcap'):
        with Reader(path) as bag:
            again = [(t, c.topic, bytes(data)) for c, t, data in bag.messages()]
            assert again == flat
            assert bag.message_count == len(flat)
            assert bag.end_time - bag.start_time == flat[-1].time - flat[0].time + 1
            (qos,) = bag.connections[0].ext.offered_qos_profiles
            assert (qos.depth, qos.reliability.name) == (5, 'BEST_EFFORT')
            image = bag.topics['/camera/image_raw']
            assert 'uint32 height' in image.msgdef.data
            assert image.msgcount == sum(m.topic == '/camera/image_raw' for m in flat)


@pytest.mark.parametrize('compression', ['none', 'zstd'])
def test_an_unfinished_file_is_continued_to_the_byte(tmp_path, compression):
    parts = chunks()
    whole = tmp_path / 'whole.mcap'
    writer = write(whole, parts, compression)
    writer.finish()
    writer.close()
    for stop in range(len(parts) + 1):
        path = tmp_path / f'{stop}.mcap'
        first = write(path, parts[:stop], compression)
        end = first.end
        first.close()
        with path.open('ab') as stream:
            stream.write(b'\x06half a chunk')
        second = write(path, parts[stop:], compression, keep=end)
        second.finish()
        second.close()
        assert path.read_bytes() == whole.read_bytes()


def test_a_finished_file_is_continued_too(tmp_path):
    parts = chunks()
    writer = write(tmp_path / 'a.mcap', parts)
    writer.finish()
    half = write(tmp_path / 'b.mcap', parts[:3])
    end = half.end
    half.finish()
    rest = write(tmp_path / 'b.mcap', parts[3:], keep=end)
    rest.finish()
    assert (tmp_path / 'a.mcap').read_bytes() == (tmp_path / 'b.mcap').read_bytes()


def test_a_damaged_beginning_is_not_continued(tmp_path):
    path = tmp_path / 'a.mcap'
    writer = write(path, chunks())
    end = writer.end
    writer.close()
    raw = bytearray(path.read_bytes())
    raw[500] ^= 1
    path.write_bytes(raw)
    with pytest.raises(BagError, match='damaged'):
        McapWriter(path, keep=end)
    with pytest.raises(BagError, match='ends at'):
        McapWriter(write_to(tmp_path / 'c.mcap'), keep=end - 1)


def write_to(path):
    write(path, chunks()).close()
    return path


FULL = """
import resource, sys
from pathlib import Path
sys.path[:0] = ['test', 'test/files/bags']
from depth_ros.files.bags.mcap_writer import DiskFull
from test_writer import chunks, write
parts = chunks()
write(Path(sys.argv[1]), parts).finish()  # what is imported when it is used is imported now
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    write(Path(sys.argv[1]), parts).finish()
except DiskFull as error:
    print(error)
"""


@pytest.mark.parametrize('share', [0.35, 0.6, 0.9])
def test_a_full_disk_leaves_a_whole_file(tmp_path, share):
    from mcap.reader import make_reader

    parts = chunks()
    writer = write(tmp_path / 'whole.mcap', parts)
    writer.finish()
    size = (tmp_path / 'whole.mcap').stat().st_size
    path = tmp_path / 'full.mcap'
    done = subprocess.run(
        [sys.executable, '-c', FULL, str(path), str(int(size * share))],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        env={'PYTHONPATH': str(REPOSITORY)},
    )
    assert 'no room left' in done.stdout, done.stderr
    assert path.stat().st_size <= size * share
    with path.open('rb') as stream:
        found = [m.data for _, _, m in make_reader(stream).iter_messages()]
    flat = [message.data for part in parts for message in part]
    assert found == flat[: len(found)]
    assert len(found) > 0


def test_qos_of_every_release_is_written_with_numbers():
    text = numbered_qos(QOS)
    assert 'reliability: 2' in text
    assert 'history: 1' in text
    assert numbered_qos(text) == text
    assert numbered_qos('') == numbered_qos('{nonsense') == ''
