# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""ZoeDepth: metres from bins over a MiDaS backbone, indoors (NYU), outdoors (KITTI), or both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from depth_ros.models.engine import images as preprocess
from depth_ros.models.mono.hf.adapter import Adapter, Plan
from depth_ros.models.mono.hf.model import transformers_family
from depth_ros.models.mono.hf.revisions import published
from depth_ros.models.weights.catalogue import Entry
from depth_ros.types import Camera, DepthKind


class ZoeDepth(Adapter):
    """The image is mirrored outwards first, because the network is weak at its borders."""

    model_type = 'zoedepth'
    tail = ('metric_head',)
    defaults: ClassVar = {
        'do_pad': True,
        'size': {'height': 384, 'width': 512},
        'resample': preprocess.BILINEAR,
        'keep_aspect_ratio': True,
        'ensure_multiple_of': 1 / 32,
    }
    published: ClassVar = {'ensure_multiple_of': 32}

    @property
    def multiple(self) -> int:
        return 32

    def kind(self) -> DepthKind | None:
        return DepthKind.METRIC  # the head is made of bins in metres

    def depth_range(self) -> tuple[float, float] | None:
        bins = self.config.bin_configurations
        return min(float(b['min_depth']) for b in bins), max(float(b['max_depth']) for b in bins)

    @property
    def is_one_graph(self) -> bool:
        # With two sets of bins the network votes for one, and a batch has one vote for all.
        return len(self.config.bin_configurations) == 1

    def plan(self, height: int, width: int, input_size: int) -> Plan:
        """Return the plan; here the image is padded first and resized then."""
        top = left = 0
        if self.settings['do_pad']:
            top, left = (int(math.sqrt(side / 2) * 3) for side in (height, width))
        inner = super().plan(height + 2 * top, width + 2 * left, input_size)
        return Plan((height, width), inner.resized, (left, left, top, top), pads_first=True)

    def attach(self, device: Any, processor: str) -> None:
        super().attach(device, processor)
        plain = {**self.settings, 'do_normalize': False}
        self._rescale = preprocess.Normaliser(plain, self.style, device)

    def prepare(self, images: Any, plan: Plan) -> Any:
        import torch.nn.functional as F

        pixels = self._rescale(images).contiguous()
        if any(plan.padding):
            pixels = F.pad(pixels, plan.padding, mode='reflect')
        mode = preprocess.MODES[self.settings['resample']]
        pixels = F.interpolate(pixels, plan.resized, mode=mode, align_corners=True)
        if self.settings['do_normalize']:
            shape = (1, 3, 1, 1)
            pixels = pixels - pixels.new_tensor(self.settings['image_mean']).view(shape)
            pixels /= pixels.new_tensor(self.settings['image_std']).view(shape)
        return pixels

    def finish(self, outputs: Any, plan: Plan, cameras: Sequence[Camera] | None) -> Any:
        height, width = plan.source
        left, right, top, bottom = plan.padding
        padded = (height + top + bottom, width + left + right)
        depth = preprocess.upsample(outputs['predicted_depth'], padded, 'bicubic', False)
        return depth[:, top : top + height, left : left + width]


def _entry(place: str, reach: float, words: str, parameters: int) -> Entry:
    return Entry(
        source=published(f'Intel/zoedepth-{place}'),
        kind=DepthKind.METRIC,
        licence='MIT',
        commercial=True,
        description=words,
        size=384,
        multiple=32,
        parameters=parameters,
        depth_range=(0.001, reach),
    )


ADAPTER = ZoeDepth
FAMILY = transformers_family(
    ZoeDepth,
    {
        'zoedepth-nyu': _entry('nyu', 10.0, 'metres in rooms', 345_000_000),
        'zoedepth-kitti': _entry('kitti', 80.0, 'metres on roads', 345_000_000),
        'zoedepth-nyu-kitti': _entry(
            'nyu-kitti', 80.0, 'metres; finds out by itself whether indoors', 347_000_000
        ),
    },
)
