# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which sizes of image a network takes."""

from __future__ import annotations

from torch import Tensor

from depth_ros.types import DepthError


def require_multiple(image: Tensor, multiple: int) -> None:
    """Raise DepthError unless the sides of image (..., height, width) are multiples."""
    height, width = image.shape[-2:]
    if height % multiple or width % multiple:
        raise DepthError(
            f'expected an image with sides that are multiples of {multiple}, got '
            f'{width}x{height}; resize or pad it'
        )
