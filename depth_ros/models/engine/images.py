# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Images become network input on the device that runs the network.

Every step does, to the last bit, what transformers' own image processors do, both the Pillow
ones and the tensor ones; those of the tensor kind need torchvision, and both make several
copies. This needs neither. Sizes are (height, width).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from depth_ros.geometry.pillow_resize import resize_like_pillow
from depth_ros.models.protocol import ModelError
from depth_ros.types import Image, quoted

BILINEAR, BICUBIC = 2, 3  # the numbers that checkpoints use, PIL's
MODES = {BILINEAR: 'bilinear', BICUBIC: 'bicubic'}

SWITCHES = ('do_resize', 'do_rescale', 'do_normalize', 'do_pad', 'keep_aspect_ratio')
LARGEST_SIDE = 16384  # pixels of a network's input

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
            f'the image processor asks for size {quoted(size)}, expected height and width; '
            'this checkpoint needs a processor that this package does not know'
        )
    if full['resample'] not in tuple(MODES):
        raise ModelError(
            f'the image processor asks for resampling {quoted(full["resample"])}, expected '
            'bilinear (2) or bicubic (3); set resample in preprocessor_config.json'
        )
    for key in ('image_mean', 'image_std'):
        value = full[key]
        full[key] = tuple(value) if isinstance(value, (list, tuple)) else (value,) * 3
        if len(full[key]) != 3:
            raise ModelError(
                f'{key} has {len(full[key])} numbers, 3 were expected; '
                'correct preprocessor_config.json'
            )
    for key, entry in full['size'].items():
        if key in ('height', 'width'):
            _check_number(f'size of {key}', entry, 1, LARGEST_SIDE)
    for value in full['image_mean']:
        _check_number('image_mean', value, -1e3, 1e3)
    for value in full['image_std']:
        _check_number('image_std', value, 1e-6, 1e3)
    full['image_mean'], full['image_std'] = (
        tuple(float(v) for v in full[key]) for key in ('image_mean', 'image_std')
    )
    _check_number('rescale_factor', full['rescale_factor'], 1e-9, 1e3)
    _check_number('ensure_multiple_of', full['ensure_multiple_of'], 1e-3, 4096)
    if full['size_divisor'] is not None:
        _check_number('size_divisor', full['size_divisor'], 0, 4096)
    for key, value in full.items():
        if key in SWITCHES and not isinstance(value, bool):
            raise ModelError(
                f'{key} is {quoted(value)}, expected true or false; correct '
                'preprocessor_config.json'
            )
    return full


def _check_number(name: str, value: Any, low: float, high: float) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (number and low <= value <= high):  # NaN is refused too
        raise ModelError(
            f'{name} is {quoted(value)}, expected a number from {low:g} to {high:g}; correct '
            'preprocessor_config.json'
        )


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
    """Return (left, right, top, bottom) that centre an image in the next multiple."""
    extra_height = math.ceil(height / divisor) * divisor - height
    extra_width = math.ceil(width / divisor) * divisor - width
    left, top = extra_width // 2, extra_height // 2
    return left, extra_width - left, top, extra_height - top


def resize_uint8(images: Any, size: tuple[int, int], resample: int, style: str) -> Any:
    """Resize NHWC uint8 with antialias."""
    import torch
    import torch.nn.functional as F

    if tuple(images.shape[1:3]) == size:
        return images
    if style == 'pillow':
        resized = [_resize_pillow(image, size, resample) for image in images.cpu().numpy()]
        stacked = resized[0][None] if len(resized) == 1 else np.stack(resized)
        return torch.from_numpy(np.require(stacked, requirements='W')).to(images.device)
    if len(images) == 1:
        # NumPy's new axis has stride 0, by which torch would take the layout for another, and copy
        images = images[0].unsqueeze(0)
    channels_first = images.permute(0, 3, 1, 2)
    if images.device.type == 'cpu':
        result = F.interpolate(channels_first, size, mode=MODES[resample], antialias=True)
    else:
        # No uint8 kernel there: the same filter in float32, rounded and clamped as on the CPU
        result = F.interpolate(channels_first.float(), size, mode=MODES[resample], antialias=True)
        result = result.round_().clamp_(0, 255).byte()
    return result.permute(0, 2, 3, 1)


def _resize_pillow(image: Image, size: tuple[int, int], resample: int) -> Image:
    height, width = size
    resized = resize_like_pillow(image, width, height, MODES[resample])
    if resized is None:
        import PIL.Image

        resized = np.asarray(PIL.Image.fromarray(image).resize((width, height), resample=resample))
    return resized


class Normaliser:
    """
    uint8 NHWC to float32 NCHW in one pass over the pixels.

    A byte has 256 values, so on a CPU the arithmetic of either image processor, with its own
    order of rounding, is done once per channel and looked up afterwards.
    """

    def __init__(self, settings: Mapping[str, Any], style: str, device: Any) -> None:
        import torch

        self.style = style
        self.on_cpu = device.type == 'cpu'
        self.kept = threading.local()
        scale = float(settings['rescale_factor']) if settings['do_rescale'] else 1.0
        mean = torch.tensor(settings['image_mean'])
        std = torch.tensor(settings['image_std'])
        if not settings['do_normalize']:
            mean, std = torch.zeros(3), torch.ones(3)
        fused = style == 'tensor' and settings['do_normalize'] and settings['do_rescale']
        share = 1.0 / scale if fused else 1.0
        mean, std = (values.mul(share).view(1, 3, 1, 1) for values in (mean, std))
        self.mean, self.std = mean.to(device), std.to(device)
        self.scale = 1.0 if fused else scale
        levels = torch.arange(256, dtype=torch.uint8).expand(1, 3, 1, 256)
        table = self._arithmetic(levels, mean, std)
        self.table = np.ascontiguousarray(table[0, :, 0].T.numpy())[None]  # (1, 256, 3)

    def __call__(self, images: Any) -> Any:
        import torch

        if not self.on_cpu:
            return self._arithmetic(images.permute(0, 3, 1, 2), self.mean, self.std)
        count, height, width, _ = images.shape
        flat = images.reshape(count * height, width, 3).numpy()
        kept = getattr(self.kept, 'buffer', None)
        # The memory of the last frame is written again: fresh pages cost more than the table.
        # It is valid until this thread's next call.
        self.kept.buffer = cv2.LUT(flat, self.table, kept)
        result = torch.from_numpy(self.kept.buffer)
        return result.view(count, height, width, 3).permute(0, 3, 1, 2)

    def _arithmetic(self, images: Any, mean: Any, std: Any) -> Any:
        import torch

        if self.scale == 1.0:
            values = images.to(torch.float32)
        elif self.style == 'pillow':
            values = (images.double() * self.scale).float()
        else:
            values = images * self.scale
        return values.sub_(mean).div_(std)


def pad(images: Any, padding: tuple[int, int, int, int]) -> Any:
    """Pad with zeros, which are the mean colour once normalised."""
    import torch.nn.functional as F

    return F.pad(images, padding) if any(padding) else images


def upsample(depth: Any, size: tuple[int, int], mode: str, align_corners: bool | None) -> Any:
    """Resize (N, h, w) to (N, H, W)."""
    import torch
    import torch.nn.functional as F

    if tuple(depth.shape[-2:]) == size:
        return depth
    half_pixel_cubic = mode == 'bicubic' and not align_corners
    if half_pixel_cubic and depth.device.type == 'cpu' and depth.dtype == torch.float32:
        # The same cubic as torch's, an eighth of the time, and nearer to float64 than torch.
        cubic = cv2.INTER_CUBIC
        resized = [cv2.resize(one, size[::-1], interpolation=cubic) for one in depth.numpy()]
        return torch.from_numpy(np.stack(resized))
    return F.interpolate(depth[:, None], size, mode=mode, align_corners=align_corners)[:, 0]
