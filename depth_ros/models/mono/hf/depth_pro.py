# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth Pro: sharp metric depth that takes the camera's focal length, or estimates one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from depth_ros.models.engine import images as preprocess
from depth_ros.models.mono.hf.adapter import Adapter, Plan
from depth_ros.models.mono.hf.model import transformers_family
from depth_ros.models.mono.hf.revisions import published
from depth_ros.models.protocol import ModelError
from depth_ros.models.weights.catalogue import Entry
from depth_ros.types import Camera, DepthKind


class DepthPro(Adapter):
    """The network gives inverse depth at a focal length of one image width."""

    model_type = 'depth_pro'
    tail = ('head.layers.4', 'fov_model.head')
    defaults: ClassVar = {
        'size': {'height': 1536, 'width': 1536},
        'resample': preprocess.BILINEAR,
    }
    resizable = False
    has_pillow = False
    uses_focal = True

    def kind(self) -> DepthKind | None:
        return DepthKind.METRIC

    def depth_range(self) -> tuple[float, float] | None:
        return 1e-4, 1e4

    def spare(self, network: Any, use_camera: bool) -> None:
        """Leave out the field-of-view network where the camera says the focal length."""
        if use_camera:
            network.use_fov_model = False
            network.fov_model = None
        elif not network.use_fov_model:
            raise ModelError(
                'this Depth Pro checkpoint has no field-of-view head, so it cannot estimate a '
                'focal length; set focal to camera'
            )

    def prepare(self, images: Any, plan: Plan) -> Any:
        import torch.nn.functional as F

        pixels = self.normalise(images).contiguous()
        mode = preprocess.MODES[self.settings['resample']]
        return F.interpolate(pixels, plan.resized, mode=mode, align_corners=False)

    def finish(self, outputs: Any, plan: Plan, cameras: Sequence[Camera] | None) -> Any:
        import torch

        inverse = outputs['predicted_depth']
        if cameras is not None:
            # width / fx is what the field of view would have given: 2 tan(fov / 2)
            ratio = torch.tensor([plan.source[1] / c.fx for c in cameras], dtype=torch.float32).to(
                inverse.device, non_blocking=True
            )
        else:
            degrees = outputs['field_of_view'].reshape(-1)
            ratio = 2 * torch.tan(degrees * (math.pi / 360))
        inverse = inverse * ratio[:, None, None]
        mode = preprocess.MODES[self.settings['resample']]
        inverse = preprocess.upsample(inverse, plan.source, mode, False)
        # Half precision can overflow: an infinite inverse is no surface in front of the lens.
        inverse = inverse.masked_fill(~inverse.isfinite(), torch.nan)
        return 1 / inverse.clamp(1e-4, 1e4)


ADAPTER = DepthPro
FAMILY = transformers_family(
    DepthPro,
    {
        'depth-pro': Entry(
            source=published('apple/DepthPro-hf'),
            kind=DepthKind.METRIC,
            licence='Apple AMLR (research only)',
            commercial=False,
            description='the sharpest edges, in metres with the focal length of the camera; slow',
            size=1536,
            multiple=1536,
            parameters=952_000_000,
            depth_range=(1e-4, 1e4),
        )
    },
)
