# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth Anything V1 and V2: relative in every size, metric indoors and outdoors for V2."""

from __future__ import annotations

from typing import ClassVar

from depth_ros.models.engine.images import IMAGENET
from depth_ros.models.mono.hf.adapter import Adapter
from depth_ros.models.mono.hf.model import transformers_family
from depth_ros.models.mono.hf.revisions import published
from depth_ros.models.weights.catalogue import Entry
from depth_ros.types import DepthKind


class DepthAnything(Adapter):
    """The kind follows from the head: `relative` ends in ReLU, `metric` in sigmoid x max_depth."""

    model_type = 'depth_anything'
    tail = ('head.conv3',)
    published: ClassVar = {
        **IMAGENET,
        'size': {'height': 518, 'width': 518},
        'keep_aspect_ratio': True,
        'ensure_multiple_of': 14,
    }

    @property
    def multiple(self) -> int:
        return int(self.config.patch_size)

    def kind(self) -> DepthKind | None:
        said = self.config.depth_estimation_type
        return DepthKind.METRIC if said == 'metric' else DepthKind.AFFINE_INVERSE

    def depth_range(self) -> tuple[float, float] | None:
        if self.kind() is DepthKind.METRIC:
            return 0.0, float(self.config.max_depth)
        return None


# Base and large are non-commercial in V2, small is not; V1 is Apache throughout.
_PARAMETERS = {'small': 24_800_000, 'base': 97_500_000, 'large': 335_300_000}
_APACHE, _NON_COMMERCIAL = ('Apache-2.0', True), ('CC-BY-NC-4.0', False)

# Both metric sets were trained on renderings of one camera each, the short side resized to 518:
# Hypersim is 1024x768 with f = 886.81 px, Virtual KITTI 2 is 1242x375 with f = 725.0087 px.
_HYPERSIM_FOCAL = 886.81 * 518 / 768
_VKITTI_FOCAL = 725.0087 * 518 / 375


def _entries() -> dict[str, Entry]:
    entries = {}
    for size, parameters in _PARAMETERS.items():
        licence, commercial = _APACHE if size == 'small' else _NON_COMMERCIAL
        entries[f'depth-anything-{size}'] = Entry(
            source=published(f'LiheYoung/depth-anything-{size}-hf'),
            kind=DepthKind.AFFINE_INVERSE,
            licence='Apache-2.0',
            commercial=True,
            description='V1: relative depth of anything; V2 has finer edges',
            size=518,
            multiple=14,
            parameters=parameters,
        )
        entries[f'depth-anything-v2-{size}'] = Entry(
            source=published(f'depth-anything/Depth-Anything-V2-{size.title()}-hf'),
            kind=DepthKind.AFFINE_INVERSE,
            licence=licence,
            commercial=commercial,
            description='V2: sharp relative depth of anything',
            size=518,
            multiple=14,
            parameters=parameters,
        )
        for place, reach, focal in (
            ('indoor', 20.0, _HYPERSIM_FOCAL),
            ('outdoor', 80.0, _VKITTI_FOCAL),
        ):
            name = f'depth-anything-v2-metric-{place}-{size}'
            entries[name] = Entry(
                source=published(
                    f'depth-anything/Depth-Anything-V2-Metric-{place.title()}-{size.title()}-hf'
                ),
                kind=DepthKind.METRIC,
                licence=licence,
                commercial=commercial,
                description=f'V2 in metres, {place}, up to {reach:g} m',
                size=518,
                multiple=14,
                parameters=parameters,
                depth_range=(0.0, reach),
                training_focal=round(focal, 1),
            )
    return entries


ADAPTER = DepthAnything
FAMILY = transformers_family(DepthAnything, _entries())
