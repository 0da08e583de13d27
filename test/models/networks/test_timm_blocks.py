# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Stages of the backbones: names, sizes and shortcuts."""

import pytest
import torch

from depth_ros.models.networks import timm_blocks


@pytest.mark.parametrize('backbone', [timm_blocks.MOBILENET_V2, timm_blocks.EFFICIENTNET_V2_RW_S])
def test_stages_halve_the_size_where_they_say(backbone):
    x = torch.zeros(1, backbone.stem, 64, 96, device='meta')
    for stage, layers in zip(backbone.stages, timm_blocks.stages(backbone), strict=True):
        size = x.shape[2] // stage.stride, x.shape[3] // stage.stride
        x = layers.to('meta')(x)
        assert x.shape == (1, stage.width, *size)


def test_names_are_those_of_timm():
    names = [set(stage.state_dict()) for stage in timm_blocks.stages(timm_blocks.MOBILENET_V2)]
    assert {'0.conv_dw.weight', '0.bn1.bias', '0.conv_pw.weight', '0.bn2.running_var'} <= names[0]
    assert {'1.conv_pw.weight', '1.conv_dw.weight', '1.conv_pwl.weight', '1.bn3.bias'} <= names[1]
    fused = timm_blocks.stages(timm_blocks.EFFICIENTNET_V2_RW_S)
    assert {'0.conv_exp.weight', '0.bn1.weight', '0.conv_pwl.weight'} <= set(fused[0].state_dict())
    squeezed = fused[3].state_dict()
    assert squeezed['0.se.conv_reduce.weight'].shape == (16, 256, 1, 1)
    assert squeezed['1.se.conv_expand.bias'].shape == (512,)


def test_a_block_without_weights_is_its_shortcut():
    block = timm_blocks.stages(timm_blocks.MOBILENET_V2)[1][1].eval()
    torch.nn.init.zeros_(block.conv_pwl.weight)
    x = torch.randn(1, 24, 4, 4)
    torch.testing.assert_close(block(x), x)
