# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Pictures become network input on the device that runs the network.

Every step does, to the last bit, what transformers' own tensor image processors do; those need
torchvision and go through several copies, this needs neither. Sizes are (height, width).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from depth_ros.models.base import ModelError

BILINEAR, BICUBIC = 2, 3  # the numbers that checkpoints use, PIL's
MODES = {BILINEAR: 'bilinear', BICUBIC: 'bicubic'}

IMAGENET: Mapping[str, Any] = {
    'image_mean': (0.485, 0.456, 0.406),
    'image_std': (0.229, 0.224, 0.225),
}
BASE: Mapping[str, Any] = {
    'do_resize': True,
    'do_rescale': True,
    'do_normalize': True,
    'do_pad': False,
    'rescale_factor': 1 / 255,
    'resample': BICUBIC,
    'image_mean': (0.5, 0.5, 0.5),
    'image_std': (0.5, 0.5, 0.5),
    'size': {'height': 384, 'width': 384},
    'keep_aspect_ratio': False,
    'ensure_multiple_of': 1,
    'size_divisor': None,
}


def normalised_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return an image processor's settings, complete and checked."""
    given = {key: value for key, value in settings.items() if value is not None}
    full = {**BASE, **given}
    size = full['size']
    if isinstance(size, int):
        full['size'] = {'height': size, 'width': size}
    elif not isinstance(size, Mapping) or not {'height', 'width'} <= set(size):
        raise ModelError(
            f'the image processor asks for size {size!r}, expected height and width; '
            'this checkpoint needs a processor that this package does not know'
        )
    if full['resample'] not in MODES:
        raise ModelError(
            f'the image processor asks for resampling {full["resample"]!r}, expected bilinear '
            '(2) or bicubic (3); set resample in preprocessor_config.json'
        )
    for key in ('image_mean', 'image_std'):
        value = full[key]
        full[key] = (
            tuple(float(v) for v in value) if not isinstance(value, float) else (value,) * 3
        )
        if len(full[key]) != 3:
            raise ModelError(
                f'{key} has {len(full[key])} numbers, 3 were expected; '
                'correct preprocessor_config.json'
            )
    return full


def processor_size(height: int, width: int, settings: Mapping[str, Any]) -> tuple[int, int]:
    """Return the size DPT's rule gives: scale as little as possible, round to the multiple."""
    multiple = settings['ensure_multiple_of']
    scale_height = settings['size']['height'] / height
    scale_width = settings['size']['width'] / width
    if settings['keep_aspect_ratio']:
        if abs(1 - scale_width) < abs(1 - scale_height):
            scale_height = scale_width
        else:
            scale_width = scale_height
    return (
        int(round(scale_height * height / multiple) * multiple),
        int(round(scale_width * width / multiple) * multiple),
    )


def side_size(height: int, width: int, size: int, side: str, multiple: int) -> tuple[int, int]:
    """Return the size whose short or long side is `size`, both sides at the nearest multiple."""
    reference = min(height, width) if side == 'short' else max(height, width)
    scale = size / reference
    return (
        max(multiple, round(height * scale / multiple) * multiple),
        max(multiple, round(width * scale / multiple) * multiple),
    )


def centre_padding(height: int, width: int, divisor: int) -> tuple[int, int, int, int]:
    """Return (left, right, top, bottom) that centre a picture in the next multiple."""
    extra_height = math.ceil(height / divisor) * divisor - height
    extra_width = math.ceil(width / divisor) * divisor - width
    left, top = extra_width // 2, extra_height // 2
    return left, extra_width - left, top, extra_height - top


def resize_uint8(images: Any, size: tuple[int, int], resample: int) -> Any:
    """Resize NHWC uint8 to NCHW uint8 with antialias; strides stay those of NHWC."""
    import torch.nn.functional as F

    images = images.permute(0, 3, 1, 2)
    if tuple(images.shape[-2:]) == size:
        return images
    if images.device.type == 'cpu':
        return F.interpolate(images, size, mode=MODES[resample], antialias=True)
    # Other devices have no uint8 kernel: the same filter in float32, rounded and clamped as there
    resized = F.interpolate(images.float(), size, mode=MODES[resample], antialias=True)
    return resized.round_().clamp_(0, 255).byte()


def normalise(images: Any, settings: Mapping[str, Any]) -> Any:
    """Rescale and normalise uint8 NCHW to float32 in one pass, fused as transformers fuses it."""
    import torch

    if not settings['do_normalize']:
        return images * settings['rescale_factor'] if settings['do_rescale'] else images.float()
    unit = 1.0 / settings['rescale_factor'] if settings['do_rescale'] else 1.0
    shape = (1, 3, 1, 1)
    mean = torch.tensor(settings['image_mean'], device=images.device).view(shape) * unit
    std = torch.tensor(settings['image_std'], device=images.device).view(shape) * unit
    return images.to(torch.float32).sub_(mean).div_(std)


def standardise(images: Any, settings: Mapping[str, Any]) -> Any:
    """Subtract the mean and divide by the deviation, in place, for what is rescaled already."""
    import torch

    if not settings['do_normalize']:
        return images
    shape = (1, 3, 1, 1)
    mean = torch.tensor(settings['image_mean'], device=images.device).view(shape)
    std = torch.tensor(settings['image_std'], device=images.device).view(shape)
    return images.sub_(mean).div_(std)


def pad(images: Any, padding: tuple[int, int, int, int]) -> Any:
    """Pad with zeros, which are the mean colour once normalised."""
    import torch.nn.functional as F

    return F.pad(images, padding) if any(padding) else images


def upsample(depth: Any, size: tuple[int, int], mode: str, align_corners: bool | None) -> Any:
    """Resize (N, h, w) to (N, H, W)."""
    import torch.nn.functional as F

    if tuple(depth.shape[-2:]) == size:
        return depth
    return F.interpolate(depth[:, None], size, mode=mode, align_corners=align_corners)[:, 0]
