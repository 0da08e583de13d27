# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Change how an image looks where the network sees it: in its first features.

Colours and light can be varied in the image itself, but how real surfaces, lenses and sensors
differ from rendered ones cannot be written down. Much of it shows as another mean and another
contrast of each early feature, so these are varied at random while the network learns (Fan and
others, Normalization Perturbation, 2022). Where things are in the image stays as it was.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from depth_ros.models.networks.builtin.network import BuiltinNetwork

SHARE = 0.5  # of images; the others stay as they are, as all will be when the network is used


def vary_statistics(features: Tensor, amount: float) -> Tensor:
    """Return (batch, channels, height, width) with other means and contrasts per channel."""
    factors = 1 + amount * torch.randn(2, *features.shape[:2], 1, 1, device=features.device)
    varied = torch.rand(len(features), 1, 1, 1, device=features.device) < SHARE
    contrast, level = torch.where(varied, factors, torch.ones_like(factors))
    mean = features.mean((2, 3), keepdim=True)
    return (contrast * features + (level - contrast) * mean).to(features.dtype)


def vary_features(network: BuiltinNetwork, amount: float) -> None:
    """
    From now on let the network vary its first features.

    It is for one that learns; the one that is used is the average of its weights.
    """

    def hook(_: nn.Module, __: Any, features: Tensor) -> Tensor:
        return vary_statistics(features, amount)

    # Farther in, features say what is there, not how it looks.
    for module in network.encoder.blocks[:2]:
        module.register_forward_hook(hook)
