# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What holds for every model of the registry, in one sweep.

A model loads or says in one sentence what is missing; it predicts the size and the kind that it
states; a batch equals its members; a closed model is made again. A second sweep runs every
network on torch's meta device, where a tensor that was left on the CPU is an error.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
import tiny_da3
from small_models import ANALYTIC, NETWORKS, SMALL, TRANSFORMERS

from depth_ros.models.mono.hf.model import adapters
from depth_ros.models.protocol import DepthModel, ModelError, ModelInfo
from depth_ros.models.registry import catalogue, create_model, families, family_of
from depth_ros.types import Camera, DepthKind, Known, View

SIZES = ((97, 131), (66, 101))  # height, width

each_model = pytest.mark.parametrize('small', SMALL.values(), ids=SMALL)


def image(height: int, width: int, seed: int) -> np.ndarray:
    """Return smooth colours with some noise, uint8 RGB."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 8 + 2, width // 8 + 2, 3), np.uint8)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    return np.clip(smooth + rng.integers(-8, 9, smooth.shape), 0, 255).astype(np.uint8)


def views_of(info: ModelInfo, height: int, width: int, seed: int = 0) -> list[View]:
    """Return what a model takes for one prediction: an image, or a pair 4 px apart."""
    camera = Camera.pinhole(width, height, (0.8 + 0.1 * seed) * width)
    if info.views != 2:
        depth = np.array([[1, 2], [3, 4 + seed]], np.float32) if info.takes_depth else None
        return [View(image(height, width, seed), camera, Known(depth=depth))]
    wide = image(height, width + 4, seed)
    right = Camera.pinhole(width, height, camera.fx, baseline=0.1)
    eyes = (wide[:, :width], wide[:, 4:])
    return [View(np.ascontiguousarray(e), c) for e, c in zip(eyes, (camera, right))]


def needs_torch(small) -> None:
    if small not in ANALYTIC.values() or small.registered.startswith('builtin'):
        pytest.importorskip('torch')
        pytest.importorskip('safetensors')


@each_model
def test_every_model_keeps_the_protocol(small, tmp_path, monkeypatch):
    needs_torch(small)
    name, options = small.make(tmp_path, monkeypatch)
    model = create_model(name, options)
    assert isinstance(model, DepthModel)
    assert (model.info.kind, model.info.views) == (small.kind, small.views)
    if small.registered:
        stated = catalogue()[small.registered]
        assert (stated.kind, stated.views) == (small.kind, small.views)
        assert model.info == stated or small in NETWORKS.values() or name.startswith('builtin')
    batch = [
        views_of(model.info, *size, seed=seed) for seed, size in enumerate((*SIZES, SIZES[0]))
    ]
    alone = [model.predict(views) for views in batch[:2]]
    for views, found in zip(batch, alone):
        camera = views[0].camera
        assert found.kind is small.kind
        assert found.values.dtype == np.float32
        assert found.values.shape == (camera.height, camera.width)
        assert found.camera is camera
        known = found.values[np.isfinite(found.values)]
        if name != 'sgbm':  # which leaves out what it cannot match
            assert known.size > 0.4 * found.values.size
        assert (known > 0).all() or small.kind in (DepthKind.AFFINE_INVERSE, DepthKind.DISPARITY)
        assert (found.baseline == pytest.approx(0.1)) is (small.kind is DepthKind.DISPARITY)
        assert np.ptp(known) > 0 or name in ('plane', 'inverse_plane')
        if found.confidence is not None:
            assert found.confidence.shape == found.values.shape
            assert np.nanmin(found.confidence) >= 0
            assert np.nanmax(found.confidence) <= 1
    # Of three cameras, the first and the last share a size.
    together = model.predict_batch(batch)
    model.close()
    model.close()  # twice does no harm
    if small in NETWORKS.values():
        with pytest.raises(ModelError, match='was closed'):
            model.predict(batch[0])
    alone.append(create_model(name, options).predict(batch[2]))
    for one, found in zip(together, alone, strict=True):
        assert one.camera is found.camera
        assert (np.isfinite(one.values) == np.isfinite(found.values)).mean() > 0.999
        both = np.isfinite(one.values) & np.isfinite(found.values)
        first, second = one.values[both], found.values[both]
        assert np.abs(first - second).mean() <= small.rounding * np.abs(second).max()


def test_every_family_has_a_small_model():
    pytest.importorskip('transformers')
    import tiny_checkpoints

    made = {id(family_of(small.registered)) for small in SMALL.values() if small.registered}
    left = {
        next(iter(family.names))
        for family in families()
        if family.names and id(family) not in made
    }
    types = {tiny_checkpoints.FAMILIES[name]()[0].model_type for name in TRANSFORMERS}
    assert {family_of(name).names[name].family for name in left} <= types == set(adapters())


LIST = """
import json
from depth_ros.models.registry import catalogue, create_model
found = {}
for name in catalogue():
    try:
        create_model(name).close()
        found[name] = ''
    except Exception as error:
        found[name] = f'{type(error).__module__}: {error}'
print('FOUND ' + json.dumps(found))
"""


def test_every_name_loads_or_says_how_to_get_it(tmp_path):
    """On a machine without downloads and without a network."""
    pytest.importorskip('torch')
    pytest.importorskip('transformers')
    home = {'HF_HOME': str(tmp_path), 'XDG_CACHE_HOME': str(tmp_path), 'HF_HUB_OFFLINE': '1'}
    done = subprocess.run(
        [sys.executable, '-c', LIST],
        env={**os.environ, **home},
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = (x for x in done.stdout.splitlines() if x.startswith('FOUND '))
    found = json.loads(line[6:])
    assert {name for name, said in found.items() if not said} == set(ANALYTIC)
    for said in found.values():
        if said:
            module, _, sentence = said.partition(': ')
            assert module.startswith('depth_ros'), said
            assert '\n' not in sentence
            assert 'depth_ros fetch' in sentence or 'depth_ros convert' in sentence, said


# Device placement


@pytest.fixture
def on_meta(monkeypatch):
    """Open every network on the meta device; operations may not mix it with the CPU."""
    torch = pytest.importorskip('torch')
    pytest.importorskip('safetensors')
    from meta_runtime import MetaRuntime

    for module in ('mono.network_model', 'mono.hf.model', 'stereo.pair_family'):
        monkeypatch.setattr(
            f'depth_ros.models.{module}.open_runtime',
            lambda load, options: MetaRuntime(load()),
        )
    monkeypatch.setattr(
        'depth_ros.models.multi_view.depth_anything_3.open_runtime',
        lambda load, options: MetaRuntime(load()),
    )
    return torch


@pytest.mark.parametrize('small', NETWORKS.values(), ids=NETWORKS)
def test_no_tensor_is_left_on_another_device(small, tmp_path, monkeypatch, on_meta):
    """Prepare, forward and finish; the values themselves are lost on this device."""
    name, options = small.make(tmp_path, monkeypatch)
    model = create_model(name, options)
    size = (361, 643)
    found = model.predict_batch([views_of(model.info, *size, seed=seed) for seed in (0, 1)])
    assert [one.values.shape for one in found] == [size, size]


@pytest.mark.parametrize('several', [1, 3])
@pytest.mark.parametrize('posed', [False, True])
def test_no_tensor_of_several_views_is_left_on_another_device(several, posed, tmp_path, on_meta):
    from meta_runtime import OneDevice

    from depth_ros.models.networks.depth_anything_3.configurations import official_configuration
    from depth_ros.models.networks.depth_anything_3.network import build

    torch = on_meta
    configuration = official_configuration(tiny_da3.configuration(tiny_da3.RAYS))
    network = build(configuration).eval().to('meta')
    images = torch.zeros(1, several, 3, 70, 84, device='meta')
    known = ()
    if posed:
        known = tuple(torch.zeros(1, several, n, n, device='meta') for n in (4, 3))
    with torch.inference_mode(), OneDevice():
        scene = network(images, *known)
    assert scene.depth.is_meta
    assert scene.depth.shape == (1, several, 70, 84)


def test_no_tensor_of_builtin_is_left_on_another_device(on_meta):
    from meta_runtime import OneDevice

    from depth_ros.models.networks.builtin.network import BuiltinNetwork

    torch = on_meta
    network = BuiltinNetwork().eval().to('meta')
    with torch.inference_mode(), OneDevice():
        inputs = [torch.zeros(2, *shape, device='meta') for shape in ((3, 64, 96), (6, 32, 48))]
        output = network(*inputs)
    assert output.is_meta
    assert output.shape == (2, 7, 32, 48)


@pytest.mark.parametrize(
    'left',
    [
        lambda torch, x: x + torch.ones(3, 1, 1),
        lambda torch, x: torch.nn.functional.conv2d(x, torch.ones(2, 3, 3, 3)),
        lambda torch, x: torch.cat([x, torch.ones(1, 3, 8, 8)]),
        lambda torch, x: x @ torch.ones(8, 8),
    ],
)
def test_a_tensor_that_is_left_on_the_cpu_is_found(left, on_meta):
    from meta_runtime import OneDevice

    x = on_meta.ones(1, 3, 8, 8, device='meta')
    with OneDevice(), pytest.raises((AssertionError, RuntimeError), match=r'cpu|CPU'):
        left(on_meta, x)
