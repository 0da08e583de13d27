# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
`depth_ros bag` against the model alone, against play + node + record, and two workers against one.

    python bench/bag.py [--frames 90] [--rounds 3] [overhead] [replay] [workers]

`overhead`: seconds and processor seconds per frame of a pair of 640x480 through `sgbm`, alone and
as a recording, in turns. `replay`: a recording of 640x480 through the model `plane`, as a job, and
played to a running `mono_depth` whose output another process records, at rising rates until a
frame is missing. `workers`: the same job on Ray with one worker and with two.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import os
import random
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.timing import ratio_line
from depth_ros.files.bags.content import Message, Topic
from depth_ros.files.bags.mcap_writer import McapWriter
from depth_ros.files.bags.reader import Bag
from depth_ros.files.bags.serialise import Serialiser
from depth_ros.files.share import ros_environment
from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.messages.classes import make_header, type_name
from depth_ros.messages.image import array_to_image
from depth_ros.reprocess.fleet import run_fleet
from depth_ros.reprocess.job import plan, run_job
from depth_ros.reprocess.settings import BagJob, engine_for
from depth_ros.types import Camera, View

ROOT = Path(__file__).resolve().parents[1]
WIDTH, HEIGHT, FOCAL, BASELINE = 640, 480, 420.0, 0.12
SGBM = {'disparity_range': 128}
START, PERIOD = 1_700_000_000_000_000_000, 33_333_333
CAMERAS = {
    'left': Camera.pinhole(WIDTH, HEIGHT, FOCAL),
    'right': Camera.pinhole(WIDTH, HEIGHT, FOCAL, baseline=BASELINE),
}
OVERHEAD, FASTER, WORKERS = 0.15, 3.0, 1.8  # the bars


def images(index: int) -> list[np.ndarray]:
    """Return a textured pair."""
    rng = np.random.default_rng(index % 8)
    noise = rng.integers(0, 256, (HEIGHT, WIDTH + 40, 3), np.uint8)
    texture = cv2.GaussianBlur(noise, (0, 0), 1.3).astype(np.uint8)
    return [np.ascontiguousarray(texture[:, :WIDTH]), np.ascontiguousarray(texture[:, 20:660])]


def write_recording(path: Path, frames: int, eyes: Sequence[str]) -> Path:
    """Write a recording of one camera or a pair."""
    serialiser = Serialiser()
    writer = McapWriter(path)
    for index in range(frames):
        stamp = START + index * PERIOD
        header = make_header(stamp, 'camera_optical')
        messages, topics = [], {}
        for eye, pixels in zip(eyes, images(index)):
            for name, message in (
                ('camera_info', camera_to_camera_info(CAMERAS[eye], header)),
                ('image', array_to_image(pixels, 'bgr8', header)),
            ):
                topic, kind = f'/{eye}/{name}', type_name(type(message))
                topics[topic] = Topic(topic, kind, serialiser.definition(kind), 'ros2msg')
                messages.append(Message(stamp, topic, serialiser.write(message, kind)))
        writer.write(messages, topics)
    writer.finish()
    writer.close()
    return path


def overhead(folder: Path, frames: int, rounds: int) -> None:
    """Compare a recording through sgbm with the model alone."""
    source = write_recording(folder / 'pair.mcap', frames, ('left', 'right'))
    job = BagJob(str(source), str(folder / 'out'), 'sgbm', SGBM)
    model = engine_for(job).model
    views = [
        [
            View(np.ascontiguousarray(p[..., ::-1]), camera)
            for p, camera in zip(images(i), CAMERAS.values())
        ]
        for i in range(8)
    ]
    spent: dict[str, list[tuple[float, float]]] = {'model': [], 'bag': [], 'depth only': []}
    depth_only = dataclasses.replace(job, outputs=('depth/image', 'depth/camera_info'))
    for _ in range(rounds + 1):
        spent['model'].append(timed(lambda: [model.predict(views[i % 8]) for i in range(frames)]))
        for name, what in (('bag', job), ('depth only', depth_only)):
            shutil.rmtree(folder / 'out', ignore_errors=True)
            spent[name].append(timed(lambda what=what: run_job(what)))
    medians = {
        name: [statistics.median(values[i] for values in times[1:]) / frames for i in (0, 1)]
        for name, times in spent.items()
    }
    for name, (wall, cpu) in medians.items():
        print(f'sgbm 640x480, {name}: {1 / wall:.1f} frames/s, {cpu * 1e3:.1f} ms of processors')
    wall = medians['bag'][0] / medians['model'][0] - 1
    print(ratio_line('bag over model alone, overhead', wall, OVERHEAD, at_most=True))
    wall = medians['depth only'][0] / medians['model'][0] - 1
    print(f'the same with --output depth/image --output depth/camera_info: {wall:.2f}')


def timed(work: Any) -> tuple[float, float]:
    """Return seconds, and seconds of all processors."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def replay(folder: Path, frames: int, rounds: int) -> None:
    """Compare with the same job by play, node and record."""
    source = write_recording(folder / 'mono.mcap', frames, ('left',))
    job = BagJob(str(source), str(folder / 'out'), 'plane', {'distance': 2.0})
    times = []
    for _ in range(rounds + 1):
        shutil.rmtree(folder / 'out', ignore_errors=True)
        times.append(timed(lambda: run_job(job)))
    rate = frames / statistics.median(wall for wall, _ in times[1:])
    ours = statistics.median(cpu for _, cpu in times[1:]) / frames
    print(
        f'plane 640x480, bag: {rate:.1f} frames/s, every frame, {ours * 1e3:.1f} ms of processors'
    )
    best = 0.0
    for hertz in (10, 15, 20, 30, 40, 60, 80, 100):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = _replayed(folder, source, frames, hertz)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        theirs = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        spent = f'{theirs / frames * 1e3:.1f} ms of processors a frame, starts included'
        print(f'played at {hertz} Hz: {found} of {frames} frames recorded, {spent}')
        if found < frames:
            break
        best = hertz
    if best:
        print(ratio_line('bag / play + node + record', rate / best, FASTER))
    else:
        print('play + node + record lost frames at every rate, so there is no ratio')


def _replayed(folder: Path, source: Path, frames: int, hertz: float) -> int:
    environment = ros_environment(
        ROS_DOMAIN_ID=str(random.randint(1, 101)),
        PYTHONPATH=os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')]),
    )
    out = folder / 'recorded.mcap'
    node = [sys.executable, '-m', 'depth_ros.nodes.mono_depth', '--ros-args', '-p', 'model:=plane']
    node += ['-r', 'image:=/left/image', '-r', 'camera_info:=/left/camera_info']
    me = [sys.executable, str(Path(__file__).resolve())]
    processes = [
        subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for command in (node, [*me, '--record', str(out)])
    ]
    try:
        subprocess.run(
            [*me, '--play', str(source), '--hertz', str(hertz)], env=environment, check=True
        )
        time.sleep(2)
    finally:
        for process in reversed(processes):
            process.send_signal(signal.SIGINT)
            process.wait(20)
    with Bag(out) as bag:
        topic = bag.topics.get('/mono_depth/depth/image')
        return 0 if topic is None else topic.count


def play(source: Path, hertz: float) -> None:
    """Publish a recording at a rate, once the node listens."""
    import rclpy
    from rclpy.qos import QoSProfile
    from sensor_msgs.msg import CameraInfo, Image

    rclpy.init()
    node = rclpy.create_node('player')
    publishers = {
        '/left/image': node.create_publisher(Image, '/left/image', QoSProfile(depth=10)),
        '/left/camera_info': node.create_publisher(
            CameraInfo, '/left/camera_info', QoSProfile(depth=10)
        ),
    }
    end = time.monotonic() + 60
    while time.monotonic() < end and not all(
        p.get_subscription_count() for p in publishers.values()
    ):
        rclpy.spin_once(node, timeout_sec=0.1)
    time.sleep(1.5)
    with Bag(source) as bag:
        messages = list(bag.messages())
    begun = time.monotonic()
    for message in messages:
        due = begun + (message.time - START) / PERIOD / hertz
        time.sleep(max(0.0, due - time.monotonic()))
        publishers[message.topic].publish(bytes(message.data))
    time.sleep(0.5)
    rclpy.shutdown()


def record(out: Path) -> None:
    """Write what mono_depth publishes, as it comes, until interrupted."""
    import rclpy
    from rclpy.executors import ExternalShutdownException
    from rclpy.qos import QoSProfile
    from sensor_msgs.msg import CameraInfo, Image, PointCloud2

    rclpy.init()
    node = rclpy.create_node('recorder')
    serialiser, writer = Serialiser(), McapWriter(out)
    topics = {}
    for name, kind in (
        ('depth/image', Image),
        ('depth/camera_info', CameraInfo),
        ('points', PointCloud2),
    ):
        topic = f'/mono_depth/{name}'
        text = serialiser.definition(type_name(kind))
        topics[topic] = Topic(topic, type_name(kind), text, 'ros2msg')

        def keep(data: bytes, topic: str = topic) -> None:
            writer.write([Message(time.time_ns(), topic, data)], topics)

        node.create_subscription(kind, topic, keep, QoSProfile(depth=50), raw=True)
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    writer.finish()


def workers(folder: Path, frames: int, rounds: int) -> None:
    """Compare two workers with one."""
    import ray

    source = write_recording(folder / 'fleet.mcap', frames, ('left', 'right'))
    split = frames * PERIOD * 1e-9 / 6
    job = BagJob(str(source), str(folder / 'fleet'), 'sgbm', SGBM, split=split, threads=1)
    environment = {'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'}
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        runtime_env={'env_vars': environment},
    )
    spent: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds + 1):
        for count in (2, 1):  # both workers load the model in the first round
            shutil.rmtree(folder / 'fleet', ignore_errors=True)
            planned = {job.source: plan(job)}
            failures: dict[str, str] = {}
            begun = time.perf_counter()
            run_fleet([job], planned, lambda progress: None, failures, workers=count)
            spent[count].append(time.perf_counter() - begun)
            if failures:
                raise SystemExit(str(failures))
    ray.shutdown()
    one, two = (statistics.median(spent[count][1:]) for count in (1, 2))
    print(f'sgbm 640x480 on Ray: {frames / one:.1f} frames/s with one worker, {frames / two:.1f}')
    print(ratio_line('two workers / one', one / two, WORKERS))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('what', nargs='*', default=['overhead', 'replay', 'workers'])
    parser.add_argument('--frames', type=int, default=90)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--play', type=Path, help=argparse.SUPPRESS)
    parser.add_argument('--record', type=Path, help=argparse.SUPPRESS)
    parser.add_argument('--hertz', type=float, default=30.0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.play:
        return play(arguments.play, arguments.hertz)
    if arguments.record:
        return record(arguments.record)
    jobs = {'overhead': overhead, 'replay': replay, 'workers': workers}
    print(f'load average {os.getloadavg()[0]:.1f}')
    for name in arguments.what:
        with tempfile.TemporaryDirectory(prefix='depth_ros_bench_') as folder:
            jobs[name](Path(folder), arguments.frames, arguments.rounds)
    return None


if __name__ == '__main__':
    main()
