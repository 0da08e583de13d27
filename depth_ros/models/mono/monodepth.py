# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Monodepth (2017): learned from stereo pairs alone; the disparity of a pair it imagines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from depth_ros.models.mono.network_adapter import UNIT, NetworkAdapter, Sizes
from depth_ros.models.mono.network_model import Published, network_family
from depth_ros.models.mono.values import cleaned
from depth_ros.models.weights.catalogue import Entry
from depth_ros.models.weights.source import Url
from depth_ros.types import Camera, DepthKind, FloatImage

STORE = 'http://visual.cs.ucl.ac.uk/pubs/monoDepth/models/'
SIZES = {'vgg': Sizes(512, 256, 128, 'fixed'), 'resnet50': Sizes(512, 256, 64, 'fixed')}
BORDER = 0.05  # share of the width at which only one of two mirrored results is right
ALIKE = 0.05  # relative difference from the rig up to which a camera is taken for its camera


@dataclass(frozen=True)
class Rig:
    """The rig of the pairs that a network learned from."""

    focal: float  # along x, as a share of the width of the image
    aspect: float  # height of the image over its width
    baseline: float  # metres

    def has(self, camera: Camera) -> bool:
        """Return whether a camera sees as that of the rig does."""
        shares = (
            camera.fx / camera.width / self.focal,
            camera.fy / camera.width / self.focal,
            camera.height / camera.width / self.aspect,
        )
        return all(abs(share - 1) <= ALIKE for share in shares)


KITTI = Rig(721.5377 / 1242, 375 / 1242, 0.54)


class Monodepth(NetworkAdapter):
    """
    Every image is squeezed into the size of training; disparity is a share of the width.

    The share becomes metres by focal length and baseline of the rig that the network learned
    from, so there are metres for images of such a camera only. For any other camera depth has
    an unknown scale.
    """

    family = 'monodepth'
    module = 'monodepth'
    outputs = ('disp1',)
    pixels = UNIT
    multiple = 128
    rule = 'fixed'

    @property
    def tail(self) -> tuple[str, ...]:  # type: ignore[override]
        """The last of the decoder's convolutions, which the last step but one does not use."""
        steps = 7 if self.config().encoder == 'vgg' else 6
        return (f'decoder.convs.{2 * steps + 4 - 1}',)

    @property
    def rig(self) -> Rig | None:
        """The rig that gives metres, where there is one."""
        return Rig(**self.facts['rig']) if 'rig' in self.facts else None

    def variant_config(self) -> Any:
        networks = self.networks()
        return networks.VGG if self.variant == 'vgg' else networks.RESNET50

    def values(self, outputs: Mapping[str, Any], height: int, width: int) -> Any:
        return self.networks().disparity_share(outputs['disp1'], height, width)

    def averaged(self, values: Any, mirrored: Any) -> Any:
        """
        Return the mean, but at the left only the mirrored one and at the right only the plain one.

        A network of the left image cannot know what the right one hides at the left border.
        """
        import torch

        width = values.shape[-1]
        x = (torch.arange(width, device=values.device, dtype=values.dtype) + 0.5) / width
        plain = (x / BORDER - 1).clamp(0, 1)  # 0 at the left, from where it rises
        other = plain.flip(0)
        return (plain * values + other * mirrored) / (plain + other)

    def meaning(
        self, values: FloatImage, camera: Camera, size: tuple[int, int], training_focal: float
    ) -> tuple[DepthKind, FloatImage]:
        rig = self.rig
        with np.errstate(divide='ignore'):
            inverse = np.float32(1) / values
        if rig is None or not rig.has(camera):
            kind = DepthKind.SCALE_INVARIANT
            return kind, cleaned(inverse, kind)
        kind = DepthKind.METRIC
        return kind, cleaned(inverse, kind, camera.fx / camera.width * rig.baseline)


def _published(model: str, encoder: str) -> Published:
    metric = model != 'cityscapes'
    words = 'learned from pairs; metres on cameras like those of KITTI, else relative depth'
    entry = Entry(
        source=Url(f'{STORE}model_{model}{"_resnet" if encoder == "resnet50" else ""}.zip'),
        kind=DepthKind.SCALE_INVARIANT,
        licence='UCLB ACP-A, non-commercial',
        commercial=False,
        description=words if metric else 'learned from pairs; relative depth on roads',
        size=512,
        multiple=SIZES[encoder].multiple,
        parameters=31_600_000 if encoder == 'vgg' else 58_500_000,
    )
    facts = {'rig': vars(KITTI)} if metric else {}
    return Published(entry, SIZES[encoder], encoder, facts)


MODELS = ('kitti', 'eigen', 'cityscapes', 'city2kitti', 'city2eigen')
FAMILY = network_family(
    Monodepth,
    {
        f'monodepth-{model}{"" if encoder == "vgg" else "-resnet50"}': _published(model, encoder)
        for model in MODELS
        for encoder in SIZES
    },
)
