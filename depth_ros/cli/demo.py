# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
`depth_ros demo`: the main job, on real ROS 2, with an exact answer to compare with.

A camera process plays a rendered scene, `stereo_depth` and `mono_depth` run in processes of
their own, a recorder subscribes to what they publish. Nothing but topics connects them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from depth_ros.cli import demo_relative
from depth_ros.cli.demo_report import make_report, report_table
from depth_ros.files.calibration import write_camera
from depth_ros.files.depth_colors import draw_depth
from depth_ros.files.ply import write_ply
from depth_ros.files.share import ros_environment, transport_environment
from depth_ros.files.writing import make_folder, write_array, write_image, write_text
from depth_ros.geometry.depth_values import is_valid, valid_or_nan
from depth_ros.models.registry import DEFAULT_MONO, DEFAULT_STEREO
from depth_ros.types import DepthError

WIDTH, HEIGHT, FOCAL, BASELINE = 640, 480, 420.0, 0.12
CAMERA_HEIGHT, CAMERA_PITCH = 1.0, 0.2  # metres above the floor, radians downwards


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--out', type=Path, default=Path('demo_out'), help='default %(default)s')
    parser.add_argument('--seconds', type=float, default=8.0, help='how long to record')
    parser.add_argument('--rate', type=float, default=10.0, help='camera frames per second')
    parser.add_argument('--frames', type=int, default=12, help='different frames to render')
    parser.add_argument('--scene', default='corridor', help='kind of scene; default %(default)s')
    parser.add_argument('--seed', type=int, default=8, help='which of its scenes')
    parser.add_argument(
        '--default-transport',
        action='store_true',
        help='leave Fast DDS as it is, to see what the shipped profile is for',
    )
    parser.add_argument(
        '--relative',
        action='store_true',
        help='a relative model becomes metric by LiDAR points, by the floor and by odometry, '
        'with the error of each',
    )
    parser.add_argument(
        '--view', action='store_true', help='show the result in a browser afterwards'
    )


def run(arguments: argparse.Namespace) -> int:
    """Render, play, record, measure; exit 1 where a node published nothing."""
    _check_ros()
    out: Path = arguments.out
    make_folder(out)
    with tempfile.TemporaryDirectory(prefix='depth_ros_demo_') as scratch:
        folder = Path(scratch)
        print(f'rendering {arguments.frames} stereo frames of a {arguments.scene} ...', flush=True)
        if arguments.relative:
            models = dict.fromkeys(demo_relative.nodes_to_run(), demo_relative.MODEL)
        else:
            models = {'stereo_depth': DEFAULT_STEREO, 'mono_depth': DEFAULT_MONO}
        truth = render_frames(folder, arguments.scene, arguments.seed, arguments.frames)
        environment = _environment(arguments.default_transport)
        named = ' and '.join(f'{node} ({model})' for node, model in models.items())
        print(f'starting camera, {named} ...', flush=True)
        with contextlib.ExitStack() as processes:
            commands = _relative_commands if arguments.relative else _commands
            for name, command in commands(folder, arguments.rate, models).items():
                processes.enter_context(_process(name, command, environment, out))
            print(f'recording for {arguments.seconds:g} s, once all publish ...', flush=True)
            with _process(
                'recorder',
                [
                    *_module('demo.recorder'),
                    *(str(folder), *models),
                    *('--seconds', str(arguments.seconds)),
                ],
                environment,
                out,
            ) as recorder:
                recorder.wait(timeout=arguments.seconds + 90)
        report = make_report(folder, truth, models)
        write_text(out / 'report.json', json.dumps(report, indent=2) + '\n')
        _write_images(folder, truth, out, list(models))
    print(report_table(report))
    silent = [name for name, source in report['sources'].items() if not source['frames']]
    if silent:
        print(f'{" and ".join(silent)} published nothing; their logs are in {out}/logs')
        return 1
    print(f'images, points.ply, depth.npy and report.json are in {out}')
    if arguments.view:
        from depth_ros.cli import view

        shown = argparse.ArgumentParser()
        view.add_arguments(shown)
        return view.run(shown.parse_args([str(out)]))
    return 0


def _check_ros() -> None:
    try:
        import sensor_msgs.msg  # noqa: F401
    except ImportError as error:
        raise DepthError(
            f'the demo needs ROS 2 ({error}); source a ROS workspace or '
            "install it with: pip install '.[ros]'"
        ) from error


def render_frames(folder: Path, kind: str, seed: int, count: int) -> dict[str, np.ndarray]:
    """Render a camera that sweeps through a scene; keep what it should see for the comparison."""
    from depth_ros.lab.synthetic import camera_pose, make_scene, render_stereo, stereo_cameras

    left, right = stereo_cameras(WIDTH, HEIGHT, FOCAL, BASELINE)
    write_camera(left, folder / 'left.yaml', 'left')
    write_camera(right, folder / 'right.yaml', 'right')
    scene = make_scene(kind, seed)
    shape = (count, HEIGHT, WIDTH)
    poses = []
    images = {
        eye: np.lib.format.open_memmap(folder / f'{eye}.npy', 'w+', np.uint8, (*shape, 3))
        for eye in ('left', 'right')
    }
    depth = np.empty(shape, np.float32)
    floor = np.empty(shape, bool)
    for index in range(count):
        pose = camera_pose(*_place(scene.start, 2 * np.pi * index / count))
        poses.append(pose)
        views = render_stereo(scene, left, right, pose)
        for eye, view in zip(('left', 'right'), views, strict=True):
            images[eye][index] = view.image
        depth[index] = views[0].depth
        # The floor is where the normal looks up and the point is at height zero.
        up = views[0].normals @ pose[2, :3]
        floor[index] = (up > 0.99) & _on_ground(views[0].depth, left, pose)
    demo_relative.write_sensors(folder, scene, poses)
    return {'depth': depth, 'floor': floor}


def _place(start: np.ndarray, phase: float) -> tuple[np.ndarray, float, float]:
    """Return position, yaw and pitch of a camera that sways around the scene's start."""
    forward = start[:2, 2] / np.linalg.norm(start[:2, 2])
    ground = start[:2, 3] + 0.3 * np.sin(phase) * forward
    yaw = np.arctan2(forward[1], forward[0]) + 0.06 * np.cos(phase)
    return np.array([*ground, CAMERA_HEIGHT]), float(yaw), CAMERA_PITCH


def _on_ground(depth: np.ndarray, camera: Any, pose: np.ndarray) -> np.ndarray:
    from depth_ros.geometry.unproject import depth_to_points

    points = depth_to_points(depth, camera)
    height = points @ pose[2, :3].astype(np.float32) + np.float32(pose[2, 3])
    return np.abs(np.nan_to_num(height, nan=1.0)) < 0.01


def _environment(default_transport: bool) -> dict[str, str]:
    # A domain of its own: a robot on the same network is neither heard nor disturbed.
    environment = ros_environment(PYTHONUNBUFFERED='1')
    environment['ROS_DOMAIN_ID'] = str(random.randint(1, 101))
    if default_transport:
        for name in transport_environment():
            environment.pop(name, None)
    root = str(Path(__file__).resolve().parents[2])
    environment['PYTHONPATH'] = os.pathsep.join(
        [root, *filter(None, [environment.get('PYTHONPATH')])]
    )
    return environment


def _module(name: str) -> list[str]:
    return [sys.executable, '-m', f'depth_ros.nodes.{name}']


def _commands(folder: Path, rate: float, models: dict[str, str]) -> dict[str, list[str]]:
    """Return the command of every process that runs for the whole recording."""
    eyes = {
        f'{eye}/{topic}': f'camera/{eye}/{topic}'
        for eye in ('left', 'right')
        for topic in ('image', 'camera_info')
    }
    stereo = [f'{inner}:={outer}' for inner, outer in eyes.items()]
    mono = [f'{topic}:=camera/left/{topic}' for topic in ('image', 'camera_info')]
    options = [f'model:={models["mono_depth"]}', 'max_depth:=20.0']
    options += [f'camera_height:={CAMERA_HEIGHT}', f'camera_pitch:={CAMERA_PITCH}']
    return {
        'camera': [*_module('demo.camera'), str(folder), '--rate', str(rate)],
        'stereo_depth': _module('stereo_depth')
        + _ros_arguments(stereo, [f'model:={models["stereo_depth"]}', 'disparity_range:=96']),
        'mono_depth': _module('mono_depth') + _ros_arguments(mono, options),
    }


def _relative_commands(folder: Path, rate: float, models: dict[str, str]) -> dict[str, list[str]]:
    """Return the commands of a camera with sensors, and of one node for each of them."""
    remaps = [f'{topic}:=camera/left/{topic}' for topic in ('image', 'camera_info')]
    camera = [*_module('demo.camera'), str(folder), '--rate', str(rate), '--sensors']
    parameters = demo_relative.parameters(folder, CAMERA_HEIGHT, CAMERA_PITCH)
    commands = {
        name: _module('mono_depth') + _ros_arguments([f'__node:={name}', *remaps], given)
        for name, given in parameters.items()
        if name in models
    }
    return {'camera': camera, **commands}


def _ros_arguments(remaps: list[str], parameters: list[str]) -> list[str]:
    arguments = ['--ros-args']
    for remap in remaps:
        arguments += ['-r', remap]
    for parameter in parameters:
        arguments += ['-p', parameter]
    return arguments


@contextlib.contextmanager
def _process(
    name: str, command: list[str], environment: dict[str, str], out: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process with its log in out/logs, and stop it as Ctrl-C would."""
    logs = out / 'logs'
    logs.mkdir(exist_ok=True)
    with (logs / f'{name}.log').open('wb') as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                deadline = time.monotonic() + 10
                while process.poll() is None and time.monotonic() < deadline:
                    time.sleep(0.05)
                if process.poll() is None:
                    process.kill()
                    process.wait()


def _write_images(
    folder: Path, truth: dict[str, np.ndarray], out: Path, sources: list[str]
) -> None:
    """Leave the images of one frame: of the first node under plain names, others beside."""
    played = dict(
        np.loadtxt(folder / 'played.csv', dtype=np.int64, delimiter=',', ndmin=2).tolist()
    )
    images = np.load(folder / 'left.npy', mmap_mode='r')
    for source in sources:
        prefix = '' if source == sources[0] else source.removesuffix('depth').rstrip('_') + '_'
        with np.load(folder / f'{source}.npz') as recorded:
            if not len(recorded['stamps']):
                continue
            stamp, depth = int(recorded['stamps'][-1]), recorded['depths'][-1]
        frame = played[stamp]
        exact = truth['depth'][frame]
        # One scale for all, or two images of the same depth would have different colours.
        near, far = np.percentile(exact[is_valid(exact)], [1, 99])
        image = draw_depth(depth, near=near, far=far)
        write_image(out / f'{prefix}depth.png', image)
        if not prefix:
            beside = [images[frame], draw_depth(exact, near=near, far=far), image]
            for name, shown in zip(('input', 'truth'), beside):
                write_image(out / f'{name}.png', shown)
            write_image(out / 'overview.png', np.hstack(beside))
        write_array(out / f'{prefix}depth.npy', valid_or_nan(depth))
        cloud_file = folder / f'{source}_points.npz'
        if cloud_file.exists():
            with np.load(cloud_file) as cloud:
                rgb = cloud.get('rgb')
                write_ply(out / f'{prefix}points.ply', cloud['xyz'], rgb)
