# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Learn for who tells the ground without forgetting for who does not.

What a network answers with nothing told was chosen by real pictures, of which there are none to
learn from; what it could answer with the ground told needs the same inner weights. So these move
on, and are held to what the first weights say of the same pictures with the ground left out (Li
and Hoiem, Learning without Forgetting, 2017).
"""

from __future__ import annotations

import torch
from torch import Tensor

from depth_ros.lab.train.features import vary_features
from depth_ros.lab.train.losses import laplace_divergence
from depth_ros.models.networks.builtin.network import PICTURE, Answer, CompactDepth

# Stages before this see how things look. They stay: the looks of real things are not at hand.
INNER = 2
SHARE = 3 / 8  # of a batch is looked at again with nothing told


class Kept:
    """What a network said before it learned; and its inner parts, which may move from now on."""

    def __init__(self, network: CompactDepth, first: CompactDepth, features: float) -> None:
        self.first = first.eval().requires_grad_(False)
        if features:
            vary_features(self.first, features)
        for part in (*network.stages[INNER:], network.context, network.ups):
            part.requires_grad_(True)

    def loss(self, network: CompactDepth, inputs: Tensor, dtype: torch.dtype, seed: int) -> Tensor:
        """Return how far the network has gone from its first answers; leaves it in `eval` mode."""
        some = inputs[: max(1, round(SHARE * len(inputs)))].clone()
        some[:, PICTURE:] = 0
        some = some.to(memory_format=torch.channels_last)

        def answer(network: CompactDepth) -> Answer:
            torch.manual_seed(seed)  # both see a picture's features vary alike
            network.eval()
            with torch.autocast(some.device.type, dtype, enabled=dtype is not torch.float32):
                said: Answer = network(some)
            return said

        with torch.no_grad():
            before = answer(self.first)
        now = answer(network)
        return laplace_divergence(before.log_depth, before.log_error, now.log_depth, now.log_error)
