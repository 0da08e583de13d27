# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Networks of one image in ONNX files."""

import warnings

import numpy as np
import pytest
import yaml

torch = pytest.importorskip('torch')
pytest.importorskip('onnx')
pytest.importorskip('onnxscript')
pytest.importorskip('onnxruntime')

from depth_ros.models.protocol import ModelError  # noqa: E402
from depth_ros.models.registry import create_model, family_of  # noqa: E402
from depth_ros.pipeline import Options, Pipeline  # noqa: E402
from depth_ros.types import Camera, DepthKind, View  # noqa: E402

SIZE = (48, 64)


class Red(torch.nn.Module):
    """Depth is red, plus one; a sum with a convolution that is zero makes it a network."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 1, 3, padding=1)
        torch.nn.init.zeros_(self.layer.weight)
        torch.nn.init.ones_(self.layer.bias)

    def forward(self, image):
        return image[:, :1] + self.layer(image)


@pytest.fixture(scope='module')
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp('mono') / 'red.onnx'
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter('ignore')
        torch.onnx.export(
            Red().eval(),
            (torch.rand(1, 3, *SIZE),),
            str(path),
            input_names=['pixels'],
            output_names=['depth'],
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    return path


@pytest.fixture
def described(network, tmp_path):
    """Return a function that writes settings beside the network and returns its name."""

    def describe(**settings):
        path = tmp_path / 'net.onnx'
        if not path.exists():
            path.symlink_to(network)
        path.with_suffix('.yaml').write_text(yaml.safe_dump(settings))
        return str(path)

    return describe


def view(height=48, width=64):
    """Return an image whose red grows from left to right."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.linspace(0, 200, width).astype(np.uint8)
    return View(image, Camera.pinhole(width, height, 50.0))


@pytest.mark.parametrize('runtime', ['onnxruntime', 'openvino'])
@pytest.mark.parametrize('kind', ['metric', 'scale_invariant', 'affine_inverse'])
def test_each_kind(described, runtime, kind):
    pytest.importorskip(runtime)
    model = create_model(described(inputs=['image'], kind=kind, divide=100), {'runtime': runtime})
    prediction = model.predict([view()])
    assert prediction.kind is DepthKind(kind)
    np.testing.assert_allclose(prediction.values, view().image[..., 0] / 100 + 1, rtol=1e-5)
    model.warm_up([view().camera])


def test_the_pipeline_makes_metres_of_it(described):
    name = described(kind='metric', inputs={'pixels': 'image'}, divide=100)
    frame = Pipeline(create_model(name), Options(edge_threshold=0.0))([view()])
    np.testing.assert_allclose(frame.depth, view().image[..., 0] / 100 + 1, rtol=1e-5)


@pytest.mark.parametrize('fit', ['pad', 'stretch'])
def test_another_size(described, fit):
    model = create_model(described(inputs=['image'], kind='metric', divide=100, fit=fit))
    larger = view(48, 128)
    expected = larger.image[..., 0] / 100 + 1
    np.testing.assert_allclose(model.predict([larger]).values, expected, atol=0.03)


def test_depth_that_is_none_is_nan(described):
    model = create_model(described(inputs=['image'], kind='metric', mean=50.0, divide=1))
    values = model.predict([view()]).values
    below = view().image[..., 0].astype(float) - 50 + 1 <= 0
    assert np.isnan(values[below]).all()
    assert np.isfinite(values[~below]).all()


def test_a_sign_and_a_training_focal_length(described):
    name = described(inputs=['image'], kind='affine_inverse', sign=-1)
    np.testing.assert_allclose(
        create_model(name).predict([view()]).values, -(view().image[..., 0] + 1.0)
    )
    name = described(inputs=['image'], kind='metric', training_focal=25.0)
    np.testing.assert_allclose(
        create_model(name).predict([view()]).values, 2 * (view().image[..., 0] + 1.0), rtol=1e-5
    )


@pytest.mark.parametrize(
    ('settings', 'says'),
    [
        ({'inputs': ['image']}, "kind is '', expected metric"),
        ({'inputs': ['image'], 'kind': 'disparity', 'unit': 'px'}, "kind is 'disparity'"),
        ({'inputs': ['image'], 'kind': 'metric', 'unit': 'px'}, "unit is 'px'"),
        ({'inputs': ['image'], 'kind': 'affine_inverse', 'unit': 'metres'}, 'only metric depth'),
        ({'inputs': [['image', 'left']], 'kind': 'metric'}, 'expected image alone'),
        ({'kind': 'metric', 'unit': 'metres'}, 'gives 2 inputs, the network has 1'),
    ],
    ids=['no kind', 'disparity', 'px', 'metres', 'views', 'stereo'],
)
def test_settings_that_do_not_fit_are_named(described, settings, says):
    with pytest.raises(ModelError, match=says):
        create_model(described(**settings))


def test_input_size_is_refused_where_the_network_has_one_size(described):
    with pytest.raises(ModelError, match='takes 64x48 only'):
        create_model(described(inputs=['image'], kind='metric'), {'input_size': 32})


def test_a_relative_path_is_no_hub_id(described, monkeypatch):
    name = described(inputs=['image'], kind='metric')
    monkeypatch.chdir(name.rsplit('/', 2)[0])
    short = '/'.join(name.rsplit('/', 2)[1:])
    assert family_of(short) is family_of(name)
    assert create_model(short).predict([view()]).kind is DepthKind.METRIC
