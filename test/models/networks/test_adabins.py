# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""AdaBins: the laws of networks on a narrow one, and the authors' numbers."""

from dataclasses import replace

import pytest
import torch
from network_laws import LAWS, assert_parity, filled, image

from depth_ros.models.networks import adabins
from depth_ros.models.networks.encoders.efficientnet import EfficientNetConfig
from depth_ros.types import DepthError

NARROW = replace(adabins.NYU, encoder=EfficientNetConfig(0.2, 0.3), bins=32)
SIZE = (352, 384)  # 132 tokens, close to the fewest


def narrow(**changes) -> adabins.AdaBins:
    return filled(adabins.build(replace(NARROW, **changes)))  # type: ignore[return-value]


@pytest.mark.parametrize('law', LAWS)
def test_the_laws_of_networks(law):
    law(narrow(), image(*SIZE))


@pytest.mark.parametrize('norm', adabins.NORMS)
def test_bins_fill_the_range_and_depth_lies_inside(norm):
    with torch.inference_mode():
        edges, depth = narrow(norm=norm, max_depth=80.0)(image(*SIZE))
    torch.testing.assert_close(edges[:, 0], torch.full((2,), 1e-3))
    torch.testing.assert_close(edges[:, -1], torch.full((2,), 80.0))
    assert (edges.diff(dim=1) > 0).all()
    assert depth.shape == (2, 1, 176, 192)
    assert (depth > 1e-3).all()
    assert (depth < 80.0).all()


def test_depth_is_the_mean_of_the_bin_centers():
    network = narrow()
    with torch.inference_mode():
        result = network(image(*SIZE))
        decoded = network.decoder(network.encoder(image(*SIZE)))
        _, queries, features = network.adaptive_bins_layer(decoded)
        compared = torch.einsum('bqc,bchw->bqhw', queries, features)
        shares = network.conv_out(compared).softmax(1)
        centers = (result.bin_edges[:, 1:] + result.bin_edges[:, :-1]) / 2
        expected = (shares * centers[:, :, None, None]).sum(1, keepdim=True)
    torch.testing.assert_close(result.depth, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ('size', 'message'),
    [((320, 384), '120 squares'), ((640, 832), '520 squares'), ((350, 416), '416x350')],
)
def test_other_sizes_are_refused(size, message):
    with pytest.raises(DepthError, match=message):
        narrow()(image(*size, batch=1))


def test_an_unknown_norm_is_refused():
    with pytest.raises(DepthError, match='cubic'):
        adabins.build(replace(NARROW, norm='cubic'))


def test_metres_keep_the_corners_and_the_range():
    depth = 12 * torch.rand(2, 1, 6, 8)
    found = adabins.metres(depth, 12, 16, adabins.NYU)
    assert found.max() <= 10.0
    corners = depth.clamp(1e-3, 10.0)[:, 0, ::5, ::7]
    torch.testing.assert_close(found[:, ::11, ::15], corners)


def test_names_of_published_files_become_those_of_the_code():
    key = 'module.adaptive_bins_layer.embedding_conv.weight'
    assert adabins.official_key(key) == 'adaptive_bins_layer.conv3x3.weight'
    key = 'adaptive_bins_layer.patch_transformer.embedding_encoder.bias'
    expected = 'adaptive_bins_layer.patch_transformer.embedding_convPxP.bias'
    assert adabins.official_key(key) == expected
    assert adabins.official_key('module.encoder.original_model.bn2.weight') is None
    kept = 'encoder.original_model.blocks.0.0.bn2.weight'
    assert adabins.official_key(kept) == kept


def test_the_numbers_are_those_of_the_authors():
    assert_parity('adabins_nyu')
