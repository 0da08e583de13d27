# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The classic networks of one image: from the official file to metres that are right."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('safetensors')

import official_files as official  # noqa: E402
from torch.nn import functional  # noqa: E402

from depth_ros.models.mono import adabins, monodepth  # noqa: E402
from depth_ros.models.mono.network_adapter import Sizes  # noqa: E402
from depth_ros.models.protocol import ModelError  # noqa: E402
from depth_ros.models.registry import catalogue, create_model, families, family_of  # noqa: E402
from depth_ros.models.weights.official import convert, read_weights, skeleton_of  # noqa: E402
from depth_ros.models.weights.verify import WeightsMissing  # noqa: E402
from depth_ros.types import Camera, DepthKind, View  # noqa: E402

ONE_OF_EACH = sorted(official.CASES)
KITTI_CAMERA = Camera.pinhole(1242, 375, 721.5377)
NETWORKS = {
    name: info
    for family in families()
    for name, info in family.names.items()
    if family.config.__name__ == 'NetworkOptions'
}


@pytest.fixture(scope='module')
def converted():
    """By name, the folder with the converted weights and the weights themselves."""
    return {}


@pytest.fixture
def made(converted, tmp_path_factory, monkeypatch):
    """Return a function that makes the narrow model of a name from its official file."""
    weights = converted
    narrowed = set()

    def make(name, **options):
        case = official.CASES[name]
        if case.needs:
            pytest.importorskip(case.needs)
        if case.adapter not in narrowed:
            narrowed.add(case.adapter)
            official.make_narrow(monkeypatch, name)
        if name not in weights:
            declared = family_of(name).official
            network = skeleton_of(declared, name, {})
            state = official.fill(network)
            folder = tmp_path_factory.mktemp(name)
            file = case.write(folder, state)
            convert(name, declared, file, folder / 'out', unsafe_pickle=case.unsafe)
            weights[name] = folder / 'out', state
        return create_model(
            name,
            {
                'weights': str(weights[name][0]),
                'precision': 'float32',
                'device': 'cpu',
                **options,
            },
        )

    make.weights = weights
    return make


def view(width=131, height=97, focal=110.0, seed=0):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    grown = np.kron(coarse, np.ones((-(-height // 5), -(-width // 7), 1), np.uint8))
    return View(grown[:height, :width].copy(), Camera.pinhole(width, height, focal))


@pytest.mark.parametrize('name', ONE_OF_EACH)
def test_weights_are_those_of_the_official_file(made, name):
    made(name).close()
    folder, state = made.weights[name]
    found = read_weights(folder, name)
    assert found.keys() == state.keys()
    for key, value in found.items():
        if not key.endswith('num_batches_tracked'):  # TensorFlow does not count batches
            assert torch.equal(value, state[key]), key


def by_hand(model, seen):
    """Return what the network gives for an image, prepared without the package's own steps."""
    adapter = model.adapter
    height, width = model.input_size(seen.camera.height, seen.camera.width)
    image = torch.from_numpy(seen.image).permute(2, 0, 1)[None]
    mode = 'bicubic' if 'midas' in adapter.family else 'bilinear'
    image = functional.interpolate(image, (height, width), mode=mode, antialias=True).float()
    if adapter.family != 'fcrn':
        image = image / 255
    if adapter.family in ('midas_v21', 'midas_v21_small', 'adabins', 'bts'):
        mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])
        image = (image - mean[:, None, None]) / std[:, None, None]
    with torch.inference_mode():
        return model._runtime.network.network(image)


# What the authors do with the output of each network, up to the size of the image.
MEANINGS = {
    'midas_v21': lambda r: r.inverse_depth[:, None],
    'midas_v21_small': lambda r: r.inverse_depth[:, None],
    'adabins': lambda r: r.depth.clamp(1e-3, 10),
    'bts': lambda r: r.final_depth,
    'fcrn': lambda r: r.depth,
    'densedepth': lambda r: (1000 / r.reciprocal.clamp(min=1e-6)).clamp(10, 1000) / 100,
    'fastdepth': lambda r: r.depth,
    'monodepth': lambda r: r.disp1[:, :1],
    'monodepth2': lambda r: r.disp0,
}
ALIGNED = ('adabins', 'densedepth')  # corners of the output are corners of the image


@pytest.mark.parametrize('name', ONE_OF_EACH)
def test_a_prediction_is_the_networks_answer_at_the_size_of_the_image(made, name):
    model = made(name)
    seen = view()
    family = model.adapter.family
    small = MEANINGS[family](by_hand(model, seen))
    mode = 'bicubic' if 'midas' in family else 'bilinear'
    aligned = family in ALIGNED
    full = functional.interpolate(small, (97, 131), mode=mode, align_corners=aligned)[0, 0].numpy()
    if family == 'monodepth':
        full = 1 / full
    if family == 'monodepth2':
        full = (5.4 if 'stereo' in name else 1) / (0.01 + 9.99 * full)
    if name == 'densedepth-kitti':
        full = full * 8
    if name == 'bts-resnet50-kitti':  # the input is larger than the image
        height, width = model.input_size(97, 131)
        full = full * 110 * np.sqrt(width / 131 * height / 97) / 715.0873
    if model.info.kind is not DepthKind.AFFINE_INVERSE:
        full = np.where(full > 0, full, np.nan)
    found = model.predict([seen])
    assert found.kind is model.info.kind
    assert found.values.shape == (97, 131)
    assert np.nanstd(found.values) > 0
    tolerance = 1e-4 * np.nanmax(np.abs(full))
    np.testing.assert_allclose(found.values, full, rtol=1e-3, atol=tolerance)


@pytest.mark.parametrize('name', ['fastdepth', 'monodepth2-mono-640x192', 'midas-v21-small'])
def test_a_batch_is_its_members_and_grey_is_a_colour(made, name):
    model = made(name)
    views = [view(seed=1), view(90, 60), view(seed=2)]
    grey = View(views[0].image[..., 0].copy(), views[0].camera)
    together = model.predict_batch([[v] for v in [*views, grey]])
    for one, seen in zip(together, [*views, grey]):
        alone = model.predict([seen]).values
        scale = np.nanmax(np.abs(alone))
        np.testing.assert_allclose(one.values, alone, rtol=1e-4, atol=1e-5 * scale)
        assert one.camera is seen.camera
    assert set(together[0].timings) == {'preprocess', 'inference', 'postprocess'}


def test_depth_of_bts_on_kitti_is_proportional_to_the_focal_length(made):
    model = made('bts-resnet50-kitti')
    once, twice = (model.predict([view(focal=f)]).values for f in (100.0, 200.0))
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-6)
    indoors = made('bts-resnet50-nyu')
    once, twice = (indoors.predict([view(focal=f)]).values for f in (100.0, 200.0))
    np.testing.assert_array_equal(once, twice)


@pytest.mark.parametrize('name', ['fcrn-nyu', 'fastdepth', 'adabins-nyu'])
def test_metres_are_corrected_for_the_focal_length_where_asked(made, name):
    plain = made(name).predict([view(focal=100.0)]).values
    model = made(name, training_focal=-1.0)
    height, width = model.input_size(97, 131)
    seen = 100.0 * np.sqrt(width / 131 * height / 97)
    expected = plain * seen / catalogue()[name].training_focal
    np.testing.assert_allclose(model.predict([view(focal=100.0)]).values, expected, rtol=1e-5)
    given = made(name, training_focal=50.0).predict([view(focal=100.0)]).values
    np.testing.assert_allclose(given, plain * seen / 50.0, rtol=1e-5)


def test_monodepth_gives_metres_for_cameras_like_those_of_kitti_only(made):
    model = made('monodepth-kitti')
    image = np.random.default_rng(0).integers(0, 256, (375, 1242, 3), dtype=np.uint8)
    seen = View(image, KITTI_CAMERA)
    share = functional.interpolate(
        by_hand(model, seen).disp1[:, :1], (375, 1242), mode='bilinear'
    )[0, 0]
    metric = model.predict([seen])
    assert metric.kind is DepthKind.METRIC
    np.testing.assert_allclose(metric.values, 721.5377 * 0.54 / (share * 1242), rtol=1e-4)
    for other in (
        Camera.pinhole(1242, 375, 600.0),
        Camera.pinhole(1242, 375, 721.5377, 500.0),
        Camera.pinhole(1242, 931, 721.5377),
    ):
        grown = np.resize(image, (other.height, other.width, 3))
        assert model.predict([View(grown, other)]).kind is DepthKind.SCALE_INVARIANT
    smaller = Camera.pinhole(621, 188, 360.8)
    assert model.predict([View(image[::2, ::2].copy(), smaller)]).kind is DepthKind.METRIC


def test_relative_networks_say_so():
    kinds = {name: info.kind for name, info in NETWORKS.items()}
    for name, kind in kinds.items():
        if name.startswith('midas'):
            assert kind is DepthKind.AFFINE_INVERSE
        elif name.startswith(('monodepth-', 'monodepth2-mono-')):
            stereo = 'mono-stereo' in name
            assert kind is (DepthKind.METRIC if stereo else DepthKind.SCALE_INVARIANT), name
        else:
            assert kind is DepthKind.METRIC, name


@pytest.mark.parametrize('name', ['fastdepth', 'monodepth-kitti'])
def test_flip_is_the_mean_with_the_mirrored_image(made, name):
    seen = view()
    mirrored = View(seen.image[:, ::-1].copy(), seen.camera)
    model = made(name)
    plain = model.predict([seen]).values
    other = model.predict([mirrored]).values[:, ::-1]
    found = made(name, flip=True).predict([seen]).values
    if name == 'monodepth-kitti':
        middle = slice(131 // 8, -(131 // 8))
        mean = 2 / (1 / plain + 1 / other)
        np.testing.assert_allclose(found[:, middle], mean[:, middle], rtol=1e-4)
        # At its borders only one of the two can be right.
        np.testing.assert_allclose(found[:, :6], other[:, :6], rtol=1e-4)
        np.testing.assert_allclose(found[:, -6:], plain[:, -6:], rtol=1e-4)
    else:
        zero = np.nan_to_num(plain) + np.nan_to_num(other)
        np.testing.assert_allclose(np.nan_to_num(found), zero / 2, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ('sizes', 'image', 'long_side', 'expected'),
    [
        (Sizes(640, 480), (480, 640), 0, (480, 640)),
        (Sizes(640, 480), (720, 1280), 0, (416, 736)),  # as many pixels
        (Sizes(1216, 352), (352, 1216), 0, (352, 1216)),
        (Sizes(640, 480), (720, 1280), 320, (192, 320)),
        (Sizes(640, 480), (1280, 720), 320, (320, 192)),
        (Sizes(384, 384, rule='long'), (480, 640), 0, (288, 384)),
        (Sizes(384, 384, rule='long'), (640, 480), 0, (384, 288)),
        (Sizes(224, 224, squeeze=4 / 3), (480, 640), 0, (224, 224)),
        (Sizes(224, 224, squeeze=4 / 3), (720, 1280), 0, (192, 256)),
        (Sizes(304, 228, 1, 'fixed'), (720, 1280), 0, (228, 304)),
        (Sizes(304, 228, 1, 'fixed'), (720, 1280), 152, (114, 152)),
        (Sizes(512, 256, 128, 'fixed'), (480, 640), 100, (128, 128)),
    ],
)
def test_the_size_of_the_input(sizes, image, long_side, expected):
    assert sizes.of(*image, long_side) == expected


@pytest.mark.parametrize('aspect', [0.1, 0.3, 0.9, 1.5, 2.5, 6.0, 11.0])
def test_adabins_takes_a_size_with_the_tokens_it_needs(made, aspect):
    model = made('adabins-nyu')
    height, width = round(200 * aspect), 200
    high, wide = model.input_size(height, width)
    assert adabins.FEWEST <= high // 32 * (wide // 32) <= adabins.MOST
    assert high / wide == pytest.approx(aspect, rel=0.15)
    model.close()


def test_sizes_that_cannot_be_are_refused(made):
    with pytest.raises(ModelError, match=r'128x96 of this image, 12 squares.*129 to 500'):
        made('adabins-nyu', input_size=128).predict([view()])
    small = made('fastdepth', input_size=64)
    assert small.input_size(97, 131) == (64, 64)
    assert small.predict([view()]).values.shape == (97, 131)


@pytest.mark.parametrize('name', ONE_OF_EACH)
def test_half_precision_is_close(made, name):
    seen = view()
    options = {'flip': False} if 'adabins' not in name else {}
    exact = made(name, **options).predict([seen]).values
    coarse = made(name, precision='bfloat16', **options).predict([seen]).values
    spread = np.nanstd(exact)
    known = np.isfinite(exact) & np.isfinite(coarse)
    assert known.mean() > 0.4
    assert np.abs(exact - coarse)[known].mean() < 0.15 * spread


@pytest.mark.parametrize(
    ('runtime', 'name'),
    [('openvino', 'fastdepth'), ('onnxruntime', 'monodepth2-stereo-640x192')],
)
def test_other_executors_give_the_same_metres(made, monkeypatch, tmp_path, runtime, name):
    for needed in (runtime, *(['onnx', 'onnxscript'] if runtime == 'onnxruntime' else [])):
        pytest.importorskip(needed)
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    small = {'input_size': 64}
    exact = made(name, **small).predict([view()]).values
    model = made(name, runtime=runtime, **small)
    model.warm_up([view().camera])
    assert runtime in model.describe()
    found = model.predict([view()]).values
    scale = np.nanmax(np.abs(exact))
    np.testing.assert_allclose(found, exact, rtol=1e-3, atol=1e-4 * scale)
    model.close()
    with pytest.raises(ModelError, match='closed'):
        model.predict([view()])


@pytest.mark.parametrize('name', NETWORKS)
def test_an_entry_agrees_with_its_network(name):
    info = NETWORKS[name]
    assert info.input_size % info.input_multiple == 0
    assert info.licence
    assert info.source is not None
    if info.kind is DepthKind.METRIC:
        assert info.depth_range is not None
        assert info.training_focal > 100
        assert bool(info.caution) != ('bts' in name and 'kitti' in name)
    else:
        assert info.depth_range is None
        assert not info.training_focal
    if name == 'fastdepth-pruned':
        return  # only the file knows its widths
    network = skeleton_of(family_of(name).official, name, {})
    counted = sum(p.numel() for p in network.parameters())
    assert info.parameters == pytest.approx(counted, rel=0.01)


def test_weights_that_are_not_here_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    with pytest.raises(WeightsMissing, match='depth_ros fetch midas-v21-small'):
        create_model('midas-v21-small')
    with pytest.raises(WeightsMissing, match=r'depth_ros convert fcrn-nyu FILE --out'):
        create_model('fcrn-nyu', {'weights': str(tmp_path)})


def test_the_weights_of_another_model_are_refused(made):
    made('bts-resnet50-nyu').close()
    folder, _ = made.weights['bts-resnet50-nyu']
    with pytest.raises(ModelError, match="'bts-resnet50-nyu', expected 'bts-resnet50-kitti'"):
        create_model('bts-resnet50-kitti', {'weights': str(folder)})


def test_the_rig_of_kitti_holds_for_all_of_its_cameras():
    for width, height, focal in ((1242, 375, 721.5), (1224, 370, 707.1), (1241, 376, 718.9)):
        assert monodepth.KITTI.has(Camera.pinhole(width, height, focal))
    assert not monodepth.KITTI.has(Camera.pinhole(640, 480, 371.8))
