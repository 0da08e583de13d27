# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""GLPN: small, fast metric depth for rooms (NYU) or roads (KITTI)."""

from __future__ import annotations

from typing import ClassVar

from depth_ros.models.engine import images as preprocess
from depth_ros.models.mono.hf.adapter import Adapter
from depth_ros.models.mono.hf.model import transformers_family
from depth_ros.models.mono.hf.revisions import published
from depth_ros.models.weights.catalogue import Entry
from depth_ros.types import DepthKind


class Glpn(Adapter):
    """The image keeps its size, rounded down to the multiple; sigmoid x max_depth."""

    model_type = 'glpn'
    tail = ('head.head.2',)
    defaults: ClassVar = {
        'resample': preprocess.BILINEAR,
        'do_normalize': False,
        'size_divisor': 32,
    }

    @property
    def multiple(self) -> int:
        return int(self.settings['size_divisor'])

    def own_size(self, height: int, width: int) -> tuple[int, int]:
        multiple = self.multiple
        return height // multiple * multiple, width // multiple * multiple

    def kind(self) -> DepthKind | None:
        return DepthKind.METRIC

    def depth_range(self) -> tuple[float, float] | None:
        return 0.0, float(self.config.max_depth)


def _entry(place: str, reach: float, focal: float, words: str) -> Entry:
    return Entry(
        source=published(f'vinvino02/glpn-{place}'),
        kind=DepthKind.METRIC,
        licence='Apache-2.0 on its card; the original code is for research',
        commercial=False,
        description=words,
        size=0,  # the image's own
        multiple=32,
        parameters=61_000_000,
        depth_range=(0.0, reach),
        training_focal=focal,
    )


ADAPTER = Glpn
FAMILY = transformers_family(
    Glpn,
    {
        # Trained on crops at full resolution, so the focal length is that of the camera itself.
        'glpn-nyu': _entry('nyu', 10.0, 518.9, 'metres in rooms, small'),
        'glpn-kitti': _entry('kitti', 80.0, 721.5, 'metres on roads, small'),
    },
)
