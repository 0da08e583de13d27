# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What differs from one family of transformers' depth models to the next.

A family subclasses Adapter in its own file: what its configuration says the numbers mean, how
images become input, and how output becomes depth. The engine and the loader know no family.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from depth_ros.models.engine import images as preprocess
from depth_ros.models.protocol import ModelError
from depth_ros.types import Camera, DepthKind, FloatImage

LARGEST_MULTIPLE = 4096  # pixels


@dataclass(frozen=True)
class Plan:
    """What depends only on the size of the image: sizes are (height, width)."""

    source: tuple[int, int]
    resized: tuple[int, int]
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)  # left, right, top, bottom
    pads_first: bool = False  # whether the source is padded, or the resized image

    @property
    def input(self) -> tuple[int, int]:
        """Height and width of what enters the network."""
        if self.pads_first:
            return self.resized
        left, right, top, bottom = self.padding
        return self.resized[0] + top + bottom, self.resized[1] + left + right


class Adapter:
    """
    The default: resize with antialias in uint8, normalise, and bicubic back.

    `settings` are those of the checkpoint's own image processor. `defaults` stand where those
    leave a value out, as the processor's class does; `published` where the checkpoint brings no
    processor at all, as the family was published.
    """

    model_type: ClassVar[str] = ''
    defaults: ClassVar[Mapping[str, Any]] = {}
    published: ClassVar[Mapping[str, Any]] = {}
    resizable: ClassVar[bool] = True
    takes_depth: ClassVar[bool] = False
    uses_focal: ClassVar[bool] = False  # the model itself knows what to do with a focal length
    has_pillow: ClassVar[bool] = True  # whether transformers has a Pillow processor of this family
    unsaid: ClassVar[str] = 'its configuration does not say what its numbers mean'

    tail: ClassVar[tuple[str, ...]] = ()  # modules that stay float32 in every precision

    upsampling: ClassVar[str] = 'bicubic'
    align_corners: ClassVar[bool | None] = False

    def __init__(self, config: Any, settings: Mapping[str, Any]) -> None:
        self.config = config
        self.settings = preprocess.normalised_settings(
            {**self.defaults, **(settings or self.published)}
        )

    # What the numbers mean

    def kind(self) -> DepthKind | None:
        """Return what the configuration says the numbers are; None where it does not say."""
        return None

    def depth_range(self) -> tuple[float, float] | None:
        """Return the metres that the head can express, where the configuration says."""
        return None

    @property
    def is_one_graph(self) -> bool:
        """Whether the same layers run whatever is seen, and images of a batch are apart."""
        return True

    def check(self) -> None:
        """Refuse a configuration of which no depth can come."""
        reach = self.depth_range()
        # Written so that NaN fails it as well.
        if reach is not None and not 0 <= reach[0] < reach[1] < math.inf:
            raise ModelError(
                f'the configuration says that depth is {reach[0]:g} to {reach[1]:g} m, expected a '
                'smallest and a larger largest distance; fetch the model again'
            )
        if not 1 <= self.multiple <= LARGEST_MULTIPLE:
            raise ModelError(
                f'the configuration says that sides are multiples of {self.multiple} px, '
                f'expected 1 to {LARGEST_MULTIPLE}; fetch the model again'
            )
        self.plan(480, 640, 0)

    # Sizes

    @property
    def multiple(self) -> int:
        """What height and width of the input must be a multiple of."""
        return max(1, int(self.settings.get('ensure_multiple_of') or 1))

    def plan(self, height: int, width: int, input_size: int) -> Plan:
        """Return the sizes for images of one size; input_size 0 is the checkpoint's own."""
        settings = self.settings
        if input_size and not self.resizable:
            raise ModelError(
                f'input_size is {input_size} and a {self.model_type} model has one size only; '
                'leave input_size at 0'
            )
        if input_size:
            resized = preprocess.side_size(height, width, input_size, 'long', self.multiple)
        elif settings['do_resize']:
            resized = self.own_size(height, width)
        else:
            resized = (height, width)
        if min(resized) < 1:
            raise ModelError(
                f'an image of {width}x{height} becomes {resized[1]}x{resized[0]}, too small '
                f'for this model; send larger images or set input_size'
            )
        divisor = int(settings.get('size_divisor') or 0) if settings.get('do_pad') else 0
        padding = preprocess.centre_padding(*resized, divisor) if divisor else (0, 0, 0, 0)
        return Plan((height, width), resized, padding)

    def own_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size that the checkpoint's own image processor would choose."""
        return preprocess.processor_size(height, width, self.settings)

    def spare(self, network: Any, use_camera: bool) -> None:
        """Take out of the network what will not be needed."""

    # Images in, depth out; tensors are on the model's device

    def attach(self, device: Any, processor: str) -> None:
        """Learn where the network runs, and which image processor to equal."""
        self.style = processor if self.has_pillow else 'tensor'
        self.normalise = preprocess.Normaliser(self.settings, self.style, device)

    def prepare(self, images: Any, plan: Plan) -> Any:
        """Return the input of the network for uint8 images, NHWC."""
        resample = self.settings['resample']
        resized = preprocess.resize_uint8(images, plan.resized, resample, self.style)
        return preprocess.pad(self.normalise(resized), plan.padding)

    def beside(
        self, runtime: Any, depths: Sequence[FloatImage] | None, count: int
    ) -> tuple[Any, ...]:
        """Return what else the network takes beside the images."""
        if depths is not None:
            raise ModelError(
                f'a {self.model_type} model takes no measured depth; use prompt-depth-anything'
            )
        return ()

    def finish(self, outputs: Any, plan: Plan, cameras: Sequence[Camera] | None) -> Any:
        """
        Return (N, H, W) at the size of the images, from the network's outputs.

        `cameras` are given where the caller wants known focal lengths used.
        """
        depth = outputs['predicted_depth']
        if any(plan.padding):
            # transformers stretches the padded depth over the image, up to half a multiple off;
            # here the padding is cut away.
            left, _, top, _ = plan.padding
            height, width = plan.resized
            depth = preprocess.upsample(depth, plan.input, self.upsampling, self.align_corners)
            depth = depth[:, top : top + height, left : left + width]
        return preprocess.upsample(depth, plan.source, self.upsampling, self.align_corners)
