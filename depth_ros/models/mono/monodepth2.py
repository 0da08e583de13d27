# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Monodepth2 (2019): learned from video, from pairs, or from both, without any labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from depth_ros.models.engine import images as preprocess
from depth_ros.models.mono.network_adapter import UNIT, NetworkAdapter, Sizes, one_camera
from depth_ros.models.mono.network_model import Published, network_family
from depth_ros.models.weights.catalogue import Entry
from depth_ros.models.weights.source import Url
from depth_ros.types import DepthKind

STORE = 'https://storage.googleapis.com/niantic-lon-static/research/monodepth2/'
FEWEST = 2  # multiples of 32 per side: borders are mirrored, and one pixel has no mirror image
METRES = 5.4  # KITTI's baseline of 0.54 m was 0.1 in training


class Monodepth2(NetworkAdapter):
    """
    Depth is 1 / (1/100 + (10 - 1/100) sigmoid), in units of the training.

    Trained with pairs these units are 5.4 m; trained with video alone their scale is unknown.
    """

    family = 'monodepth2'
    module = 'monodepth2'
    outputs = ('disp0',)
    tail = ('depth.decoder.10',)
    pixels = UNIT
    fewest = FEWEST

    def variant_config(self) -> Any:
        networks = self.networks()
        return networks.RESNET50 if self.variant == 'resnet50' else networks.RESNET18

    def values(self, outputs: Mapping[str, Any], height: int, width: int) -> Any:
        """Return depth in metres, or in units of the training."""
        disparity = outputs['disp0'][:, 0]
        disparity = preprocess.upsample(disparity, (height, width), 'bilinear', False)
        depth = self.networks().depth(disparity, self.config())
        return depth * float(self.facts.get('unit', 1.0))


def _published(mode: str, width: int, height: int, variant: str = 'resnet18') -> Published:
    pairs = 'stereo' in mode
    learned = {'mono': 'video', 'stereo': 'pairs', 'mono+stereo': 'video and pairs'}
    words = f'learned from {learned[mode.split("_")[0]]}'
    file = quote(f'{mode}_{width}x{height}.zip')
    sizes = Sizes(width, height, fewest=FEWEST)
    focal = round(721.5377 * width / 1242, 1)
    entry = Entry(
        source=Url(STORE + file),
        kind=DepthKind.METRIC if pairs else DepthKind.SCALE_INVARIANT,
        licence='Monodepth2 licence, non-commercial',
        commercial=False,
        description=f'{words}; {"metres on roads" if pairs else "relative depth on roads"}',
        size=width,
        multiple=32,
        parameters=14_300_000 if variant == 'resnet18' else 32_500_000,
        depth_range=(0.1 * METRES, 100.0 * METRES) if pairs else None,
        training_focal=focal if pairs else 0.0,
        caution=one_camera(sizes, focal) if pairs else '',
    )
    return Published(entry, sizes, variant, {'unit': METRES} if pairs else {})


PUBLISHED = {
    **{
        f'monodepth2-{mode.replace("+", "-")}-{width}x{height}': _published(mode, width, height)
        for mode in ('mono', 'stereo', 'mono+stereo')
        for width, height in ((640, 192), (1024, 320))
    },
    'monodepth2-mono-resnet50-640x192': _published('mono_resnet50', 640, 192, 'resnet50'),
}
FAMILY = network_family(
    Monodepth2, PUBLISHED, parts={'encoder.pth': 'encoder.', 'depth.pth': 'depth.'}
)
