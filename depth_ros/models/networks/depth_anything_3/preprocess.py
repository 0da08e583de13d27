# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images as the networks take them, by the rule of the authors. NumPy and OpenCV only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from depth_ros.models.networks.depth_anything_3.configurations import PATCH
from depth_ros.types import DepthError, Image, Matrix

LONGEST = 504  # pixels
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)

Size = tuple[int, int]


class Views(NamedTuple):
    """Views as the networks take them."""

    images: npt.NDArray[np.float32]
    """(views, 3, height, width), normalised RGB"""
    intrinsics: Matrix | None
    """(views, 3, 3), in pixels of these images"""


def network_sizes(width: int, height: int, longest: int = LONGEST) -> tuple[Size, Size]:
    """
    Return the two sizes (width, height) to which an image is resized in turn.

    First the longest side gets its length, then each side the nearest multiple of the patch
    size, the larger one of two equally near.
    """
    if min(width, height) < 1 or longest < PATCH:
        raise DepthError(
            f'an image of {width}x{height} cannot be resized to a longest side of {longest}, '
            f'expected at least one pixel and a side of {PATCH}; give a larger one'
        )
    scale = longest / max(width, height)
    first = max(1, round(width * scale)), max(1, round(height * scale))
    return first, (_nearest_multiple(first[0]), _nearest_multiple(first[1]))


def preprocess(
    image: Image, intrinsics: npt.ArrayLike | None = None, longest: int = LONGEST
) -> Views:
    """
    Return one RGB image, resized and normalised, as a single view.

    :param image: (height, width, 3), RGB. :param intrinsics: (3, 3), in pixels of the image,
        whose middle is (width / 2, height / 2). They scale with the image.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise DepthError(
            f'the image has shape {image.shape} and type {image.dtype}, expected '
            '(height, width, 3) and uint8; convert it to RGB'
        )
    height, width = image.shape[:2]
    first, second = network_sizes(width, height, longest)
    resized = _resized(_resized(image, first), second)
    scaled = None
    if intrinsics is not None:
        ratio = np.array([second[0] / width, second[1] / height, 1.0])
        scaled = (np.asarray(intrinsics, np.float64) * ratio[:, None])[None]
    return Views(_normalised(resized)[None], scaled)


def preprocess_views(
    images: Sequence[Image],
    intrinsics: Sequence[npt.ArrayLike] | None = None,
    longest: int = LONGEST,
) -> Views:
    """
    Return several views of one scene, resized and normalised.

    Views of other proportions are cut to the smallest height and width around their middle.
    """
    if not images or (intrinsics is not None and len(intrinsics) != len(images)):
        raise DepthError(
            f'there are {len(images)} images and {len(intrinsics or ())} intrinsics, expected '
            'at least one image and as many intrinsics or none; give one for each image'
        )
    known = intrinsics if intrinsics is not None else [None] * len(images)
    views = [preprocess(i, k, longest) for i, k in zip(images, known, strict=True)]
    height = min(view.images.shape[2] for view in views)
    width = min(view.images.shape[3] for view in views)
    cut = [_cut(view, height, width) for view in views]
    lenses = [view.intrinsics for view in cut if view.intrinsics is not None]
    return Views(
        np.concatenate([view.images for view in cut]), np.concatenate(lenses) if lenses else None
    )


def _cut(view: Views, height: int, width: int) -> Views:
    top, left = (view.images.shape[2] - height) // 2, (view.images.shape[3] - width) // 2
    images = view.images[:, :, top : top + height, left : left + width]
    if view.intrinsics is None:
        return Views(images, None)
    return Views(images, view.intrinsics - np.array([[0, 0, left], [0, 0, top], [0, 0, 0]]))


def _nearest_multiple(side: int) -> int:
    return max(PATCH, (side + PATCH // 2) // PATCH * PATCH)


def _resized(image: Image, size: Size) -> Image:
    width, height = size
    if (height, width) == image.shape[:2]:
        return image
    grows = width > image.shape[1] or height > image.shape[0]
    how = cv2.INTER_CUBIC if grows else cv2.INTER_AREA
    return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)


def _normalised(image: Image) -> npt.NDArray[np.float32]:
    deviation = np.asarray(DEVIATION, np.float32)
    factor = (1 / (255 * deviation)).astype(np.float32)
    offset = (-np.asarray(MEAN, np.float32) / deviation).astype(np.float32)
    planes = np.empty((3, *image.shape[:2]), np.float32)
    for channel, plane in enumerate(planes):
        np.multiply(image[..., channel], factor[channel], out=plane)
        plane += offset[channel]
    return planes
