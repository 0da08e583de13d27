# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a network sees of an image's looks varies while it learns."""

import pytest

torch = pytest.importorskip('torch')

from depth_ros.lab.train.features import SHARE, vary_features, vary_statistics  # noqa: E402
from depth_ros.models.networks.builtin.network import BuiltinNetwork, Layout  # noqa: E402


def test_means_and_contrasts_change_and_nothing_else():
    torch.manual_seed(0)
    features = torch.randn(400, 3, 8, 6) + 2
    varied = vary_statistics(features, 0.5)
    assert varied.shape == features.shape

    def parts(x):
        mean = x.mean((2, 3), keepdim=True)
        return mean, (x - mean).square().mean((2, 3), keepdim=True).sqrt()

    (mean, contrast), (new_mean, new_contrast) = parts(features), parts(varied)
    changed = (varied != features).flatten(1).any(1)
    assert changed.float().mean() == pytest.approx(SHARE, abs=0.1)
    # Signs aside, what is left without mean and contrast is the same image.
    shape = (features - mean) / contrast
    new_shape = (varied - new_mean) / new_contrast
    torch.testing.assert_close(shape.abs(), new_shape.abs(), rtol=1e-3, atol=1e-3)
    for ratio in (new_mean / mean, new_contrast / contrast):
        assert 0.3 < ratio[changed].std() < 0.7
        # Every channel of every image for itself.
        assert len(ratio[changed].flatten().unique()) > 0.9 * changed.sum() * 3


def test_nothing_changes_without_an_amount():
    features = torch.randn(4, 3, 8, 6)
    torch.testing.assert_close(vary_statistics(features, 0.0), features)


def test_number_formats_and_layouts_stay_what_they_are():
    features = torch.randn(4, 8, 6, 6).to(torch.bfloat16, memory_format=torch.channels_last)
    varied = vary_statistics(features, 0.5)
    assert varied.dtype is torch.bfloat16
    assert varied.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(('stage', 'channels'), [(0, 32), (1, 16)])
def test_a_network_varies_what_its_first_layers_see(stage, channels):
    torch.manual_seed(0)
    network = BuiltinNetwork(Layout(16, (8, 8, 8, 8))).eval()
    layer = network.encoder.blocks[stage]
    inputs = torch.randn(16, channels, 32, 32)
    with torch.no_grad():
        before = layer(inputs)
        vary_features(network, 0.5)
        changed = (layer(inputs) != before).flatten(1).any(1)
    assert 0 < changed.sum() < 16, 'some images, not all'
