# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Stamps and clocks: pairs that never match, simulated time, ages that cannot be."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from depth_ros.doctor.cameras import pairs_of
from depth_ros.doctor.finding import Finding, error, warning
from depth_ros.doctor.seen import Camera, Node, Seen

OLD = 1.0  # seconds
FUTURE = -0.05  # seconds of age below which clocks disagree
OTHER_CLOCK = 60.0  # seconds of age beyond which stamps come from another clock
ENOUGH = 3  # stamps of each side before they are said never to match


def check(seen: Seen) -> Iterator[Finding]:
    """Yield what is wrong with times."""
    for left, right in pairs_of(seen.cameras):
        yield from _pair(seen, left, right)
    for camera in seen.cameras:
        yield from _beside(seen, camera)
        yield from _times(seen, camera)
    yield from _clocks(seen)


def nearest(ours: Sequence[int], theirs: Sequence[int]) -> float:
    """Return the smallest difference between two sets of stamps, in seconds."""
    a, b = np.unique(np.asarray(ours, np.int64)), np.unique(np.asarray(theirs, np.int64))
    index = np.searchsorted(b, a)
    after = np.abs(b[np.minimum(index, len(b) - 1)] - a)
    before = np.abs(b[np.maximum(index - 1, 0)] - a)
    return float(np.minimum(before, after).min()) * 1e-9


def _stamps(seen: Seen, topic: str) -> list[int]:
    received = seen.topic(topic).received
    return received.stamps if received else []


def _pair(seen: Seen, left: Camera, right: Camera) -> Iterator[Finding]:
    ours, theirs = _stamps(seen, left.image), _stamps(seen, right.image)
    if min(len(ours), len(theirs)) < ENOUGH:
        return
    parameters = seen.nodes.get(left.node, Node('')).parameters
    approximate = bool(parameters.get('approximate_sync', False))
    tolerance = (
        float(parameters.get('approximate_sync_tolerance_seconds', 0.0)) if approximate else 0.0
    )
    apart = nearest(ours, theirs)
    if apart <= tolerance:
        return
    remedy = (
        'raise approximate_sync_tolerance_seconds' if approximate else 'set approximate_sync: true'
    )
    yield error(
        'pair_stamps',
        f'no image of {left.image} has the stamp of one of {right.image}: they are '
        f'{1e3 * apart:.3g} ms apart at best, the tolerance is {1e3 * tolerance:.3g} ms; trigger '
        f'the cameras together, or {remedy}',
    )


def _beside(seen: Seen, camera: Camera) -> Iterator[Finding]:
    images, infos = _stamps(seen, camera.image), _stamps(seen, camera.info)
    if min(len(images), len(infos)) < ENOUGH:
        return
    apart = nearest(images, infos)
    if apart > 0:
        yield warning(
            'info_stamps',
            f'no message of {camera.info} has the stamp of an image of {camera.image} '
            f'({1e3 * apart:.3g} ms apart at best): nodes that match both receive nothing, '
            'depth_ros takes the newest; let the driver give both one stamp',
        )


def _times(seen: Seen, camera: Camera) -> Iterator[Finding]:
    received = seen.topic(camera.image).received
    if received is None or not received.stamps:
        return
    stamps = received.stamps
    if not any(stamps):
        yield error(
            'zero_stamps',
            f'every stamp of {camera.image} is 0, expected the time of the exposure; let the '
            'driver fill header.stamp',
        )
        return
    if sum(b < a for a, b in itertools.pairwise(stamps)) > 0.1 * len(stamps):
        yield warning(
            'backward_stamps',
            f'stamps of {camera.image} go backwards again and again: two publishers '
            f'({len(seen.topic(camera.image).publishers)} found) or a bag in a loop; leave one',
        )
        return
    age, wall = received.age, float(np.median(received.wall_ages or [math.nan]))
    by_clock = bool(seen.clock.arrivals)
    if abs(age) > OTHER_CLOCK:
        if by_clock and abs(wall) < OTHER_CLOCK:
            what = 'are those of the machine while /clock runs; set use_sim_time for the camera'
        elif by_clock:
            what = 'are neither those of /clock nor those of the machine; check the driver'
        else:
            what = (
                f'are {age:.3g} s old and nothing comes on /clock: play recordings with '
                '`ros2 bag play --clock` and set use_sim_time, or set the clock of the camera'
            )
        yield error('old_stamps', f'stamps of {camera.image} {what}')
    elif age > OLD:
        yield warning(
            'old_stamps',
            f'images of {camera.image} are {age:.2g} s old when they arrive; synchronise the '
            'clocks of camera and machine (chrony, PTP), or shorten the queue of the driver',
        )
    elif age < FUTURE:
        yield warning(
            'future_stamps',
            f'stamps of {camera.image} lie {-age:.2g} s in the future, so TF has no pose for '
            'them; synchronise the clocks of camera and machine (chrony, PTP)',
        )


def _clocks(seen: Seen) -> Iterator[Finding]:
    simulated = sorted(node.name for node in seen.nodes.values() if node.sim_time)
    running = bool(seen.clock.arrivals)
    if simulated and not running:
        yield error(
            'no_clock',
            f'{", ".join(simulated[:3])} has use_sim_time and nothing comes on /clock, so its '
            'time stands still at 0; play the bag with --clock, start the simulator, or set '
            'use_sim_time to false',
        )
    if not running:
        return
    for node in seen.depth_nodes:
        if not node.sim_time:
            yield error(
                'sim_time_off',
                f'/clock runs and {node.name} has use_sim_time false, so every image is old to '
                'it; start it with use_sim_time:=true',
            )
    depth = {node.name for node in seen.depth_nodes}
    behind = sorted(
        node.name
        for node in seen.nodes.values()
        if not node.sim_time and node.name not in depth and 'use_sim_time' in node.parameters
    )
    if simulated and behind:
        yield warning(
            'sim_time_mixed',
            f'{", ".join(behind[:3])} has use_sim_time false and {simulated[0]} has it true: '
            "they drop each other's messages as too old; set it for all of them",
        )
