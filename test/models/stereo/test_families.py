# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Every stereo network of the catalogue: its files, its input and its output."""

import itertools
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip('torch')
pytest.importorskip('safetensors')

from exact_matcher import frontal_pair, write_weights  # noqa: E402
from pair_networks import NETWORKS, few  # noqa: E402

from depth_ros.lab.parity.fill import filled_state  # noqa: E402
from depth_ros.models.protocol import ModelError  # noqa: E402
from depth_ros.models.registry import catalogue, create_model, families, family_of  # noqa: E402
from depth_ros.models.stereo.pair_family import PairFamily  # noqa: E402
from depth_ros.models.stereo.preparation import plan_for  # noqa: E402
from depth_ros.models.weights.official import convert, read_weights  # noqa: E402
from depth_ros.models.weights.source import ByHand, Url, ZipMember  # noqa: E402
from depth_ros.types import Camera, DepthKind, View  # noqa: E402

REPOSITORY = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get('DEPTH_ROS_SHARED', REPOSITORY.parent / 'shared'))
FAMILIES = [family for family in families() if isinstance(family, PairFamily)]
NAMES = [name for family in FAMILIES for name in family.names]

each_network = pytest.mark.parametrize('name', NETWORKS)


@pytest.mark.parametrize('name', NAMES)
def test_the_catalogue_says_what_must_be_known(name):
    info = catalogue()[name]
    assert info.kind is DepthKind.DISPARITY
    assert info.views == 2
    assert info.licence
    assert 'trained on' in info.description
    assert re.search(r'\d', info.suits)  # a range of metres, or of disparity
    assert re.fullmatch(r'[\d.]+ s of processor time and \d+ MB at .*', info.cost) or '-l-' in name
    assert isinstance(info.source, (Url, ZipMember, ByHand))
    assert re.match(r'https://', getattr(info.source, 'url', '') or info.source.page)
    assert info.input_multiple == family_of(name).preparation.multiple
    skeleton = family_of(name).official.skeleton(name)
    assert all(value.device.type == 'meta' for value in skeleton.state_dict().values())
    count = sum(value.numel() for value in skeleton.parameters())
    # Published weights of RAFT-Stereo realtime hold more than is used.
    assert 0.8 * info.parameters < count < 1.05 * info.parameters


@pytest.mark.parametrize(('name', 'golden'), NETWORKS.items(), ids=NETWORKS)
def test_an_official_file_is_converted_whatever_it_holds_besides(tmp_path, name, golden):
    path = SHARED / 'golden' / f'{golden}.json'
    if not path.is_file():
        pytest.skip(f'golden {golden} is not on this machine')
    state = {k: torch.from_numpy(v) for k, v in filled_state(json.loads(path.read_text())).items()}
    file = tmp_path / 'official.pth'
    torch.save({'state_dict': {f'module.{key}': value for key, value in state.items()}}, file)
    official = family_of(name).official
    convert(name, official, file, tmp_path / 'out')
    tensors = read_weights(tmp_path / 'out', name)
    assert tensors.keys() == official.skeleton(name).state_dict().keys()
    assert all(
        torch.equal(value, state[key])
        for key, value in tensors.items()
        if not key.endswith('num_batches_tracked')
    )


@each_network
def test_a_checkpoint_with_missing_keys_names_them(tmp_path, name):
    official = family_of(name).official
    keys = list(official.skeleton(name).state_dict())
    file = tmp_path / 'official.pth'
    torch.save({key: torch.zeros(1) for key in keys[1:]}, file)
    with pytest.raises(ModelError, match=re.escape(f'lacks {keys[0]}')):
        convert(name, official, file, tmp_path / 'out')


@each_network
def test_the_file_of_another_network_is_refused_with_what_differs(tmp_path, name, folder_of):
    other = 'anynet' if name != 'anynet' else 'psmnet-kitti2015'
    with pytest.raises(ModelError, match=f'is not a checkpoint of {name!r}: it lacks'):
        convert(
            name,
            family_of(name).official,
            folder_of(other) / 'model.safetensors',
            tmp_path / 'out',
        )


@each_network
def test_the_network_is_run_on_what_its_authors_ran_it_on(name, folder_of):
    """No padding and no offset: the prediction is that of the bare network."""
    preparation = family_of(name).preparation
    height = width = max(preparation.smallest, 2 * preparation.multiple)
    views = frontal_pair(height, width, 4)
    folder, options = folder_of(name), family_of(name).config(**few(name))
    network = family_of(name).build(name, options)
    network.module.load_state_dict(read_weights(folder, name))
    images = [torch.from_numpy(view.image).permute(2, 0, 1)[None].double() for view in views]
    if preparation.normalisation == 'imagenet':
        mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
        deviation = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
        images = [(image / 255 - mean) / deviation for image in images]
    elif preparation.normalisation == 'standardised':
        images = [
            (image - image.mean((2, 3), keepdim=True))
            / image.std((2, 3), keepdim=True, correction=0)
            for image in images
        ]
    with torch.inference_mode():
        expected = network.module.eval()(*(image.float() for image in images))[0]
    expected = network.factor * expected[0, 0].numpy()
    model = create_model(name, {'weights': str(folder), 'precision': 'float32', **few(name)})
    got = model.predict(views)
    spread = expected.std()
    assert spread > 1e-3
    # Random networks amplify what rounding leaves, in few pixels by much.
    assert np.abs(got.values - expected).mean() < 1e-3 * max(spread, 1)


@each_network
def test_half_precision_gives_finite_numbers(name, folder_of):
    options = {'weights': str(folder_of(name)), 'precision': 'bfloat16', **few(name)}
    prediction = create_model(name, options).predict(frontal_pair(64, 96, 4))
    assert np.isfinite(prediction.values).all()


@each_network
@given(
    width=st.integers(64, 1280),
    height=st.integers(64, 720),
    offset=st.floats(-64, 64),
    input_size=st.sampled_from([0, 0, 320, 640]),
)
def test_every_size_becomes_one_that_the_network_takes(name, width, height, offset, input_size):
    preparation = family_of(name).preparation
    left = Camera.pinhole(width, height, 500.0)
    right = Camera.pinhole(width, height, 500.0, cx=left.cx - offset, baseline=0.1)
    plan = plan_for(preparation, left, right, input_size)
    for side in plan.input:
        assert side % preparation.multiple == 0
        assert side >= preparation.smallest
    for border, eye in zip(plan.borders, (0, 1), strict=True):
        assert min(border) >= 0
        assert plan.resized[1] + border[0] + border[1] == plan.input[1]
        assert plan.resized[0] + border[2] + border[3] == plan.input[0]
        rows, columns = plan.window(eye)
        assert (rows.stop - rows.start, columns.stop - columns.start) == plan.resized
    # No more is added than is needed.
    assert plan.input[0] < max(plan.resized[0], preparation.smallest) + preparation.multiple
    moved = plan.borders[1][0] - plan.borders[0][0]
    assert moved == plan.shift
    assert abs(offset / plan.scale - plan.shift) <= 1 + 1e-9
    if input_size:
        assert max(plan.resized) == input_size


def test_ranges_that_a_network_cannot_search_are_refused():
    for name, step in (
        ('anynet', 16),
        ('psmnet-kitti2015', 16),
        ('leastereo-sceneflow', 24),
        ('igev-stereo-sceneflow', 32),
        ('rt-igev-plusplus-kitti', 32),
    ):
        with pytest.raises(ModelError, match=f'multiple of {step}'):
            create_model(name, {'disparity_range': 100})
    for name in ('aanet-sceneflow', 'lightstereo-s-kitti'):
        with pytest.raises(ModelError, match="no option 'disparity_range'"):
            create_model(name, {'disparity_range': 96})


@pytest.mark.parametrize(
    ('name', 'asked', 'reach'),
    [
        ('anynet', 96, 96),
        ('psmnet-kitti2015', 64, 64),
        ('leastereo-sceneflow', 48, 48),
        ('leastereo-middlebury', 0, 408),
    ],
)
def test_the_range_is_what_was_asked_for(name, asked, reach, folder_of):
    options = {'weights': str(folder_of(name)), 'disparity_range': asked}
    prediction = create_model(name, options).predict(frontal_pair(64, 96, 4))
    assert prediction.disparity_range == (0, reach - 1)


def test_the_old_weights_of_psmnet_are_scaled_as_their_authors_say(folder_of):
    state = read_weights(folder_of('psmnet-kitti2015'), 'psmnet-kitti2015')
    folder = folder_of('psmnet-kitti2015').parent / 'old'
    write_weights(folder, 'psmnet-sceneflow-2018', state)
    views = frontal_pair(64, 96, 4)
    few = {'disparity_range': 48}
    plain = create_model(
        'psmnet-kitti2015', {'weights': str(folder_of('psmnet-kitti2015')), **few}
    )
    scaled = create_model('psmnet-sceneflow-2018', {'weights': str(folder), **few})
    np.testing.assert_allclose(
        scaled.predict(views).values, 1.17 * plain.predict(views).values, rtol=1e-5
    )


def test_anynet_stops_after_any_stage(folder_of):
    views = frontal_pair(64, 96, 4)
    found = [
        create_model('anynet', {'weights': str(folder_of('anynet')), 'stages': stages})
        .predict(views)
        .values
        for stages in (1, 2, 3, 4)
    ]
    assert all(not np.allclose(one, other) for one, other in itertools.pairwise(found))


@pytest.mark.parametrize('name', ['raft-stereo-realtime', 'rt-igev-plusplus-kitti'])
def test_a_warm_start_goes_on_from_the_frame_before(name, folder_of):
    """Twice two steps from a warm start are nearer to four steps than two steps are."""
    base = {'weights': str(folder_of(name)), 'precision': 'float32'}
    views = frontal_pair(64, 96, 4)
    cold = create_model(name, {**base, 'iterations': 2}).predict(views)
    model = create_model(name, {**base, 'iterations': 2, 'warm_start': True})
    first = model.predict(views)
    np.testing.assert_allclose(first.values, cold.values, rtol=1e-4, atol=1e-3)
    second = model.predict(views, first)
    assert not np.allclose(second.values, first.values, atol=1e-3)
    assert second.carry.coarse.shape == first.carry.coarse.shape
    model.warm_up([view.camera for view in views])


def test_published_weights_give_the_published_numbers(tmp_path):
    file = SHARED / 'weights' / 'n-kasatkin-Ros_AnyNet__kitti2015_ck_checkpoint.tar'
    golden = SHARED / 'golden' / 'anynet_real.A.npz'
    for path in (file, golden):
        if not path.is_file():
            pytest.skip(f'{path.name} is not on this machine')
    convert('anynet', family_of('anynet').official, file, tmp_path)
    model = create_model('anynet', {'weights': str(tmp_path)})
    with np.load(golden) as arrays:
        for pair in ('kitti', 'redtail'):
            images = [arrays[f'in_{pair}_{side}'] for side in ('left', 'right')]
            height, width = images[0].shape[:2]
            cameras = (
                Camera.pinhole(width, height, 720.0),
                Camera.pinhole(width, height, 720.0, baseline=0.54),
            )
            views = [View(i, c) for i, c in zip(images, cameras, strict=True)]
            expected = arrays[f'out_{pair}_disp_spn'][0, 0]
            error = np.abs(model.predict(views).values - expected)
            assert np.quantile(error, 0.999) < 0.02


def test_the_precision_of_anynet_is_float32_unless_it_is_chosen(folder_of):
    folder = {'weights': str(folder_of('anynet'))}
    assert create_model('anynet', folder).info.precision == 'float32'
    chosen = create_model('anynet', {**folder, 'precision': 'bfloat16'})
    assert chosen.info.precision == 'bfloat16'
