# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Keep predictions without a ground while the network learns from a known ground.

Both kinds of prediction share the inner weights. Those train on, and a loss holds the predictions
without a ground to those of the first weights on the same images (Li and Hoiem, Learning without
Forgetting, 2017).
"""

from __future__ import annotations

import torch
from torch import Tensor

from depth_ros.lab.train.features import vary_features
from depth_ros.lab.train.losses import laplace_divergence
from depth_ros.models.networks.builtin.network import IMAGE_CHANNELS, Answer, CompactDepth

# Stages before this stay frozen: they encode the appearance of real images, and the run has none.
INNER = 2
SHARE = 3 / 8  # of a batch is predicted again without its ground


class Anchor:
    """The first weights, as a reference; makes the inner parts of the network trainable."""

    def __init__(self, network: CompactDepth, first: CompactDepth, features: float) -> None:
        self.first = first.eval().requires_grad_(False)
        if features:
            vary_features(self.first, features)
        for part in (*network.stages[INNER:], network.context, network.ups):
            part.requires_grad_(True)

    def loss(self, network: CompactDepth, inputs: Tensor, dtype: torch.dtype, seed: int) -> Tensor:
        """Return the distance from the first predictions; leaves the network in `eval` mode."""
        some = inputs[: max(1, round(SHARE * len(inputs)))].clone()
        some[:, IMAGE_CHANNELS:] = 0
        some = some.to(memory_format=torch.channels_last)

        def answer(network: CompactDepth) -> Answer:
            torch.manual_seed(seed)  # both draw the same variation of features
            network.eval()
            with torch.autocast(some.device.type, dtype, enabled=dtype is not torch.float32):
                prediction: Answer = network(some)
            return prediction

        with torch.no_grad():
            before = answer(self.first)
        now = answer(network)
        return laplace_divergence(before.log_depth, before.log_error, now.log_depth, now.log_error)
