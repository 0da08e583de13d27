# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What differs from one network of one image to the next.

A family subclasses NetworkAdapter in its own file: which network, how an image becomes its
input, and what its numbers mean. The model knows no family.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from depth_ros.models.engine import images as preprocess
from depth_ros.models.mono.values import cleaned, input_focal
from depth_ros.models.protocol import ModelError, ModelInfo
from depth_ros.types import Camera, DepthKind, FloatImage

UNIT: Mapping[str, Any] = {'do_normalize': False}  # RGB in [0, 1]
BYTES: Mapping[str, Any] = {'do_normalize': False, 'do_rescale': False}  # RGB from 0 to 255


@dataclass(frozen=True)
class Sizes:
    """
    At which size images enter a network.

    `width` and `height` are those of the training images when they entered. The rule decides for
    images of other shapes: 'long' keeps the long side, 'area' the number of pixels, both with
    sides at the nearest multiple, and 'fixed' squeezes every image into that very size.
    `squeeze` is the width of a pixel of the training input over its height, in the camera's
    pixels. A side has at least `fewest` multiples.
    """

    width: int
    height: int
    multiple: int = 32
    rule: str = 'area'
    squeeze: float = 1.0
    fewest: int = 1

    def of(self, height: int, width: int, long_side: int = 0) -> tuple[int, int]:
        """Return height and width of the input for an image; 0 takes the size of training."""
        aspect = width / height / self.squeeze
        if self.rule == 'fixed':
            aspect = self.width / self.height
        if long_side or self.rule == 'long':
            side = long_side or max(self.width, self.height)
            wide, high = (side, side / aspect) if aspect > 1 else (side * aspect, side)
        elif self.rule == 'area':
            high = math.sqrt(self.width * self.height / aspect)
            wide = high * aspect
        else:
            return self.height, self.width
        return self._rounded(high), self._rounded(wide)

    def _rounded(self, side: float) -> int:
        return max(self.fewest, round(side / self.multiple)) * self.multiple


def one_camera(sizes: Sizes, focal: float) -> str:
    """Return the caution of a network whose metres hold for the camera it learned from."""
    return (
        f'its metres hold for the camera that it learned from ({focal:g} px at {sizes.width}x'
        f'{sizes.height}); for another one set training_focal to -1, and check one known distance'
    )


class NetworkAdapter:
    """
    The default: resize with antialias, normalise, and bilinear back to metres.

    A subclass names its network's module, which has `build` and `official_key`, and returns the
    configuration of a variant.
    """

    family: ClassVar[str] = ''
    module: ClassVar[str] = ''  # in models/networks
    outputs: ClassVar[tuple[str, ...]] = ('depth',)  # fields of its result that are used
    tail: ClassVar[tuple[str, ...]] = ()  # submodules that stay float32 in every precision
    pixels: ClassVar[Mapping[str, Any]] = preprocess.IMAGENET
    resample: ClassVar[int] = preprocess.BILINEAR
    resizable: ClassVar[bool] = True
    multiple: ClassVar[int] = 32  # of the sides, in a network that was trained here
    rule: ClassVar[str] = 'area'  # of Sizes, in a network that was trained here
    fewest: ClassVar[int] = 1  # of Sizes

    def __init__(
        self,
        info: ModelInfo,
        sizes: Sizes,
        variant: str,
        shape: Mapping[str, Any],
        facts: Mapping[str, Any],
    ) -> None:
        self.info = info
        self.sizes = sizes
        self.variant = variant
        self.shape = dict(shape)
        self.facts = dict(facts)

    def __repr__(self) -> str:
        return f'{self.family} {self.variant} {self.shape} {self.facts}'

    # The network

    @classmethod
    def networks(cls) -> Any:
        """Return the module of the network, which imports torch."""
        return importlib.import_module(f'depth_ros.models.networks.{cls.module}')

    def variant_config(self) -> Any:
        """Return the configuration of the variant, without what the weights change of it."""
        raise NotImplementedError

    def config(self) -> Any:
        """Return the configuration of the network."""
        from depth_ros.models.networks.shapes import reshaped

        return reshaped(self.variant_config(), self.shape)

    def network(self) -> Any:
        """Return the network without weights, on torch's default device."""
        return self.networks().build(self.config())

    @classmethod
    def official_key(cls, key: str) -> str | None:
        """Return the key of the network for one of an official file."""
        found: str | None = cls.networks().official_key(key)
        return found

    official_shape: ClassVar[Any] = None
    """What an official file decides about the network, see weights.source.Official."""

    # Images in

    def input_size(self, height: int, width: int, long_side: int) -> tuple[int, int]:
        """Return height and width of the input for an image; long_side 0 is the network's own."""
        if long_side and not self.resizable:
            raise ModelError(
                f'input_size is {long_side} and {self.info.name} has one size only; '
                'leave input_size at 0'
            )
        return self.sizes.of(height, width, long_side)

    def attach(self, device: Any) -> None:
        """Learn where the network runs."""
        settings = preprocess.normalised_settings(self.pixels)
        self._normalise = preprocess.Normaliser(settings, 'tensor', device)

    def prepare(self, images: Any, size: tuple[int, int]) -> Any:
        """Return the input (N, 3, height, width) of the network for uint8 images, NHWC."""
        return self._normalise(preprocess.resize_uint8(images, size, self.resample, 'tensor'))

    # Depth out

    def values(self, outputs: Mapping[str, Any], height: int, width: int) -> Any:
        """Return (N, H, W) at the size of the images from the network's outputs."""
        raise NotImplementedError

    def averaged(self, values: Any, mirrored: Any) -> Any:
        """Return what is published for the values and those of the mirrored image, set right."""
        return (values + mirrored) / 2

    def training_focal(self, wanted: float) -> float:
        """Return the focal length, in pixels of the input, that depth is for; 0 is any."""
        return self.info.training_focal if wanted < 0 else wanted

    def meaning(
        self, values: FloatImage, camera: Camera, size: tuple[int, int], training_focal: float
    ) -> tuple[DepthKind, FloatImage]:
        """Return what the values (H, W) of one image mean, and the values themselves."""
        kind = self.info.kind
        trained = self.training_focal(training_focal) if kind is DepthKind.METRIC else 0.0
        correction = 1.0
        if trained:
            seen = input_focal(camera, (camera.height, camera.width), size)
            correction = seen / trained
        return kind, cleaned(values, kind, correction)
