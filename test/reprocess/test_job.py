# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Every image of a recording comes out once, in the same bytes whatever happens on the way."""

import dataclasses
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bag_files import (
    PERIOD,
    START,
    STORE,
    camera_info,
    drive,
    image,
    kind,
    write,
    write_mcap,
)

from depth_ros.files.bags.content import BagError
from depth_ros.files.bags.reader import Bag
from depth_ros.reprocess.job import plan, run_job, run_one_part
from depth_ros.reprocess.settings import BagJob
from depth_ros.reprocess.topics import Choice
from depth_ros.types import Camera

REPOSITORY = Path(__file__).resolve().parents[2]
FLOOR = {'camera_height': 1.0, 'camera_pitch': 0.3}
OUTPUTS = ('/mono_depth/depth/camera_info', '/mono_depth/depth/image', '/mono_depth/points')


def job_for(source, out, **changes):
    return dataclasses.replace(BagJob(str(source), str(out), 'floor', FLOOR), **changes)


def files(out):
    """Return the bytes of what a recording consists of, by the name without that of the folder."""
    found = [*out.glob('*.mcap'), out / 'metadata.yaml']
    raw = {path.name.replace(out.name, ''): path.read_bytes() for path in found}
    raw['metadata.yaml'] = raw['metadata.yaml'].replace(out.name.encode(), b'')
    return raw


def messages(path, topic):
    """Return what another library reads."""
    from rosbags.rosbag2 import Reader

    with Reader(path) as bag:
        connections = [c for c in bag.connections if c.topic == topic]
        return [
            (time, STORE.deserialize_cdr(data, c.msgtype))
            for c, time, data in bag.messages(connections)
        ]


@pytest.fixture(scope='module')
def recording(tmp_path_factory):
    return write(tmp_path_factory.mktemp('recording') / 'in', drive(20))


@pytest.fixture(scope='module')
def finished(recording, tmp_path_factory):
    out = tmp_path_factory.mktemp('finished') / 'out'
    summary = run_job(job_for(recording, out))
    assert (summary.images, summary.frames, summary.failed) == (20, 20, 0)
    return out


def test_every_image_comes_out_once_in_order_with_its_stamp_and_frame(finished):
    for topic in OUTPUTS:
        found = messages(finished, topic)
        assert [time for time, _ in found] == [START + i * PERIOD + 2 for i in range(20)]
        stamps = [m.header.stamp.sec * 10**9 + m.header.stamp.nanosec for _, m in found]
        assert stamps == [START + i * PERIOD for i in range(20)]
        assert {m.header.frame_id for _, m in found} == {'camera_optical'}


def test_the_numbers_are_those_of_the_pipeline(finished, recording):
    from depth_ros.models.registry import create_model
    from depth_ros.pipeline import Pipeline
    from depth_ros.types import View

    depth = messages(finished, OUTPUTS[1])[7][1]
    pixels = np.random.default_rng(7).integers(0, 256, (24, 32, 3), np.uint8)
    expected = Pipeline(create_model('floor', FLOOR))([View(pixels, Camera.pinhole(32, 24, 30.0))])
    assert depth.encoding == '32FC1'
    found = depth.data.view(np.float32).reshape(24, 32)
    np.testing.assert_array_equal(found, expected.depth)
    cloud = messages(finished, OUTPUTS[2])[7][1]
    assert (cloud.height, cloud.width) == (24, 32)
    bgr = cloud.data.reshape(24, 32, 16)[..., 12:15]
    np.testing.assert_array_equal(bgr[..., ::-1], pixels)


def test_again_gives_the_same_bytes_and_does_nothing(finished, recording, tmp_path):
    again = tmp_path / 'again'
    run_job(job_for(recording, again))
    assert files(again) == files(finished)
    before = {path: path.stat().st_mtime_ns for path in again.glob('*.mcap')}
    seen = []
    summary = run_job(job_for(recording, again), seen.append)
    assert summary.frames == 20
    assert all(progress.frames == 0 for progress in seen)
    assert before == {path: path.stat().st_mtime_ns for path in again.glob('*.mcap')}


KILLED = """
import os, sys
from depth_ros.reprocess import job, settings
mine = settings.BagJob(*sys.argv[1:3], 'floor', {options!r}, copy=('*',))
def watch(progress):
    if progress.frames == int(sys.argv[3]):
        os.kill(os.getpid(), 9)
job.run_job(mine, watch)
"""


@pytest.mark.parametrize('frames', [1, 13])
def test_after_a_kill_the_rest_is_done_and_nothing_is_lost(recording, tmp_path, frames):
    whole, out = tmp_path / 'whole', tmp_path / 'out'
    run_job(job_for(recording, whole, copy=('*',)))
    done = subprocess.run(
        [sys.executable, '-c', KILLED.format(options=FLOOR), recording, out, str(frames)],
        cwd=REPOSITORY,
    )
    assert done.returncode == -signal.SIGKILL
    assert not (out / 'metadata.yaml').exists()
    with Bag(out) as bag:  # what there is can be read
        assert bag.topics['/mono_depth/depth/image'].count >= frames
    seen = []
    summary = run_job(job_for(recording, out, copy=('*',)), seen.append)
    assert summary.frames == 20
    # One frame may have been written without its line, when the kill came between the two.
    assert 20 - frames - 4 <= max(progress.frames for progress in seen) <= 20 - frames
    assert files(out) == files(whole)


@pytest.mark.parametrize('bytes_lost', [1, 5000, 10**6])
def test_after_a_power_failure_what_is_whole_is_kept(recording, finished, tmp_path, bytes_lost):
    out = tmp_path / 'out'
    job = job_for(recording, out)
    run_job(job)
    journal = out / '.depth_ros' / '0.jsonl'
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text(''.join(lines[:12]) + lines[12][:20])
    path = next(out.glob('*.mcap'))
    path.write_bytes(path.read_bytes()[: -min(bytes_lost, path.stat().st_size - 100)])
    run_job(job)
    assert files(out) == files(finished)


def test_other_settings_do_not_continue_a_recording(recording, tmp_path):
    out = tmp_path / 'out'
    run_job(job_for(recording, out))
    with pytest.raises(BagError, match='settings; give the same'):
        run_job(job_for(recording, out, parameters={'max_depth': 3.0}))


def test_parts_are_files_of_their_own_and_hold_the_frames_of_the_whole(
    recording, finished, tmp_path
):
    out = tmp_path / 'out'
    job = job_for(recording, out, split=0.5)
    planned = plan(job)
    assert len(planned.parts) == 4
    # In any order, on any machine: each part depends on the recording alone.
    for number in (2, 0, 3, 1):
        run_one_part(job, planned, number)
    summary = run_job(job)
    assert summary.frames == 20
    for topic in OUTPUTS:
        parts, whole = messages(out, topic), messages(finished, topic)
        assert [time for time, _ in parts] == [time for time, _ in whole]
        for (_, one), (_, other) in zip(parts, whole, strict=True):
            if hasattr(one, 'data'):
                np.testing.assert_array_equal(one.data, other.data)


def test_copied_topics_come_out_as_they_went_in(tmp_path):
    text = kind('std_msgs/msg/String')
    mixed = sorted(
        [
            *drive(10),
            *(('/chatter', START + i * 37_000_000, text(f'word {i}')) for i in range(60)),
        ],
        key=lambda m: m[1],
    )
    source = write(tmp_path / 'in', mixed)
    for split in (0.0, 0.3):
        out = tmp_path / f'out{split}'
        job = job_for(source, out, copy=('/chatter', '/camera/image_raw'), split=split)
        assert run_job(job).topics['/chatter'] == 60
        found = messages(out, '/chatter')
        assert [(t, m.data) for t, m in found] == [
            (START + i * 37_000_000, f'word {i}') for i in range(60)
        ]
        assert len(messages(out, '/camera/image_raw')) == 10
    with pytest.raises(BagError, match='/nowhere'):
        run_job(job_for(source, tmp_path / 'x', copy=('/nowhere',)))


def test_images_that_cannot_be_used_are_counted_with_the_reason(tmp_path):
    recorded = drive(6)
    stamp = START + 2 * PERIOD
    odd = image(np.zeros((24, 32), np.uint16), '16UC1', stamp)
    small = image(np.zeros((10, 32, 3), np.uint8), 'rgb8', START + 4 * PERIOD)
    recorded[5] = ('/camera/image_raw', stamp + 2, odd)
    recorded[9] = ('/camera/image_raw', START + 4 * PERIOD + 2, small)
    summary = run_job(job_for(write(tmp_path / 'in', recorded), tmp_path / 'out'))
    assert (summary.images, summary.frames, summary.failed) == (6, 4, 2)
    reasons = ' | '.join(summary.problems)
    assert 'depth image' in reasons
    assert '32x10' in reasons


def test_a_damaged_chunk_costs_its_frames_alone_and_is_named(tmp_path):
    source = write_mcap(tmp_path / 'one.mcap', drive(12), chunk_size=4000)
    raw = bytearray(source.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    source.write_bytes(raw)
    summary = run_job(job_for(source, tmp_path / 'out'))
    assert 9 <= summary.frames < 12
    assert len(summary.damage) == 1
    assert 'one.mcap' in summary.damage[0]


FULL = """
import resource, sys
from depth_ros.files.bags.mcap_writer import DiskFull
from depth_ros.reprocess import job, settings
mine = settings.BagJob(*sys.argv[1:3], 'floor', {options!r})
job.plan(mine)
limit = int(sys.argv[3])
def watch(progress):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
try:
    job.run_job(mine, watch)
except DiskFull as error:
    print(error)
"""


def test_a_full_disk_leaves_a_recording_that_is_continued(recording, finished, tmp_path):
    out = tmp_path / 'out'
    limit = next(finished.glob('*.mcap')).stat().st_size // 2
    done = subprocess.run(
        [sys.executable, '-B', '-c', FULL.format(options=FLOOR), recording, out, str(limit)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert 'no room left' in done.stdout, done.stderr
    assert 5 < len(messages(out, OUTPUTS[1])) < 11  # metadata.yaml is there, too
    run_job(job_for(recording, out))
    assert files(out) == files(finished)


def test_a_pair_is_computed_as_the_stereo_node_does(tmp_path):
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 256, (60, 140, 3), np.uint8)
    cameras = {
        'left': Camera.pinhole(120, 60, 100.0),
        'right': Camera.pinhole(120, 60, 100.0, baseline=0.1),
    }
    recorded = []
    for i in range(3):
        stamp = START + i * PERIOD
        for side, pixels in (('left', texture[:, :120]), ('right', texture[:, 8:128])):
            recorded.append((f'/{side}/camera_info', stamp, camera_info(cameras[side], stamp)))
            recorded.append((f'/{side}/image_rect', stamp + 5, image(pixels, 'rgb8', stamp)))
    source = write(tmp_path / 'in', recorded[:-1])  # the last left image has no partner
    job = BagJob(str(source), str(tmp_path / 'out'), 'sgbm', {'disparity_range': 32})
    summary = run_job(job)
    assert (summary.images, summary.frames) == (3, 2)
    assert summary.problems == {'without a partner in the other eye': 1}
    (_, first), _ = messages(tmp_path / 'out', '/stereo_depth/disparity')
    values = first.image.data.view(np.float32).reshape(60, 120)
    assert np.median(values[values > 0]) == pytest.approx(8.0, abs=0.1)
    assert (first.f, round(first.t, 4)) == (100.0, 0.1)


WITHOUT_ROS = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('rclpy', 'sensor_msgs', 'std_msgs', 'stereo_msgs'):
            raise ImportError(name)
sys.meta_path.insert(0, Blocked())
from depth_ros.messages import classes
assert not classes.ROS_CLASSES
from depth_ros.reprocess import job, settings
job.run_job(settings.BagJob(*sys.argv[1:3], 'floor', {options!r}))
"""


def test_without_ros_the_same_bytes_come_out(recording, finished, tmp_path):
    out = tmp_path / 'out'
    code = WITHOUT_ROS.format(options=FLOOR)
    subprocess.run([sys.executable, '-c', code, recording, out], cwd=REPOSITORY, check=True)
    assert files(out) == files(finished)


def test_measured_depth_goes_to_a_model_that_takes_it(tmp_path, monkeypatch):
    from depth_ros.reprocess.companions import PromptCompanion
    from depth_ros.reprocess.source import Part, Source
    from depth_ros.reprocess.topics import choose

    recorded = drive(6)
    for i in range(6):
        stamp = START + i * PERIOD + 30_000_000
        depth = np.full((4, 4), 1.0 + i, np.float32)
        recorded.append(('/tof', stamp + 1, image(depth, '32FC1', stamp)))
    source = write(tmp_path / 'in', sorted(recorded, key=lambda m: m[1]))
    with Bag(source) as bag:
        eyes = choose(bag.topics, 1, Choice())
        companions = [PromptCompanion('/tof', 0.05)]
        items = Source(bag, Part(0, 0, 2**63 - 1), eyes, 0.0, companions, frozenset(), [])
        views = [item.views[0] for item in items.items()]
    assert [view.known.depth[0, 0] for view in views] == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
