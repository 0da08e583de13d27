# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The video of a rosbag2 recording as training takes it.

A sequence ends where an image cannot be used, or is not surrounded by odometry where that is
wanted: neighbours in a sequence are neighbours in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from depth_ros.lab.eval.layouts.video import APART, Moment, Video
from depth_ros.lab.train.augment import Sample, fit
from depth_ros.lab.train.networks.clips import Clip, undistorted, upright
from depth_ros.types import DepthError, Matrix

FEWEST = 3  # images of a sequence


def read_recording(
    path: Path, size: tuple[int, int], image: str = '', odometry: str | None = None
) -> list[Clip]:
    """
    Return the sequences of a recording, resized to a width and height.

    The topics are found where they are empty; None for odometry wants no poses.
    """
    from tqdm import tqdm

    video = Video(path, image, odometry)
    runs: list[list[tuple[int, Sample, Matrix | None]]] = [[]]
    moments = tqdm(
        video.moments(), f'reading {path.name}', video.count, unit='image', mininterval=1.0
    )
    for moment in moments:
        if moment is None:
            runs.append([])
            continue
        pose = None if moment.pose is None else moment.pose @ upright(moment.camera)
        runs[-1].append((moment.time, fit(_sample(moment), *size), pose))
    found = [run for run in runs if len(run) >= FEWEST]
    if not found:
        wanted = '' if odometry is None else f' surrounded by odometry within {APART:g} s'
        raise DepthError(
            f'{path} has no {FEWEST} images in a row on {video.topic} that can be used{wanted}; '
            'look at it with `depth_ros view`'
        )
    return [_clip(f'{path.name}_{number}', video, run) for number, run in enumerate(found)]


def _clip(name: str, video: Video, run: Sequence[tuple[int, Sample, Matrix | None]]) -> Clip:
    times, samples, poses = zip(*run)
    recorded = video.at(times[0]).camera
    return Clip(
        name,
        samples[0].camera,
        recorded.height / recorded.width,
        np.stack([sample.image for sample in samples]),
        poses=None if poses[0] is None else np.stack(poses),
        recorded=partial(_at, video, times),
    )


def _at(video: Video, times: Sequence[int], index: int) -> Sample:
    return _sample(video.at(times[index]))


def _sample(moment: Moment) -> Sample:
    return undistorted(moment.image, moment.camera)
