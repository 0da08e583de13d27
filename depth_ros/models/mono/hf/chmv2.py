# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""CHMv2: DINOv3 with a DPT head over bins, published for the height of trees seen from above."""

from __future__ import annotations

from typing import ClassVar

from depth_ros.models.mono.hf.adapter import Adapter
from depth_ros.types import DepthKind


class Chmv2(Adapter):
    """Its metres are canopy height unless trained otherwise, so the kind must be stated."""

    model_type = 'chmv2'
    tail = ('head.conv_depth.head.4',)
    defaults: ClassVar = {
        'do_resize': False,
        'do_pad': True,
        'image_mean': (0.420, 0.411, 0.296),
        'image_std': (0.213, 0.156, 0.143),
        'ensure_multiple_of': 16,
        'keep_aspect_ratio': True,
        'size_divisor': 16,
    }
    unsaid = (
        'a CHMv2 configuration gives a range in metres that, as published, is the height of '
        'trees seen from above and not a distance from the camera'
    )
    upsampling = 'bilinear'
    has_pillow = False
    align_corners = True

    @property
    def multiple(self) -> int:
        return int(self.config.patch_size)

    def kind(self) -> DepthKind | None:
        return None

    def depth_range(self) -> tuple[float, float] | None:
        return float(self.config.min_depth), float(self.config.max_depth)


ADAPTER = Chmv2
