# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""DPT: MiDaS 3 and 3.1 in its backbones, and the DINOv2 heads for NYU and KITTI."""

from __future__ import annotations

from depth_ros.models.mono.hf.adapter import Adapter
from depth_ros.models.mono.hf.model import transformers_family
from depth_ros.models.mono.hf.revisions import published
from depth_ros.models.weights.catalogue import Entry
from depth_ros.types import DepthKind


class Dpt(Adapter):
    """
    One architecture, two meanings, and a configuration that is silent about them.

    The decoders that MiDaS has (ViT, hybrid, BEiT, Swin V2, without a projection before the
    head) are taken for what they were published as, affine-invariant inverse depth: nothing can
    become metres by that. Anything else, such as a DINOv2 backbone, was also trained for metres
    with the same head, so the kind must be stated.
    """

    model_type = 'dpt'
    tail = ('head.head.4',)
    unsaid = (
        'a DPT configuration does not say what the numbers mean, and this backbone was trained '
        'both for metres and for relative depth'
    )
    _MIDAS_BACKBONES = ('bit', 'beit', 'swinv2')

    @property
    def multiple(self) -> int:
        backbone = self.config.backbone_config
        if getattr(backbone, 'model_type', '') not in ('', *self._MIDAS_BACKBONES):
            return int(backbone.patch_size)
        return 32

    def kind(self) -> DepthKind | None:
        backbone = getattr(self.config.backbone_config, 'model_type', None)
        midas = backbone is None or backbone in self._MIDAS_BACKBONES
        if midas and not self.config.add_projection:
            return DepthKind.AFFINE_INVERSE
        return None


def _midas(
    repository: str,
    size: int,
    parameters: int,
    licence: str,
    words: str,
) -> Entry:
    return Entry(
        source=published(repository),
        kind=DepthKind.AFFINE_INVERSE,
        licence=licence,
        commercial=True,
        description=words,
        size=size,
        multiple=32,
        parameters=parameters,
    )


def _dinov2(size: str, place: str, parameters: int) -> Entry:
    reach = 10.0 if place == 'nyu' else 80.0
    return Entry(
        source=published(f'facebook/dpt-dinov2-{size}-{place}'),
        kind=DepthKind.METRIC,
        licence='Apache-2.0',
        commercial=True,
        description=f'DINOv2 head in metres, {"rooms" if place == "nyu" else "roads"}',
        size=0,  # the image's own, padded to the multiple
        multiple=14,
        parameters=parameters,
        depth_range=(0.0, reach),
    )


ENTRIES = {
    'dpt-large': _midas(
        'Intel/dpt-large',
        384,
        343_000_000,
        'Apache-2.0',
        'MiDaS 3.0, ViT-L; square input',
    ),
    'dpt-hybrid-midas': _midas(
        'Intel/dpt-hybrid-midas',
        384,
        123_000_000,
        'Apache-2.0',
        'MiDaS 3.0, ResNet + ViT-B',
    ),
    'dpt-beit-large-512': _midas(
        'Intel/dpt-beit-large-512', 512, 345_000_000, 'MIT', 'MiDaS 3.1, the most accurate'
    ),
    'dpt-beit-large-384': _midas(
        'Intel/dpt-beit-large-384', 384, 344_000_000, 'MIT', 'MiDaS 3.1, BEiT-L'
    ),
    'dpt-beit-base-384': _midas(
        'Intel/dpt-beit-base-384', 384, 112_000_000, 'MIT', 'MiDaS 3.1, BEiT-B'
    ),
    'dpt-swinv2-large-384': _midas(
        'Intel/dpt-swinv2-large-384', 384, 213_000_000, 'MIT', 'MiDaS 3.1, Swin V2-L'
    ),
    'dpt-swinv2-base-384': _midas(
        'Intel/dpt-swinv2-base-384', 384, 102_000_000, 'MIT', 'MiDaS 3.1, Swin V2-B'
    ),
    'dpt-swinv2-tiny-256': _midas(
        'Intel/dpt-swinv2-tiny-256', 256, 42_000_000, 'MIT', 'MiDaS 3.1, the fastest'
    ),
    **{
        f'dpt-dinov2-{size}-{place}': _dinov2(size, place, parameters)
        for size, parameters in (
            ('small', 37_000_000),
            ('base', 112_000_000),
            ('large', 342_000_000),
            ('giant', 1_200_000_000),
        )
        for place in ('nyu', 'kitti')
    },
}

ADAPTER = Dpt
FAMILY = transformers_family(Dpt, ENTRIES)
