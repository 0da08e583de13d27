# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which image and which camera_info belong together, from the names of topics alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from depth_ros.doctor.seen import COMPRESSED, IMAGE, INFO, Camera, Topic

_SIDES = {
    'left': re.compile(r'(?<![a-z])(left|infra1)(?![a-z0-9])'),
    'right': re.compile(r'(?<![a-z])(right|infra2)(?![a-z0-9])'),
}


def side_of(topic: str) -> str:
    """Return 'left' or 'right' where the name has one of them, else ''."""
    found = [side for side, pattern in _SIDES.items() if pattern.search(topic.lower())]
    return found[0] if len(found) == 1 else ''


def _shared(a: str, b: str) -> int:
    """Return how many characters two names begin with alike."""
    pairs = enumerate(zip(a, b))
    return next((i for i, (x, y) in pairs if x != y), min(len(a), len(b)))


def inputs_of(node: str, topics: Iterable[Topic], stereo: bool) -> list[Camera]:
    """Return the cameras that a depth node subscribes to; of a stereo node, its left one first."""
    images, infos = set[str](), set[str]()
    for topic in topics:
        for subscriber in topic.subscribers:
            if subscriber.node == node and subscriber.type in (IMAGE, COMPRESSED):
                images.add(topic.name)
            elif subscriber.node == node and subscriber.type == INFO:
                infos.add(topic.name)
    cameras = []
    for info in sorted(infos):  # each has one image; a prompt has no camera_info
        if images:
            image = max(sorted(images), key=lambda name: _shared(name, info))
            images.remove(image)
            cameras.append(Camera(image, info, node))
    if not stereo:
        return cameras
    if len(cameras) == 2:
        named = [side_of(camera.info) or side_of(camera.image) for camera in cameras]
        if named[0] == 'right' or named[1] == 'left':
            cameras.reverse()
        sides = ('left', 'right')
        return [Camera(c.image, c.info, node, s) for c, s in zip(cameras, sides)]
    return [Camera(c.image, c.info, node, side_of(c.image)) for c in cameras]


def cameras_of(
    topics: Mapping[str, Topic], depth_nodes: Sequence[str], stereo_nodes: Sequence[str] = ()
) -> list[Camera]:
    """
    Return the cameras that depth nodes read; beside them those that any other node reads.

    Without depth nodes, every published image is one. Images that depth nodes publish are not.
    """
    cameras = [
        camera
        for node in depth_nodes
        for camera in inputs_of(node, topics.values(), node in stereo_nodes)
    ]
    known = {camera.image for camera in cameras}
    for topic in topics.values():
        types = {end.type for end in (*topic.publishers, *topic.subscribers)}
        own = any(publisher.node in depth_nodes for publisher in topic.publishers)
        wanted = topic.subscribers or not depth_nodes
        if not types & {IMAGE, COMPRESSED} or own or not wanted or topic.name in known:
            continue
        base = topic.name.removesuffix('/compressed')
        if base.endswith(('/compressedDepth', '/theora', '/ffmpeg')):
            continue
        if topic.name != base and base in topics:
            continue  # the same camera, once more
        info = f'{base.rsplit("/", 1)[0]}/camera_info'
        # Beside depth nodes, other images may be what another node has drawn.
        if not depth_nodes or (info in topics and 'image' in base.rsplit('/', 1)[-1]):
            cameras.append(Camera(topic.name, info, side=side_of(base)))
    return cameras


def pairs_of(cameras: Sequence[Camera]) -> list[tuple[Camera, Camera]]:
    """Return left and right cameras of one node, or of names that differ only in the side."""
    pairs = []
    for left in cameras:
        if left.side != 'left':
            continue
        for right in cameras:
            alike = _SIDES['left'].sub('*', left.image) == _SIDES['right'].sub('*', right.image)
            only = bool(left.node) and sum(c.node == left.node for c in cameras) == 2
            if right.side == 'right' and left.node == right.node and (alike or only):
                pairs.append((left, right))
                break
    return pairs
