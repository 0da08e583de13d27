# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What travels beside the images and is known about a view: measured depth, and whatever comes.

A companion takes the messages of its topics in order and says what is known about an image once
everything within its `patience` has been seen. A source of scale is another companion.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Protocol

from depth_ros.files.bags.content import BagError
from depth_ros.messages.depth_image import image_to_depth
from depth_ros.shots import stamp_ns
from depth_ros.types import Camera, Known

SECOND = 1_000_000_000


class Companion(Protocol):
    """A source of what is known about a view beside its image."""

    topics: tuple[str, ...]
    patience: int  # nanoseconds of recording after an image that it has to see

    def add(self, topic: str, time: int, message: Any) -> None:
        """Take a message of one of its topics."""

    def known(self, stamp: int, camera: Camera) -> Known:
        """Return what is known about the image with this stamp in nanoseconds."""


class PromptCompanion:
    """The depth image that some models take beside the image, as the node's `prompt`."""

    def __init__(self, topic: str, tolerance: float) -> None:
        self.topics: tuple[str, ...] = (topic,)
        self.patience = round(min(tolerance, 2.0) * SECOND)
        self._tolerance = tolerance
        self._messages: deque[Any] = deque()

    def add(self, topic: str, time: int, message: Any) -> None:
        self._messages.append(message)
        # What is kept depends on times alone, so a part of a recording keeps the same.
        oldest = stamp_ns(message.header) - 2 * self.patience - 2 * SECOND
        while stamp_ns(self._messages[0].header) < oldest:
            self._messages.popleft()

    def known(self, stamp: int, camera: Camera) -> Known:
        topic = self.topics[0]
        if not self._messages:
            raise BagError(f'there is no depth image on {topic} near this image')
        best = min(self._messages, key=lambda message: abs(stamp_ns(message.header) - stamp))
        apart = abs(stamp_ns(best.header) - stamp) * 1e-9
        if apart > self._tolerance:
            raise BagError(
                f'the nearest depth image on {topic} is {apart:.3g} s from the image, '
                f'prompt_tolerance is {self._tolerance:g} s; raise it with --param'
            )
        return Known(depth=image_to_depth(best))
