# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
From the messages of a recording, in order, to the frames of its cameras.

What belongs to a frame depends on what was recorded within some seconds of it and on nothing
else, so a part of a recording that is read alone gives the frames that the whole gives. An image
takes the calibration of its own stamp; without one, the last that came before it; without that,
the first of all, which a live node does not know yet. No image is lost for want of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from depth_ros.files.bags.content import Message
from depth_ros.libraries import pair_synchroniser
from depth_ros.reprocess.topics import Eye
from depth_ros.shots import Shot, stamp_ns

SECOND = 1_000_000_000
NEAR = 2 * SECOND  # between an image and the calibration of its own stamp, as recorded
PATIENCE = SECOND // 2  # for that calibration, where it comes after the image
LEAD = 5 * SECOND  # before and after a part of a recording, what its frames may need
QUEUE = 100  # images of one eye that wait for the other


class Frame(NamedTuple):
    """One image per eye; `time` is when the first eye's was recorded."""

    time: int
    shots: tuple[Shot, ...]


@dataclass
class Lost:
    """How many images of the first eye came, and how many of them gave no frame, and why."""

    images: int = 0
    no_camera_info: int = 0
    unreadable: int = 0


class _Calibrated:
    """Joins the images of one eye with their calibrations, in the order of the images."""

    def __init__(
        self, first: Any, emit: Callable[[int, Shot], None], lost: Callable[[int], None]
    ) -> None:
        self._first, self._emit, self._lost = first, emit, lost
        self._infos: dict[int, tuple[int, Any]] = {}
        self._latest: deque[tuple[int, Any]] = deque()
        self._waiting: deque[tuple[int, int, Any]] = deque()

    def add_info(self, time: int, message: Any) -> None:
        stamp = stamp_ns(message.header)
        self._infos.pop(stamp, None)  # what is newest stands last
        self._infos[stamp] = time, message
        self._latest.append((time, message))
        oldest = (self._waiting[0][0] if self._waiting else time) - NEAR
        while self._infos and next(iter(self._infos.values()))[0] < oldest:
            del self._infos[next(iter(self._infos))]
        while len(self._latest) > 1 and self._latest[1][0] < oldest:
            self._latest.popleft()

    def add_image(self, time: int, message: Any) -> None:
        self._waiting.append((time, stamp_ns(message.header), message))

    def advance(self, now: int) -> None:
        """Emit what need not wait any longer."""
        while self._waiting:
            time, stamp, image = self._waiting[0]
            info = self._own(time, stamp)
            if info is None:
                if now <= time + PATIENCE:
                    return
                info = self._before(time)
            self._waiting.popleft()
            if info is None:
                self._lost(time)
            else:
                self._emit(time, Shot(stamp, image, info))

    def _own(self, time: int, stamp: int) -> Any:
        found = self._infos.get(stamp)
        return found[1] if found is not None and abs(found[0] - time) <= NEAR else None

    def _before(self, time: int) -> Any:
        before = [message for when, message in self._latest if when <= time]
        return before[-1] if before else self._first


def _ignore(time: int) -> None:
    """Do nothing: the second eye's images are not counted."""


class Assembler:
    """
    Turn messages into frames.

    :param first: for each eye the calibration to use before any is seen; None for none.
    :param tolerance: seconds by which the stamps of a pair may differ; 0 pairs equal ones.
    :param read: turns a recorded message into one with fields; raises DepthError for damage.
    :param within: the times from and before which images are counted in `lost`.
    """

    def __init__(
        self,
        eyes: Sequence[Eye],
        first: Sequence[Any],
        tolerance: float,
        read: Callable[[Message], Any],
        within: tuple[int, int] = (0, 1 << 63),
    ) -> None:
        self.lost = Lost()
        self._read, self._within, self._first_image = read, within, eyes[0].image
        self._found: deque[Frame] = deque()
        emits: list[Callable[[int, Shot], None]]
        if len(eyes) == 1:
            emits = [lambda time, shot: self._found.append(Frame(time, (shot,)))]
        else:
            pairs = pair_synchroniser(tolerance, QUEUE, self._paired)
            emits = [
                lambda time, shot: pairs.add('left', shot.stamp, (time, shot)),
                lambda time, shot: pairs.add('right', shot.stamp, (time, shot)),
            ]
        losts = [self._no_info, *[_ignore] * (len(eyes) - 1)]
        self._sides = [_Calibrated(*side) for side in zip(first, emits, losts)]
        self._images = {eye.image: side for eye, side in zip(eyes, self._sides)}
        self._infos: dict[str, list[_Calibrated]] = {}
        for eye, side in zip(eyes, self._sides):
            self._infos.setdefault(eye.info, []).append(side)

    @property
    def topics(self) -> set[str]:
        """The topics that are looked at."""
        return {*self._images, *self._infos}

    def frames(self, messages: Iterable[Message]) -> Iterator[Frame | Message]:
        """Yield frames as soon as they are complete, and every message that was looked at."""
        for message in messages:
            self.add(message)
            while self._found:
                yield self._found.popleft()
            yield message
        self.flush()
        yield from self._found

    def add(self, message: Message) -> None:
        """Take one message."""
        image, infos = self._images.get(message.topic), self._infos.get(message.topic, ())
        if image is not None or infos:
            counts = message.topic == self._first_image and self._counts(message.time)
            self.lost.images += counts
            try:
                content = self._read(message)
            except ValueError:
                self.lost.unreadable += counts
            else:
                if image is not None:
                    image.add_image(message.time, content)
                for side in infos:
                    side.add_info(message.time, content)
        for side in self._sides:
            side.advance(message.time)

    def flush(self) -> None:
        """Emit what waits for messages that do not come any more."""
        for side in self._sides:
            side.advance(1 << 63)

    def _counts(self, time: int) -> bool:
        return self._within[0] <= time < self._within[1]

    def _no_info(self, time: int) -> None:
        self.lost.no_camera_info += self._counts(time)

    def _paired(self, left: tuple[int, Shot], right: tuple[int, Shot]) -> None:
        self._found.append(Frame(left[0], (left[1], right[1])))
