# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Do images and calibrations arrive: publishers, types, QoS, transport, silence."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from depth_ros.doctor.finding import Finding, error, warning
from depth_ros.doctor.seen import COMPRESSED, IMAGE, INFO, Camera, Seen, Topic

LARGE = 400_000  # bytes: what the default shared memory of Fast DDS cannot pass at once
PROFILE = 'config/fastdds_large_data.xml'


def check(seen: Seen) -> Iterator[Finding]:
    """Yield what keeps the input of depth from arriving."""
    if not any(topic.publishers for topic in seen.topics.values()):
        yield error(
            'empty_graph',
            f'no topic with a publisher in domain {seen.domain}; start the camera, or set '
            'ROS_DOMAIN_ID and ROS_AUTOMATIC_DISCOVERY_RANGE as its shell has them',
        )
        return
    for name in seen.doubles:
        yield warning(
            'same_name',
            f'two nodes are called {name}, so parameters and life cycle of one cannot be reached; '
            'end one of them, or rename it with `-r __node:=...`',
        )
    looked_at = set[str]()
    for camera in seen.cameras:
        for name, what in ((camera.image, 'image'), (camera.info, 'camera_info')):
            topic = seen.topic(name)
            if name not in looked_at:
                looked_at.add(name)
                yield from _connection(seen, topic, what, camera)
        yield from _arrival(seen, camera)


def named(nodes: Sequence[str]) -> str:
    """Return names of nodes as a sentence holds them: two at most."""
    names = sorted(set(nodes))
    return ', '.join(names[:2]) + (f' and {len(names) - 2} more' if len(names) > 2 else '')


def alike(seen: Seen, topic: str, kind: str) -> str:
    """Return a hint at a published topic of this type with a similar name, or ''."""
    # What a depth node publishes is not what it could read.
    depth = {node.name for node in seen.depth_nodes} if kind in (IMAGE, INFO) else set()
    offered = [
        other.name
        for other in seen.topics.values()
        if other.name != topic
        and any(end.type == kind and end.node not in depth for end in other.publishers)
    ]
    found = difflib.get_close_matches(topic, offered, 1, 0.0)
    return f'; {found[0]} carries one' if found else ''


def _connection(seen: Seen, topic: Topic, what: str, camera: Camera) -> Iterator[Finding]:
    """Yield what separates the publishers of a topic from its subscribers."""
    wanted = {end.type for end in topic.subscribers} & {IMAGE, COMPRESSED, INFO}
    if what == 'camera_info':
        wanted = {INFO}
    readers = named([end.node for end in topic.subscribers]) or 'the doctor'
    offered = {end.type for end in topic.publishers}
    if not topic.publishers:
        if what == 'camera_info' and not topic.subscribers:
            return  # _arrival has a sentence for it
        kind = next(iter(sorted(wanted)), IMAGE)
        yield error(
            'no_publisher',
            f'{topic.name} has no publisher, {readers} expects {what} there; start the camera or '
            f'remap the topic{alike(seen, topic.name, kind)}',
        )
    elif wanted and not wanted & offered:
        yield error(
            'wrong_type',
            f'{topic.name} carries {" and ".join(sorted(offered))}, {readers} expects '
            f'{" or ".join(sorted(wanted))}; remap the topic or set image_transport',
        )
    for clash in topic.clashes:
        yield error(
            'qos',
            f'{clash.subscriber} receives nothing from {clash.publisher} on {topic.name} '
            f'({clash.reason}); set qos_overrides.{topic.name} of one of them',
        )


def _arrival(seen: Seen, camera: Camera) -> Iterator[Finding]:
    """Yield what keeps messages of connected topics from arriving."""
    image, info = seen.topic(camera.image), seen.topic(camera.info)
    if not image.publishers or image.received is None:
        return
    of_type = [end for end in image.publishers if end.type in (IMAGE, COMPRESSED)]
    if not of_type:
        return
    best_effort = any(not end.reliable for end in of_type)
    image_rate = image.received.hertz
    info_rate = info.received.hertz if info.received and info.count > 2 else 0.0
    large = image.received.size > LARGE or image.count == 0
    if best_effort and large and info_rate > 1 and image_rate < 0.7 * info_rate:
        machine = seen.machine
        if machine.profile:
            remedy = f'set {machine.profile} to {PROFILE} for every node'
        else:
            remedy = f'give the camera the transport profile ({PROFILE})'
        yield error(
            'transport',
            f'{camera.image} arrives at {image_rate:.1f} Hz and its camera_info at '
            f'{info_rate:.1f} Hz: the transport loses large best-effort messages; {remedy}',
        )
        if machine.shared_memory < 128 << 20 or machine.shared_memory_free < 8 << 20:
            yield error(
                'shared_memory',
                f'/dev/shm has {machine.shared_memory >> 20} MB, of which '
                f'{machine.shared_memory_free >> 20} MB are free, expected at least 128 MB for '
                'images; start the container with '
                '--shm-size=512m or --ipc=host, and run `fastdds shm clean`',
            )
    elif image.count == 0 and not image.clashes:
        yield error(
            'silent',
            f'{camera.image} has a publisher ({named([e.node for e in of_type])}) and nothing '
            f'arrived in {seen.seconds:.0f} s; check the camera driver and its cable, and whether '
            'it publishes only on a trigger',
        )
    if image.count and not info.publishers and not info.subscribers:
        say = error if camera.node else warning
        yield say(
            'info_missing',
            f'{camera.image} arrives and {camera.info} has no publisher; publish the calibration '
            f'there{alike(seen, camera.info, INFO)}',
        )
    elif image.count and info.publishers and info.count == 0 and not info.clashes:
        yield error(
            'info_missing',
            f'{camera.image} arrives and nothing came on {camera.info} in {seen.seconds:.0f} s; '
            'let the driver publish camera_info with every image',
        )
