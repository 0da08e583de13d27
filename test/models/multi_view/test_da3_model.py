# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth Anything 3 as a model: loading, meaning of the numbers, cameras, executors."""

import json
import logging

import cv2
import numpy as np
import pytest

pytest.importorskip('torch')
pytest.importorskip('safetensors')

import tiny_da3
from tiny_da3 import METRIC, MONO, NESTED, RAYS

from depth_ros.models.multi_view import depth_anything_3 as family
from depth_ros.models.multi_view.depth_anything_3_model import cut_camera
from depth_ros.models.protocol import ModelError
from depth_ros.models.registry import catalogue, create_model, family_of
from depth_ros.models.weights import hub
from depth_ros.types import Camera, DepthKind, Known, View

EXACT = {'input_size': 84, 'precision': 'float32', 'device': 'cpu'}
CAMERA = Camera.pinhole(80, 60, 70.0)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Return a function that gives the folder of a small network by its configuration."""
    made = {}

    def of(name, **options):
        key = name, *options.items()
        if key not in made:
            made[key] = tiny_da3.write(tmp_path_factory.mktemp(name), name, **options)
        return made[key]

    return of


def image(seed=0, width=80, height=60):
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 10, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def scene(count, poses=None, camera=CAMERA, known=True):
    poses = [None] * count if poses is None else poses
    return [View(image(i), camera, Known(pose=pose, camera=known)) for i, pose in enumerate(poses)]


def moved(count, step):
    poses = np.tile(np.eye(4), (count, 1, 1))
    poses[:, 0, 3] = step * np.arange(count)
    poses[:, 1, 3] = step * np.arange(count) ** 2 / 4
    return list(poses)


# What the catalogue states


def test_the_catalogue_states_what_the_numbers_are_and_what_is_allowed():
    names = {name: info for name, info in catalogue().items() if name.startswith('da3-')}
    assert len(names) == 10
    metric = {name for name, info in names.items() if info.kind is DepthKind.METRIC}
    assert metric == {'da3-metric-large', 'da3-nested', 'da3-nested-1.1'}
    assert all(i.kind in (DepthKind.METRIC, DepthKind.SCALE_INVARIANT) for i in names.values())
    free = {name for name, info in names.items() if info.commercial}
    assert free == {'da3-small', 'da3-base', 'da3-mono-large', 'da3-metric-large'}
    for name, info in names.items():
        assert info.licence == ('Apache-2.0' if name in free else 'CC-BY-NC-4.0')
        assert ('excludes commercial use' in info.caution) is (name not in free)
        assert info.views == (1 if name in ('da3-mono-large', 'da3-metric-large') else 0)


@pytest.mark.parametrize(
    ('repository', 'name'),
    [
        ('depth-anything/DA3-SMALL', 'da3-small'),
        ('depth-anything/da3metric-large', 'da3-metric-large'),
        ('depth-anything/DA3NESTED-GIANT-LARGE-1.1', 'da3-nested-1.1'),
    ],
)
def test_a_hub_id_of_the_authors_is_a_name(repository, name):
    assert name in family_of(repository).names


def test_other_hub_ids_are_for_transformers():
    assert not family_of('someone/a-depth-model').names


# Loading


@pytest.mark.parametrize('name', [RAYS, MONO, METRIC, NESTED])
def test_folders_say_what_they_are(folder, name):
    model = create_model(str(folder(name)), EXACT)
    assert model.info.views == (1 if name in (MONO, METRIC) else 0)
    metric = name in (METRIC, NESTED)
    assert model.info.kind is (DepthKind.METRIC if metric else DepthKind.SCALE_INVARIANT)
    model.warm_up([CAMERA])
    prediction = model.predict(scene(1))
    assert prediction.kind is model.info.kind
    assert prediction.values.shape == (60, 80)
    assert np.isfinite(prediction.values).any()


@pytest.fixture
def small_named(monkeypatch):
    """Let da3-small stand for the small network."""
    from depth_ros.models.networks.depth_anything_3.configurations import official_configuration

    configuration = official_configuration(tiny_da3.configuration(RAYS))
    monkeypatch.setattr(family, 'CONFIGURATIONS', {RAYS: configuration})


def test_a_named_model_takes_a_file_or_a_folder(folder, small_named):
    place = folder(RAYS)
    expected = create_model(str(place), EXACT).predict(scene(1)).values
    for weights in (place, place / 'model.safetensors'):
        model = create_model('da3-small', {**EXACT, 'weights': str(weights)})
        np.testing.assert_array_equal(model.predict(scene(1)).values, expected)
        assert model.info.licence == 'Apache-2.0'


def test_the_licence_is_shown_before_the_download(folder, monkeypatch, caplog):
    asked = []

    def download(repository, revision):
        asked.append((repository, caplog.text))
        return folder(RAYS)

    monkeypatch.setattr(hub, 'cached_folder', lambda *_: None)
    monkeypatch.setattr(hub, 'download', download)
    with caplog.at_level(logging.INFO), pytest.raises(ModelError, match='expects'):
        create_model('da3-large-1.1', EXACT)  # what comes is something else
    (repository, shown), *_ = asked
    assert repository == 'depth-anything/DA3-LARGE-1.1'
    assert 'CC-BY-NC-4.0; commercial use is excluded' in shown
    with caplog.at_level(logging.INFO):
        create_model('da3-small', EXACT)
    assert 'Apache-2.0; commercial use is allowed' in asked[1][1]


def test_weights_of_another_model_are_errors(folder, small_named):
    file = folder(MONO) / 'model.safetensors'
    with pytest.raises(ModelError, match=r'da3mono-large.*expects .da3-small'):
        create_model('da3-small', {**EXACT, 'weights': str(folder(MONO))})
    with pytest.raises(ModelError, match=r'lacks .*; it has unexpected'):
        create_model('da3-small', {**EXACT, 'weights': str(file)})
    with pytest.raises(ModelError, match='does not exist'):
        create_model('da3-small', {**EXACT, 'weights': 'nowhere.safetensors'})
    with pytest.raises(ModelError, match='no safetensors file, no folder and no hub id'):
        create_model('da3-small', {**EXACT, 'weights': 'a/b/c'})


def test_an_unknown_configuration_is_an_error(folder, tmp_path):
    other = tmp_path / 'other'
    other.mkdir()
    (other / 'model.safetensors').symlink_to(folder(RAYS) / 'model.safetensors')
    (other / 'config.json').write_text(json.dumps({'model_name': 'da3-colossal'}))
    with pytest.raises(ModelError, match="'da3-colossal', expected one of da3-small"):
        create_model(str(other), EXACT)


# One view


@pytest.mark.parametrize('name', [METRIC, MONO, RAYS])
def test_only_metric_depth_follows_the_focal_length(folder, name):
    model = create_model(str(folder(name)), EXACT)
    one, two = (
        model.predict([View(image(), Camera.pinhole(80, 60, f))]).values for f in (70.0, 140.0)
    )
    factor = 2.0 if name == METRIC else 1.0
    np.testing.assert_allclose(two, factor * one, rtol=1e-6)


def test_metres_depend_on_the_focal_length_of_the_resized_image(folder):
    """The same even scene through a camera of twice the pixels is equally far."""
    model = create_model(str(folder(METRIC)), EXACT)
    grey = [np.full((h, w, 3), 90, np.uint8) for w, h in ((80, 60), (160, 120))]
    small = model.predict([View(grey[0], Camera.pinhole(80, 60, 70.0))]).values
    large = model.predict([View(grey[1], Camera.pinhole(160, 120, 140.0))]).values
    np.testing.assert_allclose(np.median(large), np.median(small), rtol=1e-3)


def test_the_authors_rule_of_metres(folder):
    model = create_model(str(folder(METRIC)), EXACT)
    raw = create_model(str(folder(METRIC)), EXACT)
    raw._canonical = False
    values = model.predict(scene(1)).values / raw.predict(scene(1)).values
    fx, fy = 70 * 84 / 80, 70 * 70 / 60  # of the resized image
    np.testing.assert_allclose(values, (fx + fy) / 2 / 300, rtol=1e-5)


@pytest.mark.parametrize('name', [METRIC, MONO, NESTED])
def test_the_sky_is_infinitely_far_and_never_a_wall(folder, name):
    model = create_model(str(folder(name, sky=2.0)), EXACT)
    assert np.isposinf(model.predict(scene(1)).values).all()
    above = create_model(str(folder(name, sky=2.0)), {**EXACT, 'sky_threshold': 50.0})
    if name != NESTED:  # which then has no pixel to take its scale from
        assert np.isfinite(above.predict(scene(1)).values).all()


def test_confidence_is_a_share(folder):
    confidence = create_model(str(folder(RAYS)), EXACT).predict(scene(1)).confidence
    assert confidence is not None
    assert 0 < confidence.min() <= confidence.max() < 1
    assert create_model(str(folder(MONO)), EXACT).predict(scene(1)).confidence is None


def test_a_batch_is_as_its_items_alone(folder):
    model = create_model(str(folder(RAYS)), EXACT)
    wide = View(image(3, 112, 56), Camera.pinhole(112, 56, 90.0))
    batch = [[scene(2)[1]], [wide], scene(1), scene(3)]
    for views, found in zip(batch, model.predict_batch(batch)):
        alone = model.predict(views).values
        np.testing.assert_allclose(found.values, alone, rtol=1e-4)


# Several views


@pytest.mark.parametrize('cameras', ['decoder', 'rays'])
@pytest.mark.parametrize('name', [RAYS, NESTED])
def test_several_views_have_depth_cameras_and_poses(folder, name, cameras):
    model = create_model(str(folder(name)), {**EXACT, 'cameras_from': cameras})
    result = model.predict(scene(3))
    assert len(result.views) == 3
    np.testing.assert_array_equal(result.values, result.views[0].values)
    np.testing.assert_allclose(result.pose, np.eye(4), atol=1e-6)
    for view in result.views:
        assert view.values.shape == (70, 84)
        # The network's own size, and the given camera scaled to it.
        assert view.camera.size_wh == (84, 70)
        assert (view.camera.fx, view.camera.fy) == pytest.approx((73.5, 70 * 70 / 60))
        rotation = view.pose[:3, :3]
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-5)
        assert view.kind is model.info.kind
    assert not np.allclose(result.views[1].pose, np.eye(4), atol=1e-3)


@pytest.mark.parametrize('cameras', ['decoder', 'rays'])
def test_an_assumed_camera_is_estimated(folder, cameras):
    model = create_model(str(folder(RAYS)), {**EXACT, 'cameras_from': cameras})
    guesses = (Camera.pinhole(80, 60, 70.0), Camera.pinhole(80, 60, 300.0))
    found = [model.predict(scene(2, camera=c, known=False)).camera for c in guesses]
    assert found[0] == found[1]
    # The middle of the image, in pixels whose centres are integers.
    assert (found[0].cx, found[0].cy) == pytest.approx((41.5, 34.5))
    assert found[0].fx != pytest.approx(73.5, rel=1e-3)


def test_known_poses_make_metres_in_their_own_unit(folder):
    model = create_model(str(folder(RAYS)), EXACT)
    near, far = (model.predict(scene(3, moved(3, step))) for step in (0.3, 3.0))
    assert near.kind is far.kind is DepthKind.METRIC
    np.testing.assert_allclose(far.values, 10 * near.values, rtol=1e-4)
    for view, pose in zip(far.views, moved(3, 3.0)):
        np.testing.assert_array_equal(view.pose, pose)


def test_the_scale_is_that_of_the_predicted_cameras(folder):
    """Where the network happens to predict the given cameras, its depth is taken as it is."""
    from depth_ros.models.multi_view.depth_anything_3_model import DepthAnything3Model

    model: DepthAnything3Model = create_model(str(folder(RAYS)), EXACT)
    given = np.stack(moved(4, 0.5))
    meaning = model._meaning(np.linalg.inv(given), given)
    assert meaning.scale == pytest.approx(1)
    shrunk = given.copy()
    shrunk[:, :3, 3] /= 4
    assert model._meaning(np.linalg.inv(shrunk), given).scale == pytest.approx(4)


def test_poses_in_one_place_give_no_metres(folder):
    model = create_model(str(folder(RAYS)), EXACT)
    result = model.predict(scene(3, moved(3, 0.0)))
    assert result.kind is DepthKind.SCALE_INVARIANT


def test_incomplete_knowledge_is_an_error(folder):
    model = create_model(str(folder(RAYS)), EXACT)
    with pytest.raises(ModelError, match='2 of 3 views have a pose'):
        model.predict(scene(3, [None, *moved(2, 1.0)]))
    with pytest.raises(ModelError, match='poses are known and the cameras of the views are not'):
        model.predict(scene(3, moved(3, 1.0), known=False))


def test_mono_networks_take_one_view(folder):
    with pytest.raises(ModelError, match='takes one view, 2 were given'):
        create_model(str(folder(MONO)), EXACT).predict(scene(2))


@pytest.mark.parametrize('size', [(80, 60), (60, 80), (200, 40)])
def test_a_cut_camera_sees_what_it_saw(size):
    """A pixel of what is left of an image has the ray that it had in the whole image."""
    camera = Camera.pinhole(*size, 90.0, 80.0, cx=0.4 * size[0], cy=0.6 * size[1])
    cut = cut_camera(camera, (28, 14), 56)
    from depth_ros.models.networks.depth_anything_3.preprocess import network_sizes

    _, whole = network_sizes(*size, 56)
    left, top = (whole[0] - 28) // 2, (whole[1] - 14) // 2
    for u, v in ((0, 0), (27, 13)):
        x = ((u + left + 0.5) * size[0] / whole[0] - 0.5 - camera.cx) / camera.fx
        y = ((v + top + 0.5) * size[1] / whole[1] - 0.5 - camera.cy) / camera.fy
        assert ((u - cut.cx) / cut.fx, (v - cut.cy) / cut.fy) == pytest.approx((x, y))


def test_views_of_other_proportions_are_seen_together(folder):
    model = create_model(str(folder(RAYS)), EXACT)
    wide = View(image(1, 112, 56), Camera.pinhole(112, 56, 90.0))
    result = model.predict([scene(1)[0], wide])
    assert {view.values.shape for view in result.views} == {(42, 84)}
    assert result.views[0].camera.cy != result.views[1].camera.cy


# Executors and number formats


@pytest.mark.slow
@pytest.mark.parametrize('runtime', ['openvino', 'onnxruntime'])
@pytest.mark.parametrize('name', [RAYS, METRIC, NESTED])
def test_every_executor_gives_the_numbers_of_float32(folder, name, runtime, monkeypatch, tmp_path):
    pytest.importorskip(runtime)
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    expected = create_model(str(folder(name)), EXACT).predict(scene(1))
    model = create_model(str(folder(name)), {**EXACT, 'runtime': runtime})
    found = model.predict(scene(1))
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-4)
    if expected.confidence is not None:
        np.testing.assert_allclose(found.confidence, expected.confidence, rtol=1e-4)
    if model.info.views == 0:
        with pytest.raises(ModelError, match=r'one view at a time.*set runtime to torch'):
            model.predict(scene(2))


@pytest.mark.parametrize('precision', ['bfloat16', 'float16'])
@pytest.mark.parametrize('name', [RAYS, MONO, METRIC, NESTED])
def test_half_precision_is_within_a_percent(folder, name, precision):
    exact = create_model(str(folder(name)), EXACT).predict(scene(1))
    half = create_model(str(folder(name)), {**EXACT, 'precision': precision})
    ratio = half.predict(scene(1)).values / exact.values
    if exact.kind is DepthKind.SCALE_INVARIANT:  # one factor has no meaning
        ratio /= np.median(ratio)
    assert np.abs(ratio - 1).mean() < 0.01


@pytest.mark.parametrize('precision', ['bfloat16', 'float16'])
def test_half_precision_keeps_poses(folder, precision):
    exact = create_model(str(folder(RAYS)), EXACT).predict(scene(2))
    half = create_model(str(folder(RAYS)), {**EXACT, 'precision': precision}).predict(scene(2))
    np.testing.assert_allclose(half.views[1].pose, exact.views[1].pose, atol=0.03)
    assert half.values.dtype == np.float32


def test_attention_head_by_head_gives_the_same_depth(folder):
    model = create_model(str(folder(RAYS)), EXACT)
    expected = model.predict(scene(3)).values
    from depth_ros.models.multi_view import depth_anything_3_network as network

    calls = []
    switch = network.attention_switch(model._network)
    original = network.per_head_attention

    def counted(*arguments):
        calls.append(1)
        return original(*arguments)

    network.per_head_attention = counted
    try:
        switch(True)
        np.testing.assert_allclose(model.predict(scene(3)).values, expected, rtol=1e-5)
    finally:
        network.per_head_attention = original
    assert calls
    switch(False)
    np.testing.assert_array_equal(model.predict(scene(3)).values, expected)
