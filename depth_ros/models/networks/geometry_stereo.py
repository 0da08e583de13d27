# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What IGEV-Stereo, IGEV++ and RT-IGEV++ share beside the steps of `RecurrentStereo`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from depth_ros.models.networks.conv_gru import GruPyramid, GruWeights
from depth_ros.models.networks.cost_volume import groupwise_volume
from depth_ros.models.networks.disparity import convex_upsample, expectation, precise
from depth_ros.models.networks.geometry_encoding import (
    GROUPS,
    ConvNorm,
    FeaturePyramid,
    UpJoin,
    stem,
)
from depth_ros.models.networks.normalisation import arranged_for
from depth_ros.models.networks.recurrent_stereo import (
    DisparityEncoder,
    DisparityHead,
    RecurrentStereo,
    Scene,
)
from depth_ros.models.networks.timm_blocks import Backbone
from depth_ros.models.networks.volume_convolution import VolumeConvolution

FACTOR = 4  # how much smaller the images of the steps are
MULTIPLE = 32  # of the sides of the input
STEM_HALF, STEM_QUARTER = 32, 48  # channels of the stems


@dataclass(frozen=True)
class GeometryScene(Scene):
    """What is computed of a pair once."""

    half: Tensor  # features of the left image at 1/2 of the size, for the upsampling
    quarter: Tensor  # and at 1/4
    weights: list[GruWeights]


class Matched(NamedTuple):
    """Features of both images, and their matching volume."""

    features: list[Tensor]  # of the left image at 1/4, 1/8, 1/16 and 1/32 of the size
    half: Tensor  # of the left image at 1/2 of the size
    left: Tensor  # to be matched, at 1/4 of the size
    right: Tensor
    volume: Tensor  # (batch, groups, disparities, height / 4, width / 4)


class GeometryUpdate(GruPyramid):
    """
    The recurrent units, what they take in and what is read from them.

    :param encoder: of what was looked up, with `inputs` channels.
    :param head: channels of the layer that predicts the change of disparity.
    :param mask: channels that the units give to the upsampling.
    """

    def __init__(
        self,
        names: Sequence[str],
        hidden: Sequence[int],
        encoder: DisparityEncoder,
        inputs: int,
        head: int,
        mask: int,
    ) -> None:
        super().__init__(names, hidden, inputs)
        self.encoder = encoder
        self.disp_head = DisparityHead(hidden[0], head)
        self.mask_feat_4 = nn.Sequential(
            nn.Conv2d(hidden[0], mask, 3, padding=1), nn.ReLU(inplace=True)
        )

    def step(
        self, scene: GeometryScene, hidden: list[Tensor], disparity: Tensor, seen: Tensor
    ) -> tuple[list[Tensor], Tensor]:
        """Return the hidden states after a step, and what to add to disparity."""
        hidden = self.update(hidden, scene.weights, inputs=self.encoder(disparity, seen))
        return hidden, self.disp_head(hidden[0])


class GeometryStereo(RecurrentStereo):
    """
    See `RecurrentStereo` for input and output.

    :param backbone: of the features that are matched.
    :param disparities: planes of the matching volume.
    :param update: the recurrent units, which give `mask` channels to the upsampling.
    :param spread: channels of the features that upsample the first disparity.
    :param norm: of the layers that upsample, batch or instance.
    """

    def __init__(
        self,
        backbone: Backbone,
        disparities: int,
        update: GeometryUpdate,
        mask: int,
        spread: int,
        norm: str,
        iterations: int,
        correlation: str = 'auto',
    ) -> None:
        super().__init__(FACTOR, MULTIPLE, iterations, correlation)
        self.disparities = disparities
        self.update_block = update
        self.feature = FeaturePyramid(backbone)
        self.stem_2 = stem(3, STEM_HALF)
        self.stem_4 = stem(STEM_HALF, STEM_QUARTER)
        finest = self.feature.channels[0] + STEM_QUARTER
        self.channels = (finest, *self.feature.channels[1:])
        self.spx = nn.Sequential(nn.ConvTranspose2d(2 * STEM_HALF, 9, 4, 2, 1))
        self.spx_2 = UpJoin(spread, STEM_HALF, 'instance')
        self.spx_4 = stem(finest, spread, stride=1)
        self.spx_2_gru = UpJoin(mask, STEM_HALF, norm)
        self.spx_gru = nn.Sequential(nn.ConvTranspose2d(2 * STEM_HALF, 9, 4, 2, 1))
        self.conv = ConvNorm(finest, finest, 3, norm='instance')
        self.desc = nn.Conv2d(finest, finest, 1)
        self.classifier = VolumeConvolution(GROUPS, 1)

    def matched(self, left: Tensor, right: Tensor) -> Matched:
        """Return what the filtering of the matching volume starts from."""
        batch = left.shape[0]
        both = arranged_for('instance', torch.cat([left, right]))
        features = self.feature(both)
        half = self.stem_2(both)
        quarter = torch.cat([features[0], self.stem_4(half)], 1)
        descriptors = self.desc(self.conv(quarter))
        matched = descriptors[:batch], descriptors[batch:]
        return Matched(
            [quarter[:batch], *(scale[:batch] for scale in features[1:])],
            half[:batch],
            *matched,
            groupwise_volume(*matched, self.disparities, GROUPS),
        )

    def mean_disparity(self, volume: Tensor) -> Tensor:
        """Return the mean plane (batch, 1, height / 4, width / 4) of a filtered volume."""
        return expectation(self.classifier(volume).squeeze(1))

    def upsample(self, scene: Any, hidden: list[Tensor], disparity: Tensor) -> Tensor:
        """Return disparity at the size of the input, in its pixels."""
        mask = self.update_block.mask_feat_4(hidden[0])
        logits = self.spx_gru(self.spx_2_gru(mask, scene.half))
        return _upsampled(disparity, logits)

    def upsample_first(self, scene: Any, disparity: Tensor) -> Tensor:
        """Return a disparity from before the first step at the size of the input."""
        logits = self.spx(self.spx_2(self.spx_4(scene.quarter), scene.half))
        return _upsampled(disparity, logits)

    def first_predictions(self, scene: Any) -> list[Tensor]:
        """Return the disparity that the steps start from at the size of the input."""
        return [self.upsample_first(scene, scene.start)]


def _upsampled(disparity: Tensor, logits: Tensor) -> Tensor:
    return convex_upsample(FACTOR * disparity, precise(logits).softmax(1), FACTOR)
