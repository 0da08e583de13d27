# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth Anything 3 small enough for tests: every part of it, few channels."""

import os
from pathlib import Path

import pytest
import torch

from depth_ros.models.networks.depth_anything_3.configurations import (
    Backbone,
    Configuration,
    Head,
    NestedConfiguration,
)
from depth_ros.models.networks.depth_anything_3.network import build

REPOSITORY = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get('DEPTH_ROS_SHARED', REPOSITORY.parent / 'shared'))

OUTPUTS = (2, 3, 4, 5)
STAGES = (8, 8, 16, 16)
ACROSS = Backbone(64, 6, 2, OUTPUTS, across_from=2, normalised_from=2, rotated_from=2, joined=True)
GATED = Backbone(
    64, 6, 2, OUTPUTS, gated=True, across_from=3, normalised_from=3, rotated_from=3, joined=True
)
ANY_VIEW = Configuration(ACROSS, Head('rays', 16, STAGES), cameras=True)
GIANT = Configuration(GATED, Head('rays', 16, STAGES), cameras=True)
MONO = Configuration(Backbone(64, 6, 2, OUTPUTS), Head('sky', 16, STAGES), cameras=False)
NESTED = NestedConfiguration(ANY_VIEW, MONO)
ALL = {'any_view': ANY_VIEW, 'giant': GIANT, 'mono': MONO, 'nested': NESTED}


def tiny(configuration, seed=0, **options):
    """Return a network whose random weights let every part matter."""
    torch.manual_seed(seed)
    network = build(configuration, **options)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.dim() == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
            elif name.endswith('cls_token'):
                parameter.normal_()
            if name.endswith('fc_fov.0.bias'):
                parameter.fill_(1.0)  # its ReLU must not be in the way
            if name.endswith(('output_conv2.2.weight', 'output_conv2.2.bias')):
                parameter.mul_(0.5)
    return network


def some_views(*shape, seed=0):
    """Return normalised images (batch, views, 3, height, width) for (batch, views, ...)."""
    batch, views, height, width = shape
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(batch * views, 3, 7, 9, generator=generator)
    images = torch.nn.functional.interpolate(coarse, (height, width), mode='bicubic')
    return images.unflatten(0, (batch, views))


def golden(name):
    """Return the path of a golden's JSON, or skip the test with its name."""
    path = SHARED / 'golden' / f'{name}.json'
    if not path.is_file():
        pytest.skip(f'golden {name} is not on this machine')
    return path
