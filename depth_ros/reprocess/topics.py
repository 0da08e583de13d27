# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Find the cameras of a recording by the types and the names of its topics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from depth_ros.files.bags.content import BagError, Topic

RAW, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
INFO = 'sensor_msgs/msg/CameraInfo'
# Parts of names of images that no camera took.
_NO_CAMERA = {'depth', 'disparity', 'confidence', 'mask', 'relative', 'theora', 'compresseddepth'}
# What drivers and image_proc call the image to take, the best first.
_PREFERRED = ('image_rect_color', 'image_color', 'image_raw', 'image', 'image_rect', 'image_mono')
_PAIRS = (('left', 'right'), ('infra1', 'infra2'), ('cam0', 'cam1'), ('camera0', 'camera1'))


@dataclass(frozen=True)
class Choice:
    """What the caller said about the topics; empty where it is to be found."""

    image: str = ''
    camera_info: str = ''
    left: str = ''
    left_info: str = ''
    right: str = ''
    right_info: str = ''
    prompt: str = ''

    @property
    def is_pair(self) -> bool:
        return bool(self.left or self.right)


@dataclass(frozen=True)
class Eye:
    """The two topics of one camera."""

    image: str
    info: str


def cameras(topics: Mapping[str, Topic]) -> list[Eye]:
    """Return every image topic that has a calibration, the preferred one of each camera first."""
    found = []
    for topic in topics.values():
        if topic.type not in (RAW, COMPRESSED) or not topic.count or _is_no_camera(topic.name):
            continue
        info = _info_of(topic.name, topics)
        if info:
            found.append(Eye(topic.name, info))
    return sorted(found, key=lambda eye: (_camera_of(eye.image), _rank(eye.image), eye.image))


def image_topics(topics: Mapping[str, Topic]) -> list[str]:
    """Return every image that a camera took, also without a calibration, the best name first."""
    names = [t.name for t in topics.values() if t.type in (RAW, COMPRESSED) and t.count]
    return sorted((n for n in names if not _is_no_camera(n)), key=lambda n: (_rank(n), n))


def choose(topics: Mapping[str, Topic], views: int, choice: Choice) -> tuple[Eye, ...]:
    """Return the cameras for a model of one or two views."""
    if views == 2:
        return _choose_pair(topics, choice)
    if choice.is_pair:
        raise BagError(
            '--left and --right are for a model of two views; choose one, or give --image TOPIC'
        )
    if choice.image:
        return (_given(topics, choice.image, choice.camera_info, '--camera-info'),)
    found = _one_per_camera(cameras(topics))
    if len(found) > 1:
        lefts = [eye for eye in found if _partner(eye, found) is not None]
        found = lefts if len(lefts) == 1 and len(found) == 2 else found
    if len(found) != 1:
        raise BagError(_not_one(topics, found))
    eye = found[0]
    return (Eye(eye.image, choice.camera_info or eye.info),)


def _choose_pair(topics: Mapping[str, Topic], choice: Choice) -> tuple[Eye, ...]:
    if bool(choice.left) != bool(choice.right):
        raise BagError('--left and --right belong together; give both, or neither')
    if choice.left:
        return (
            _given(topics, choice.left, choice.left_info, '--left-info'),
            _given(topics, choice.right, choice.right_info, '--right-info'),
        )
    found = cameras(topics)
    pairs = [(eye, other) for eye in found if (other := _partner(eye, found)) is not None]
    best = {_camera_of(left.image): (left, right) for left, right in reversed(pairs)}
    if len(best) != 1:
        names = ', '.join(eye.image for eye in found) or 'none'
        raise BagError(
            f'{len(best)} stereo pairs were found among the images with a camera_info ({names}), '
            'expected one; give --left TOPIC and --right TOPIC'
        )
    left, right = next(iter(best.values()))
    return Eye(left.image, choice.left_info or left.info), Eye(
        right.image, choice.right_info or right.info
    )


def _given(topics: Mapping[str, Topic], image: str, info: str, option: str) -> Eye:
    topic = topics.get(image) or topics.get(f'{image}/compressed')
    if topic is None or topic.type not in (RAW, COMPRESSED):
        kind = f'has type {topic.type}' if topic else 'is not in the recording'
        raise BagError(
            f'topic {image} {kind}, expected an Image or CompressedImage; it has '
            f'{_listed(t.name for t in topics.values() if t.type in (RAW, COMPRESSED))}'
        )
    info = info or _info_of(topic.name, topics)
    if info not in topics:
        raise BagError(
            f'no camera_info belongs to {topic.name}, expected {_sibling(topic.name)}; give '
            f'{option} TOPIC, one of {_listed(t.name for t in topics.values() if t.type == INFO)}'
        )
    if topics[info].type != INFO:
        raise BagError(f'topic {info} has type {topics[info].type}, expected {INFO}')
    return Eye(topic.name, info)


def _not_one(topics: Mapping[str, Topic], found: Sequence[Eye]) -> str:
    if found:
        return (
            f'the recording has images of several cameras ({_listed(e.image for e in found)}); '
            'choose one with --image TOPIC'
        )
    images = [t.name for t in topics.values() if t.type in (RAW, COMPRESSED)]
    return (
        f'no image with a camera_info beside it was found; the images are {_listed(images)}: '
        'give --image TOPIC and --camera-info TOPIC'
    )


def _listed(names: object) -> str:
    return ', '.join(names) or 'none'  # type: ignore[arg-type]


def _is_no_camera(name: str) -> bool:
    words = name.lower().replace('/', '_').split('_')
    return any(word in _NO_CAMERA for word in words)


def _base(name: str) -> str:
    return name.removesuffix('/compressed')


def _camera_of(image: str) -> str:
    return _base(image).rpartition('/')[0]


def _sibling(image: str) -> str:
    return f'{_camera_of(image)}/camera_info'


def _info_of(image: str, topics: Mapping[str, Topic]) -> str:
    """Return the calibration beside an image, as image_transport names it; empty for none."""
    for name in (_sibling(image), f'{_base(image)}/camera_info'):
        if name in topics and topics[name].type == INFO and topics[name].count:
            return name
    return ''


def _rank(image: str) -> tuple[int, bool]:
    last = _base(image).rpartition('/')[2]
    place = _PREFERRED.index(last) if last in _PREFERRED else len(_PREFERRED)
    return place, image.endswith('/compressed')


def _one_per_camera(found: Sequence[Eye]) -> list[Eye]:
    best: dict[str, Eye] = {}
    for eye in found:
        best.setdefault(_camera_of(eye.image), eye)
    return list(best.values())


def _partner(eye: Eye, found: Sequence[Eye]) -> Eye | None:
    """Return the right camera of a left one; None where the names make no pair."""
    by_name = {other.image: other for other in found}
    for left, right in _PAIRS:
        words = eye.image.split('/')
        for i, word in enumerate(words):
            if left in word:
                name = '/'.join([*words[:i], word.replace(left, right), *words[i + 1 :]])
                if name in by_name:
                    return by_name[name]
    return None
