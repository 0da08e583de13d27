# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Frames: named, the same for image and calibration, known to TF, turned as optical ones."""

from __future__ import annotations

from collections.abc import Iterator

from depth_ros.doctor.finding import Finding, error, warning
from depth_ros.doctor.navigation import base_frames
from depth_ros.doctor.seen import CLOUD, Seen

UPRIGHT = 0.9  # cosine of the angle between an optical axis and the vertical


def check(seen: Seen) -> Iterator[Finding]:
    """Yield what is wrong with frames."""
    frames: dict[str, str] = {}  # of data that consumers transform -> a topic
    for camera in seen.cameras:
        image, info = seen.topic(camera.image).received, seen.topic(camera.info).received
        if image is None or not image.arrivals:
            continue
        if not image.frame:
            yield error(
                'no_frame',
                f'{camera.image} has an empty frame_id, so nothing that is made of it can be '
                'placed; set the frame in the driver (frame_id or camera_frame_id)',
            )
        elif info is not None and info.arrivals and info.frame != image.frame:
            yield warning(
                'frame_differs',
                f'{camera.image} is in frame {image.frame!r} and {camera.info} in '
                f'{info.frame!r}, expected one frame; set it in the driver',
            )
        if image.frame:
            frames.setdefault(image.frame, camera.image)
    for topic in seen.topics.values():
        cloud = any(end.type == CLOUD for end in topic.publishers) and topic.subscribers
        if cloud and topic.received is not None and topic.received.frame:
            frames.setdefault(topic.received.frame, topic.name)
    bases = base_frames(seen)
    if not seen.reads_tf or (not seen.tree and not bases):
        return  # TF is not known, or nothing here needs it
    for frame, name in frames.items():
        yield from _placed(seen, frame, name, bases)
    images = {camera.image for camera in seen.cameras}
    for frame, name in frames.items():
        if name in images:
            yield from _turned(seen, frame, name)


def _placed(seen: Seen, frame: str, topic: str, bases: list[str]) -> Iterator[Finding]:
    if frame not in seen.tree:
        near = [name for name in seen.tree.names() if name.split('_')[0] == frame.split('_')[0]]
        hint = f'; TF has {", ".join(near[:3])}' if near else ''
        yield error(
            'no_transform',
            f'frame {frame!r} of {topic} is not in TF; publish it from the URDF or with '
            f'static_transform_publisher{hint}',
        )
        return
    for base in bases:
        if seen.tree.pose(frame, base) is None:
            yield error(
                'no_transform',
                f'TF does not connect frame {frame!r} of {topic} with {base!r} (their roots are '
                f'{seen.tree.root(frame)!r} and {seen.tree.root(base)!r}); publish the joint '
                'between the two trees',
            )
            return


def _turned(seen: Seen, frame: str, topic: str) -> Iterator[Finding]:
    if frame not in seen.tree:
        return
    pose = seen.tree.pose(frame, seen.tree.root(frame))
    if pose is not None and pose[2, 2] > UPRIGHT:
        yield error(
            'rotation',
            f'frame {frame!r} of {topic} has its z axis up, expected it along the view: its cloud '
            'stands upright; use the optical frame (x right, y down, z forward), which a body '
            'frame becomes by roll -1.5708, pitch 0, yaw -1.5708',
        )
