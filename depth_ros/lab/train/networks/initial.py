# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Random weights from which a network can learn at all."""

from __future__ import annotations

from torch import nn

PLAIN = ('eigen2014', 'monodepth')  # families whose layers have no normalisation
OUTPUTS = 2  # channels of a layer up to which it is one that predicts, and starts small


def scale_plain_layers(network: nn.Module) -> None:
    """
    Draw the weights of inner convolutions anew, so that an output varies as much as the input.

    The default of torch shrinks it at every layer. With normalisation that does not matter; a
    dozen layers without it answer the same to every image, and hardly learn.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.out_channels > OUTPUTS:
            nn.init.kaiming_normal_(module.weight, nonlinearity='relu')
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def start_above_zero(network: nn.Module) -> None:
    """Let the last layer, behind which a ReLU stands, predict 1: below 0 it has no gradient."""
    last = [m for m in network.modules() if isinstance(m, nn.Conv2d)][-1]
    if last.out_channels != 1 or last.bias is None:
        raise ValueError('the last convolution is not the one that predicts')
    nn.init.ones_(last.bias)
