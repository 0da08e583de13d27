# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth Anything V1 and V2: relative in every size, metric indoors and outdoors for V2."""

from __future__ import annotations

from depth_ros.models.adapter import Adapter
from depth_ros.models.transformers_model import transformers_family
from depth_ros.types import DepthKind

IMAGENET = {'image_mean': (0.485, 0.456, 0.406), 'image_std': (0.229, 0.224, 0.225)}


class DepthAnything(Adapter):
    """The head says what it is: `relative` ends in ReLU, `metric` in sigmoid x max_depth."""

    model_type = 'depth_anything'

    @property
    def multiple(self) -> int:
        return max(super().multiple, int(self.config.patch_size))

    def kind(self) -> DepthKind | None:
        said = self.config.depth_estimation_type
        return DepthKind.METRIC if said == 'metric' else DepthKind.AFFINE_INVERSE

    def depth_range(self) -> tuple[float, float] | None:
        if self.kind() is DepthKind.METRIC:
            return 0.0, float(self.config.max_depth)
        return None


ADAPTER = DepthAnything
FAMILY = transformers_family({})
