# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Networks in ONNX and OpenVINO files: the numbers of the network that was exported."""

import warnings

import numpy as np
import pytest
import yaml

torch = pytest.importorskip('torch')
pytest.importorskip('onnx')
pytest.importorskip('onnxscript')
pytest.importorskip('onnxruntime')

from exact_matcher import Matcher, frontal_pair  # noqa: E402

from depth_ros.lab.parity.fill import filled_array  # noqa: E402
from depth_ros.models.networks import anynet, raft_stereo  # noqa: E402
from depth_ros.models.protocol import ModelError  # noqa: E402
from depth_ros.models.registry import create_model  # noqa: E402
from depth_ros.types import DepthKind, View  # noqa: E402

SIZE = (64, 96)
IMAGENET = {'divide': 255, 'mean': [0.485, 0.456, 0.406], 'std': [0.229, 0.224, 0.225]}
RUNTIMES = ('onnxruntime', 'openvino')

each_runtime = pytest.mark.parametrize('runtime', RUNTIMES)


def require(runtime):
    pytest.importorskip(runtime)


class First(torch.nn.Module):
    """Only the disparity of what a network returns."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, left, right):
        return self.network(left, right)[0]


def export(module, path, inputs, outputs=('disparity',), names=('left', 'right')):
    """Write an ONNX file."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter('ignore')
        torch.onnx.export(
            module.eval(),
            tuple(inputs),
            str(path),
            input_names=list(names),
            output_names=list(outputs),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    return path


def describe(path, **settings):
    """Write the settings beside a network; return its name."""
    path.with_suffix('.yaml').write_text(yaml.safe_dump(settings))
    return str(path)


def filled(network):
    state = {
        key: torch.from_numpy(filled_array(key, value.shape, 1.0))
        for key, value in network.state_dict().items()
    }
    network.load_state_dict(state)
    return network.eval()


def images_of(views):
    return [torch.from_numpy(view.image).permute(2, 0, 1)[None].float() for view in views]


@pytest.fixture(scope='module')
def exported_anynet(tmp_path_factory):
    network = filled(anynet.build(anynet.VARIANTS['anynet']))
    path = tmp_path_factory.mktemp('net') / 'anynet.onnx'
    export(First(network), path, [torch.rand(1, 3, *SIZE) for _ in range(2)])
    return network, describe(path, inputs=['left', 'right'], unit='px', reach=192, **IMAGENET)


@pytest.fixture(scope='module')
def exported_raft(tmp_path_factory):
    """RAFT-Stereo at a small width, whose authors' output is the negative disparity."""
    config = raft_stereo.RaftStereoConfig(
        hidden_dims=(16, 16, 16),
        encoder_widths=(16, 16, 24),
        feature_dim=24,
        motion_dim=16,
        head_dim=16,
        iterations=2,
    )
    network = filled(raft_stereo.build(config))

    class Flow(First):
        def forward(self, left, right):
            return -super().forward(left, right)

    path = tmp_path_factory.mktemp('net') / 'raft.onnx'
    export(Flow(network), path, [torch.rand(1, 3, *SIZE) for _ in range(2)], ['flow'])
    name = describe(
        path,
        inputs={'left': 'left', 'right': 'right'},
        output='flow',
        sign=-1,
        unit='px',
        licence='MIT',
        commercial=True,
    )
    return network, name


@each_runtime
def test_an_exported_anynet_gives_the_numbers_of_torch(exported_anynet, runtime):
    require(runtime)
    network, name = exported_anynet
    views = frontal_pair(*SIZE, 5)
    mean = torch.tensor(IMAGENET['mean']).view(1, 3, 1, 1)
    std = torch.tensor(IMAGENET['std']).view(1, 3, 1, 1)
    with torch.no_grad():
        expected = network(*((image / 255 - mean) / std for image in images_of(views)))[0]
    model = create_model(name, {'runtime': runtime})
    prediction = model.predict(views)
    np.testing.assert_allclose(prediction.values, expected[0, 0], rtol=1e-3, atol=1e-2)
    assert prediction.kind is DepthKind.DISPARITY
    assert prediction.disparity_range == (0, 191)
    assert model.info.runtime == runtime
    model.warm_up([view.camera for view in views])


@each_runtime
def test_an_exported_raft_gives_the_numbers_of_torch(exported_raft, runtime):
    require(runtime)
    network, name = exported_raft
    views = frontal_pair(*SIZE, 5)
    with torch.no_grad():
        expected = network(*images_of(views)).disparity
    model = create_model(name, {'runtime': runtime})
    np.testing.assert_allclose(model.predict(views).values, expected[0, 0], rtol=1e-3, atol=1e-2)
    assert (model.info.licence, model.info.commercial) == ('MIT', True)


def test_a_file_of_openvino(exported_anynet, tmp_path):
    openvino = pytest.importorskip('openvino')
    name = exported_anynet[1]
    path = tmp_path / 'net.xml'
    openvino.save_model(openvino.convert_model(name), path, compress_to_fp16=False)
    views = frontal_pair(*SIZE, 5)
    same = describe(path, inputs=['left', 'right'], unit='px', reach=192, **IMAGENET)
    expected = create_model(name, {'runtime': 'openvino'}).predict(views).values
    np.testing.assert_allclose(
        create_model(same).predict(views).values, expected, rtol=1e-4, atol=1e-3
    )
    with pytest.raises(ModelError, match='set runtime to auto'):
        create_model(same, {'runtime': 'onnxruntime'})


class Exact(Matcher):
    """The exact matcher with free sizes of its inputs and a disparity that is a float."""

    def forward(self, left, right):
        return super().forward(left.float(), right.float())[0].float()


@pytest.fixture(scope='module')
def matcher(tmp_path_factory):
    """Return a function that writes a network that finds whole disparities exactly."""
    folder = tmp_path_factory.mktemp('matcher')

    def made(size, wrap=lambda network: network, **settings):
        path = folder / f'{len(list(folder.iterdir()))}.onnx'
        count = 1 if settings.get('colour') == 'grey' else 3
        inputs = [torch.rand(1, count, *size) for _ in range(2)]
        export(wrap(Exact(24)), path, inputs)
        return describe(path, **settings)

    return made


def test_a_fixed_size_is_reached_by_a_border_or_by_stretching(matcher):
    views = frontal_pair(96, 128, 8)
    for fit in ('pad', 'stretch'):
        model = create_model(matcher((64, 64), unit='px', fit=fit))
        prediction = model.predict(views)
        assert prediction.values.shape == (96, 128)
        assert np.median(prediction.values[5:-5, 40:-10]) == pytest.approx(8)
        assert prediction.disparity_range[0] == 0


@pytest.mark.parametrize('offset', [-12.3, 6.0])
def test_principal_points_that_differ_at_a_fixed_size(matcher, offset):
    raw = 9 + int(np.floor(offset))
    views = frontal_pair(64, 120, raw, offset=offset)
    model = create_model(matcher((64, 144), unit='px'))
    values = model.predict(views).values
    np.testing.assert_allclose(np.median(values[5:-5, 45:-45]), raw - offset, atol=0.3)


def test_colours_and_channels(matcher):
    views = frontal_pair(*SIZE, 8)

    class Wide(torch.nn.Module):
        def __init__(self, network):
            super().__init__()
            self.network = network

        def forward(self, left, right):
            found = self.network(left, right)
            return torch.cat([torch.zeros_like(found), found], 1)

    for name in (
        matcher(SIZE, colour='grey', unit='px'),
        matcher(SIZE, Wide, channel=1, unit='px', colour='bgr'),
    ):
        assert np.median(create_model(name).predict(views).values) == 8


def test_an_input_of_both_images_and_one_at_half_the_size(tmp_path):
    """As HITNet takes them, and as CREStereo does."""

    class Both(Exact):
        def forward(self, pair):
            return super().forward(*pair.chunk(2, 1))

    views = frontal_pair(*SIZE, 8)
    path = export(Both(24), tmp_path / 'both.onnx', [torch.rand(1, 6, *SIZE)], names=['pair'])
    name = describe(path, inputs={'pair': ['left', 'right']}, unit='px')
    assert np.median(create_model(name).predict(views).values) == 8

    class Half(Exact):
        def forward(self, small_left, small_right, left, right):
            return 0 * (small_left + small_right).sum() + super().forward(left, right)

    small = [torch.rand(1, 3, SIZE[0] // 2, SIZE[1] // 2) for _ in range(2)]
    full = [torch.rand(1, 3, *SIZE) for _ in range(2)]
    names = ['init_left', 'init_right', 'next_left', 'next_right']
    path = export(Half(24), tmp_path / 'half.onnx', small + full, names=names)
    inputs = {
        'init_left': {'view': 'left', 'scale': 0.5},
        'init_right': {'view': 'right', 'scale': 0.5},
        'next_left': 'left',
        'next_right': {'view': 'right'},
    }
    name = describe(path, inputs=inputs, unit='px')
    assert np.median(create_model(name).predict(views).values) == 8


def test_bytes_nhwc_fractions_of_the_width_and_confidence(tmp_path):
    class Bytes(Exact):
        def forward(self, left, right):
            left, right = (image.permute(0, 3, 1, 2) for image in (left, right))
            found = -super().forward(left, right) / SIZE[1]
            return found.permute(0, 2, 3, 1), torch.full_like(found[:, 0], 0.25)

    inputs = [torch.zeros(1, *SIZE, 3, dtype=torch.uint8) for _ in range(2)]
    path = export(Bytes(24), tmp_path / 'bytes.onnx', inputs, ['fraction', 'sure'])
    name = describe(
        path, unit='width', sign=-1, layout='nhwc', output='fraction', confidence='sure'
    )
    prediction = create_model(name).predict(frontal_pair(*SIZE, 8))
    assert np.median(prediction.values) == pytest.approx(8)
    assert (prediction.confidence == 0.25).all()


def test_left_and_right_are_compared(matcher):
    views = frontal_pair(*SIZE, 8)
    model = create_model(matcher(SIZE, unit='px'), {'left_right_check': 1.0})
    prediction = model.predict(views)
    assert (prediction.values[5:-5, 30:-5] == 8).all()
    assert (prediction.confidence[5:-5, 30:-5] == 1).all()
    assert np.isnan(prediction.values[5:-5, :4]).mean() > 0.8


def test_metres_are_metres(tmp_path):
    class Metres(Exact):
        def forward(self, left, right):
            return 10 / super().forward(left, right).clamp(min=1)

    path = export(Metres(24), tmp_path / 'm.onnx', [torch.rand(1, 3, *SIZE) for _ in range(2)])
    name = describe(path, unit='metres', inputs=['left', 'right'])
    prediction = create_model(name).predict(frontal_pair(*SIZE, 8))
    assert prediction.kind is DepthKind.METRIC
    assert np.median(prediction.values) == pytest.approx(1.25)
    with pytest.raises(ModelError, match='left_right_check compares disparity'):
        create_model(name, {'left_right_check': 1.0})


def test_free_sizes_become_multiples(tmp_path):
    path = tmp_path / 'free.onnx'
    free = {2: torch.export.Dim('height'), 3: torch.export.Dim('width')}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter('ignore')
        torch.onnx.export(
            Exact(8).eval(),
            tuple(torch.rand(1, 3, 32, 48) for _ in range(2)),
            str(path),
            input_names=['left', 'right'],
            dynamic_shapes=(free, free),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    for runtime in RUNTIMES:
        require(runtime)
        model = create_model(describe(path, unit='px', multiple=16), {'runtime': runtime})
        for size in ((64, 96), (50, 75)):
            assert np.median(model.predict(frontal_pair(*size, 4)).values) == 4
    small = create_model(str(path), {'input_size': 48})
    assert np.median(small.predict(frontal_pair(64, 96, 6)).values) == pytest.approx(6)


GOOD = {'inputs': ['left', 'right'], 'unit': 'px', 'reach': 192, **IMAGENET}
WRONG = {
    'no unit': ({'unit': ''}, 'unit is missing'),
    'unknown name': ({'multiples': 32}, 'did you mean multiple'),
    'unknown unit': ({'unit': 'feet'}, "unit is 'feet', expected one of 'px'"),
    'a kind without its unit': ({'kind': 'metric'}, 'metric with metres'),
    'an image that is none': ({'inputs': ['left', 'up']}, "takes .'up'. at scale 1"),
    'one image': ({'inputs': ['left']}, 'take left, expected left and right'),
    'unknown input': ({'inputs': {'a': 'left', 'b': 'right'}}, 'the network has left, right'),
    'too many inputs': ({'inputs': ['left', 'right', 'left']}, 'gives 3 inputs, the network has'),
    'unknown output': ({'output': 'depth'}, "names the output 'depth', the network has dispar"),
    'another size': ({'size': [128, 64]}, 'the network takes 96x64'),
    'means': ({'mean': [0.5, 0.5]}, 'mean has 2 numbers, expected 1 or 3'),
    'a text for a number': ({'divide': 'many'}, 'divide is .many., expected float'),
    'nothing': ({'inputs': 7}, 'expected a list'),
}


@pytest.mark.parametrize(('change', 'says'), WRONG.values(), ids=WRONG)
def test_settings_that_do_not_fit_are_named(exported_anynet, tmp_path, change, says):
    path = tmp_path / 'net.onnx'
    path.symlink_to(exported_anynet[1])
    with pytest.raises(ModelError, match=says):
        create_model(describe(path, **{**GOOD, **change}))


def test_a_network_without_settings_is_refused(exported_anynet, tmp_path):
    path = tmp_path / 'net.onnx'
    path.symlink_to(exported_anynet[1])
    with pytest.raises(ModelError, match=r'net\.yaml does not exist; expected a YAML file beside'):
        create_model(str(path))


FOREIGN = {
    'web page': (b'<!DOCTYPE html>', 'a web page'),
    'pointer': (b'version https://git-lfs.github.com/spec/v1', 'a pointer of Git LFS'),
    'pickle': (b'\x80\x04', 'a pickle'),
    'zip': (b'PK\x03\x04', 'a zip archive'),
    'empty': (b'', 'an empty file'),
}


@each_runtime
@pytest.mark.parametrize(('content', 'says'), FOREIGN.values(), ids=FOREIGN)
def test_a_wrong_file_is_refused_with_what_it_looks_like(tmp_path, content, says, runtime):
    require(runtime)
    path = tmp_path / 'net.onnx'
    path.write_bytes(content)
    with pytest.raises(ModelError, match=f'looks like {says}'):
        create_model(describe(path, **GOOD), {'runtime': runtime})


def test_a_missing_file_is_named():
    with pytest.raises(ModelError, match=r"nets/none\.onnx' does not exist"):
        create_model('nets/none.onnx')


def test_pairs_that_are_none_are_refused(exported_anynet):
    model = create_model(exported_anynet[1])
    left, _ = frontal_pair(*SIZE, 5)
    with pytest.raises(ModelError, match='expected left and right'):
        model.predict([left])
    with pytest.raises(ModelError, match='equal sizes'):
        model.predict([left, frontal_pair(48, 96, 5)[1]])
    model.close()
    with pytest.raises(ModelError, match='was closed'):
        model.predict([left, View(left.image, left.camera)])
