# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The depth image that some models take beside the image: of a LiDAR, or of a coarse sensor."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from depth_ros.messages.compressed_depth import compressed_to_depth
from depth_ros.messages.depth_image import image_to_depth
from depth_ros.nodes.qos import sensor_qos, with_overrides
from depth_ros.shots import stamp_ns
from depth_ros.types import DepthError, FloatImage

REMEMBERED = 10


class PromptInput:
    """
    Subscribe to `<prefix>prompt` while it is wanted, and find the one that belongs to an image.

    With the transport compressedDepth it is a CompressedImage on <prompt>/compressedDepth.
    """

    def __init__(self, node: Node, complain: Callable[[str], None], prefix: str = '') -> None:
        self._node, self._complain = node, complain
        self._base = self._topic = node.resolve_topic_name(f'{prefix}prompt')
        self._subscription: Any = None
        self._messages: deque[Image | CompressedImage] = deque(maxlen=REMEMBERED)

    def listen(self, wanted: bool, transport: str = 'raw') -> None:
        """Subscribe, or forget and leave."""
        if wanted and self._subscription is None:
            raw = transport == 'raw'
            self._topic = self._base if raw else f'{self._base}/{transport}'
            kind = Image if raw else CompressedImage
            create = partial(self._node.create_subscription, kind, self._topic, self._receive)
            self._subscription = with_overrides(create, sensor_qos, self._topic, self._complain)
        elif not wanted and self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None
            self._messages.clear()

    def _receive(self, message: Image | CompressedImage) -> None:
        self._messages.append(message)

    def nearest(self, stamp: int, tolerance: float) -> FloatImage:
        """Return metres from the message nearest in time to an image's stamp (nanoseconds)."""
        messages = list(self._messages)
        if not messages:
            raise DepthError(
                'the model takes a depth image beside the image and none came on '
                f'{self._topic}; publish or remap one, or choose a model that takes none'
            )
        best = min(messages, key=lambda message: abs(stamp_ns(message.header) - stamp))
        apart = abs(stamp_ns(best.header) - stamp) * 1e-9
        if apart > tolerance:
            raise DepthError(
                f'the nearest depth image on {self._topic} is {apart:.3g} s from the image, '
                f'prompt_tolerance is {tolerance:g} s; synchronise the sensors or raise it'
            )
        if isinstance(best, CompressedImage):
            return compressed_to_depth(best)
        return image_to_depth(best)
