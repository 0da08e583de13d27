# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""TIPSv2 with a DPT head over bins in metres."""

from __future__ import annotations

from typing import ClassVar

from depth_ros.models.engine import images as preprocess
from depth_ros.models.mono.hf.adapter import Adapter
from depth_ros.types import DepthKind


class Tipsv2(Adapter):
    """Its configuration documents the range of the bins as metres."""

    model_type = 'tipsv2_dpt'
    tail = ('decoder.head',)
    defaults: ClassVar = {
        'resample': preprocess.BILINEAR,
        'size': {'height': 448, 'width': 448},
        'do_normalize': False,
    }
    upsampling = 'bilinear'
    has_pillow = False

    @property
    def multiple(self) -> int:
        patch = self.config.backbone_config.patch_size
        return int(patch if isinstance(patch, int) else patch[0])

    def kind(self) -> DepthKind | None:
        return DepthKind.METRIC

    def depth_range(self) -> tuple[float, float] | None:
        return float(self.config.min_depth), float(self.config.max_depth)


ADAPTER = Tipsv2
