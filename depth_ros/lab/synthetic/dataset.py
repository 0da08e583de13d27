# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Write rendered sequences as files that `eval` and `train` read; docs/synthetic.md has the layout.

Every sequence depends on its own seed only, so they can be written in any order and in parallel.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from depth_ros.lab.synthetic.render.view import Renderer
from depth_ros.lab.synthetic.scene.cameras import right_pose
from depth_ros.lab.synthetic.scene.views import (
    Mount,
    sample_camera,
    sample_glance,
    sample_handheld,
    sample_pose,
    trajectory,
)
from depth_ros.lab.synthetic.scene.worlds import kinds, make_scene
from depth_ros.lab.synthetic.sensors.camera import Sensor, sample_sensor
from depth_ros.lab.synthetic.workers import serve_parent
from depth_ros.types import Camera, DepthError, FloatImage, Image, quoted

DEPTH_SCALE = 256.0  # stored = metres * 256, as KITTI has it
SHEET_WIDTH = 240
# Of the options of a set, by name.
RANGES: dict[str, tuple[float, float]] = {
    'frames': (1, 10_000_000),
    'per_sequence': (1, 10_000_000),
    'seed': (0, 1 << 62),
    'width': (8, 8192),
    'height': (8, 8192),
    'focal': (0, 1e6),
    'baseline': (0, 20),
    'distorted': (0, 1),
    'antialias': (1, 16),
    'rate': (1e-3, 1e4),
    'jobs': (1, 1024),
    'handheld': (0, 1),
    'glances': (0, 1),
}


@dataclass(frozen=True)
class SetOptions:
    """What to write."""

    frames: int = 100
    per_sequence: int = 10
    kinds: tuple[str, ...] = field(default_factory=lambda: tuple(kinds()))
    seed: int = 0
    width: int = 640
    height: int = 480
    focal: float = 0.0  # pixels; 0: a different one for each sequence
    baseline: float = 0.0  # metres; 0: a different one for each sequence
    distorted: float = 0.0  # share of raw, distorted cameras; those sequences have no right eye
    sensor: bool = True  # noise, blur, exposure, JPEG; without, the image is perfect
    antialias: int = 2
    rate: float = 10.0  # frames a second along the drive
    jobs: int = 1
    stereo: bool = True  # without, no right eye is rendered: half the work
    handheld: float = 0.0  # share of sequences not from a robot's mount, but tilted any way
    glances: float = 0.0  # share of sequences with as much near and far as real ones have
    mount_height: float = 0.0  # metres above the ground; 0: another mount for each sequence
    mount_pitch: float = 0.0  # radians down, of that mount

    def __post_init__(self) -> None:
        unknown = sorted(set(self.kinds) - set(kinds()))
        if unknown or not self.kinds:
            raise DepthError(
                f'scene kinds are {quoted(unknown)}, expected some of {", ".join(kinds())}'
            )
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:  # NaN is refused too
                raise DepthError(
                    f'{name} is {quoted(value)}, expected {low:g} to {high:g}; choose a value in '
                    'that range'
                )


def sequences(options: SetOptions) -> Iterator[tuple[str, str, int, int]]:
    """Yield name, kind, seed and number of frames of every sequence."""
    for i in range(math.ceil(options.frames / options.per_sequence)):
        kind, seed = options.kinds[i % len(options.kinds)], options.seed + i
        count = min(options.per_sequence, options.frames - i * options.per_sequence)
        yield f'{kind}_{seed:06d}', kind, seed, count


def cameras_of(options: SetOptions, rng: np.random.Generator) -> tuple[Camera, Camera | None]:
    """Return the left camera and, where it is not distorted, the right one."""
    camera = sample_camera(rng, options.width, options.height, options.distorted)
    baseline = options.baseline or float(np.exp(rng.uniform(np.log(0.05), np.log(0.25))))
    if options.focal:
        camera = Camera.pinhole(options.width, options.height, options.focal)
    if camera.is_distorted or not options.stereo:
        return camera, None
    P = np.hstack([camera.K, [[-camera.fx * baseline], [0.0], [0.0]]])
    return camera, replace(camera, P=P)


def encode_depth(depth: FloatImage) -> npt.NDArray[np.uint16]:
    """Return metres * 256; 0 for the sky and for what uint16 cannot hold (256 m and more)."""
    scaled = np.round(np.nan_to_num(depth, nan=0.0, posinf=0.0) * DEPTH_SCALE)
    return np.where(scaled < 65536, scaled, 0).astype(np.uint16)


def decode_depth(stored: npt.NDArray[np.uint16]) -> FloatImage:
    """Return metres, NaN where nothing is stored."""
    return np.where(stored > 0, stored / np.float32(DEPTH_SCALE), np.nan).astype(np.float32)


def write_sequence(folder: Path, kind: str, seed: int, count: int, options: SetOptions) -> None:
    """Write one sequence."""
    from depth_ros.files.calibration import write_camera
    from depth_ros.files.writing import make_folder, write_image, write_text

    scene = make_scene(kind, seed)
    rng = np.random.default_rng([seed, 1])
    left, right = cameras_of(options, rng)
    sensor = sample_sensor(rng) if options.sensor else Sensor()
    start = scene.start
    mount: Mount | None = None
    if options.mount_height:
        mount = Mount(options.mount_height, options.mount_pitch, 0.0)
        start = sample_pose(scene, rng, mount)
    elif options.handheld and rng.random() < options.handheld:
        mount = sample_handheld(rng)
        start = sample_pose(scene, rng, mount)
    if options.glances and rng.random() < options.glances:
        start = sample_glance(scene, rng, mount)
    poses = trajectory(scene, rng, count, options.rate, start)
    for name in ('image_left', 'depth', *(['image_right'] if right is not None else [])):
        make_folder(folder / name)
    write_camera(left, folder / 'camera.yaml', 'left')
    if right is not None:
        write_camera(right, folder / 'camera_right.yaml', 'right')
    lines = [' '.join(f'{v:.9g}' for v in pose[:3].ravel()) for pose in poses]
    write_text(folder / 'poses.txt', '\n'.join(lines) + '\n')
    for i, pose in enumerate(poses):
        renderer = Renderer(scene.at(i / options.rate))
        view = renderer.render(left, pose, antialias=options.antialias)
        image = sensor.apply(view.image, rng)
        write_image(folder / 'image_left' / f'{i:06d}.png', image)
        write_image(folder / 'depth' / f'{i:06d}.png', encode_depth(view.depth))
        if right is not None:
            other = renderer.render(right, right_pose(pose, right), antialias=options.antialias)
            write_image(folder / 'image_right' / f'{i:06d}.png', sensor.apply(other.image, rng))


def is_written(folder: Path, count: int, options: SetOptions) -> bool:
    """Return whether a sequence is there to its last file."""
    last = f'{count - 1:06d}.png'
    right = folder / 'image_right' / last
    needs_right = options.stereo and (folder / 'camera_right.yaml').is_file()
    return (folder / 'depth' / last).is_file() and (right.is_file() or not needs_right)


def _thumbnail(folder: Path) -> Image:
    """Return the first image of a sequence above its depth, small."""
    import cv2

    from depth_ros.files.depth_colors import depth_to_colors
    from depth_ros.files.images import read_image, read_values

    image = read_image(folder / 'image_left' / '000000.png')
    stored = read_values(folder / 'depth' / '000000.png')
    size = SHEET_WIDTH, max(1, round(SHEET_WIDTH * image.shape[0] / image.shape[1]))
    both = image, depth_to_colors(decode_depth(np.asarray(stored, np.uint16)))
    small = [np.asarray(cv2.resize(p, size, interpolation=cv2.INTER_AREA)) for p in both]
    return np.vstack(small).astype(np.uint8)


def contact_sheet(images: list[Image], columns: int = 6) -> Image:
    """Return the images in rows; they all have one size."""
    columns = min(columns, len(images))
    blank = np.zeros_like(images[0])
    filled = images + [blank] * (-len(images) % columns)
    rows = [np.hstack(filled[i : i + columns]) for i in range(0, len(filled), columns)]
    return np.vstack(rows)


def _job(arguments: tuple[Path, str, int, int, SetOptions]) -> None:
    from depth_ros.files.writing import without_sync

    folder, _, _, count, options = arguments
    if not is_written(folder, count, options):
        with without_sync():
            write_sequence(*arguments)


def write_set(out: Path, options: SetOptions) -> Iterator[tuple[str, int]]:
    """
    Write everything below `out`; yield each sequence's name and frames when it is done.

    Sequences that are there are kept: a set that was interrupted is continued.
    """
    from depth_ros.files.writing import write_image

    work = [(out / name, kind, seed, n, options) for name, kind, seed, n in sequences(options)]
    if options.jobs > 1:
        pool = ProcessPoolExecutor(options.jobs, initializer=serve_parent)
        try:
            for (folder, _, _, n, _), _ in zip(work, pool.map(_job, work)):
                yield folder.name, n
        except BrokenProcessPool as error:
            raise DepthError(
                'a process that renders has been ended, perhaps for want of memory; use fewer jobs'
            ) from error
        finally:
            # After an error the other workers would render to the last frame before it is raised.
            pool.shutdown(cancel_futures=True)
    else:
        for job in work:
            _job(job)
            yield job[0].name, job[3]
    # A sheet of hundreds of sequences could not be looked at: take some from all of them.
    chosen = np.unique(np.linspace(0, len(work) - 1, min(48, len(work))).round())
    sheet = contact_sheet([_thumbnail(work[int(i)][0]) for i in chosen])
    os.sync()  # once, for all files: what follows may call the set complete
    write_image(out / 'contact_sheet.png', sheet)
