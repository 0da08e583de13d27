# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Do calibrations describe their images, and do pairs have a baseline of the right sign."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from depth_ros.doctor.cameras import pairs_of
from depth_ros.doctor.finding import Finding, error, warning
from depth_ros.doctor.seen import Camera, Seen
from depth_ros.geometry.pair_check import ROWS, check_pair
from depth_ros.messages.camera_info import camera_info_to_camera
from depth_ros.types import DepthError

SWAPPED = 0.8  # share of features that lie farther right in the right image


def check(seen: Seen) -> Iterator[Finding]:
    """Yield what is wrong with calibrations, each on its own and as pairs."""
    for camera in seen.cameras:
        info = _info(seen, camera)
        if info is None:
            continue
        received = seen.topic(camera.image).received
        try:
            camera_info_to_camera(info, *((received and received.shape) or (None, None)))
        except DepthError as problem:
            yield error('calibration', f'{camera.info}: {problem}')
    for left, right in pairs_of(seen.cameras):
        yield from _baseline(seen, left, right)
        yield from _images(seen, left, right)


def _info(seen: Seen, camera: Camera) -> Any | None:
    received = seen.topic(camera.info).received
    return received.messages[-1] if received and received.messages else None


def _baseline(seen: Seen, left: Camera, right: Camera) -> Iterator[Finding]:
    first, second = _info(seen, left), _info(seen, right)
    if first is None or second is None or not first.p[0] or not second.p[0]:
        return
    offset = float(second.p[3]) - float(first.p[3])
    baseline = -offset / float(second.p[0])
    if offset == 0:
        yield error(
            'no_baseline',
            f'P[3] is {second.p[3]:g} on {right.info} and on {left.info}, so the baseline is 0, '
            'expected -fx * baseline on the right; calibrate the two cameras as a pair',
        )
    elif first.p[3] and not second.p[3]:
        yield error(
            'swapped_topics',
            f'{left.info} has P[3] = {first.p[3]:g} and {right.info} has 0, expected it the other '
            'way round: the topics of left and right are swapped; exchange the remaps',
        )
    elif baseline < 0:
        yield error(
            'negative_baseline',
            f'the baseline from {right.info} is {baseline:.3g} m, expected a positive one: '
            f'P[3] = {second.p[3]:g} must be -fx * baseline; correct the sign, or exchange left '
            'and right',
        )


def _images(seen: Seen, left: Camera, right: Camera) -> Iterator[Finding]:
    pair = closest(seen, left, right)
    if pair is None or pair[0].shape[:2] != pair[1].shape[:2]:
        return
    found = check_pair(*pair)
    if not found.problem:
        return
    what = f'{left.image} and {right.image}: {found.problem}'
    if found.swapped > SWAPPED:
        yield error('swapped_images', what)
    elif abs(found.rows) > ROWS:
        yield warning('rows', what)


def closest(seen: Seen, left: Camera, right: Camera) -> tuple[Any, Any] | None:
    """Return the pixels of the two images whose stamps are nearest to each other."""
    received = [seen.topic(camera.image).received for camera in (left, right)]
    kept = [r.messages if r else [] for r in received]
    both = [(abs(a[0] - b[0]), i, j) for i, a in enumerate(kept[0]) for j, b in enumerate(kept[1])]
    if not both:
        return None
    _, i, j = min(both)
    return kept[0][i][1], kept[1][j][1]
