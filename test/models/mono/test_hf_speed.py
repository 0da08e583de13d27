# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What is faster must say the same: paths through the network, compiler, other runtimes."""

from __future__ import annotations

import importlib.util
import itertools

import numpy as np
import pytest

from depth_ros.models.protocol import ModelError
from depth_ros.models.registry import create_model
from depth_ros.types import Camera, View

torch = pytest.importorskip('torch')
pytest.importorskip('transformers')

import tiny_checkpoints as tiny  # noqa: E402

from depth_ros.models.engine import exported, tuning  # noqa: E402
from depth_ros.models.engine.attention import per_head_attention  # noqa: E402
from depth_ros.models.mono.hf.attention import (  # noqa: E402
    PER_HEAD,
    attention_switch,
    has_config,
)

CAMERA = Camera.pinhole(128, 96, 110.0)


@pytest.fixture(scope='session')
def folder(tmp_path_factory):
    return tiny.write_checkpoint(
        tmp_path_factory.mktemp('fast'), tiny.depth_anything('metric', 20)
    )


@pytest.fixture
def view():
    return View(tiny.image(96, 128), CAMERA)


def path_of(network):
    """Return what can be seen of the way a network is prepared for."""
    kinds = {m.config._attn_implementation for m in network.modules() if has_config(m)}
    weight = network.head.conv2.weight
    return kinds, weight.is_contiguous(memory_format=torch.channels_last)


def test_warming_up_keeps_float32_exact(folder, view):
    model = create_model(str(folder), {'precision': 'float32'})
    before = model.predict([view]).values
    model.warm_up([CAMERA])
    np.testing.assert_allclose(model.predict([view]).values, before, rtol=2e-5)
    assert str(tuning.Path()) in model._runtime.seconds  # the plain way is alpaths tried


@pytest.mark.parametrize(
    'path',
    [
        tuning.Path(per_head=per_head, channels_last=last)
        for per_head, last in itertools.product((False, True), (False, True))
    ],
    ids=str,
)
def test_every_path_gives_the_same_numbers(folder, view, path):
    model = create_model(str(folder), {'precision': 'float32'})
    plain = model.predict([view]).values
    runtime = model._runtime
    network = runtime.network.network
    tuning.apply(network, path, attention_switch(network))
    runtime.path = path
    kinds, last = path_of(network)
    assert (PER_HEAD in kinds) == path.per_head
    assert last == path.channels_last
    np.testing.assert_allclose(model.predict([view]).values, plain, rtol=2e-5)


def test_position_embeddings_are_interpolated_once_for_each_size(folder):
    model = create_model(str(folder), {'precision': 'float32'})
    remembered = model._runtime.network.network.backbone.embeddings.interpolate_pos_encoding
    for size in ((96, 128), (96, 128), (120, 90), (96, 128)):
        image = tiny.image(*size)
        model.predict([View(image, Camera.pinhole(size[1], size[0], 100.0))])
    assert len(remembered.known) == 2


def test_attention_head_by_head_is_softmax_of_products():
    generator = torch.Generator().manual_seed(1)
    query, key, value = (torch.randn(2, 3, 17, 8, generator=generator) for _ in range(3))
    truth = torch.nn.functional.scaled_dot_product_attention(query, key, value)
    torch.testing.assert_close(per_head_attention(query, key, value), truth)


def choose_among(outputs, seconds, exact):
    """Choose between paths whose outputs and durations are given."""
    now = {'t': 0.0}
    paths = [tuning.Path(onednn=bool(i & 1), channels_last=bool(i & 2)) for i in range(3)]

    def run(path):
        now['t'] += seconds[paths.index(path)]
        return torch.tensor(outputs[paths.index(path)])

    network = torch.nn.Conv2d(1, 1, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tuning.time, 'perf_counter', lambda: now['t'])
        chosen, _ = tuning.choose(network, run, paths, exact)
    return paths.index(chosen)


@pytest.mark.parametrize(
    ('outputs', 'seconds', 'exact', 'expected'),
    [
        ([[1.0], [1.0], [1.0]], [3, 2, 1], True, 2),  # the fastest
        ([[1.0], [1.0], [1.0]], [1.0, 0.97, 0.99], True, 0),  # not clearly faster
        ([[1.0], [1.01], [1.0]], [3, 1, 2], True, 2),  # the fastest rounds: refused
        ([[1.0], [1.01], [1.0]], [3, 1, 2], False, 1),  # and is welcome in half precision
        ([[1.0], [float('nan')], [1.0]], [3, 1, 4], False, 0),  # never NaN
    ],
    ids=['fastest', 'not_clearly', 'rounds', 'half', 'nan'],
)
def test_the_fastest_way_that_says_the_same_is_chosen(outputs, seconds, exact, expected):
    assert choose_among(outputs, seconds, exact) == expected


@pytest.mark.parametrize('family', tiny.FAMILIES)
def test_what_the_paths_are_tried_on_shows_a_loss_of_precision(family, monkeypatch, tmp_path):
    """Bfloat16 must not pass for float32 on the trial image and prompt of any family."""
    rounding = []

    def compare(network, run, paths, exact, set_attention):
        exactly = run(paths[0])
        with torch.autocast('cpu', torch.bfloat16):
            roughly = run(paths[0])
        rounding.append(float((roughly - exactly).abs().max() / exactly.abs().max()))
        return paths[0], {}

    monkeypatch.setattr(tuning, 'choose', compare)
    folder = tiny.write_checkpoint(tmp_path / family, tiny.FAMILIES[family]())
    options = {'precision': 'float32', 'device': 'cpu'}
    if family in ('dpt_dinov2', 'chmv2'):  # their configurations do not say what they predict
        options['kind'] = 'metric'
    create_model(str(folder), options).warm_up([CAMERA])
    assert rounding[0] > 3 * tuning.SAME


def test_the_switch_of_onednn_is_put_back():
    switch = torch.backends.mkldnn.matmul
    before = switch.fp32_precision
    seen = []

    def fail():
        with tuning.onednn_float32(True):
            seen.append(switch.fp32_precision)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert seen == ['bf16']
    assert switch.fp32_precision == before


def test_depth_in_half_precision_is_not_in_steps(folder, view):
    """The last layer stays float32: bfloat16 could say about 30 depths between 7 and 8 m."""
    values = create_model(str(folder), {'precision': 'bfloat16'}).predict([view]).values
    rounded = torch.from_numpy(values).bfloat16().float().numpy()
    assert len(np.unique(values)) > 10 * len(np.unique(rounded))


@pytest.mark.slow
def test_compiled_is_the_same(folder, view):
    model = create_model(str(folder), {'precision': 'float32', 'compile': 'auto'})
    plain = model.predict([view]).values
    eager = model._runtime.network
    model.warm_up([CAMERA])
    assert model._runtime.network is not eager
    np.testing.assert_allclose(model.predict([view]).values, plain, rtol=1e-4)


ENGINES = [
    pytest.param(
        name,
        precision,
        marks=[
            pytest.mark.skipif(not importlib.util.find_spec(name), reason=f'{name} is absent'),
            pytest.mark.slow,
        ],
    )
    for name, precision in (
        ('openvino', 'float32'),
        ('openvino', 'bfloat16'),
        ('onnxruntime', 'float32'),
    )
]


@pytest.mark.parametrize(('name', 'precision'), ENGINES)
def test_an_engine_says_what_torch_says_and_is_cached(
    folder, view, tmp_path, monkeypatch, name, precision
):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    truth = create_model(str(folder), {'precision': 'float32'}).predict([view]).values
    options = {'runtime': name, 'precision': precision}
    model = create_model(str(folder), options)
    model.warm_up([CAMERA])
    error = np.abs(model.predict([view]).values - truth) / truth
    assert np.median(error) < (1e-5 if precision == 'float32' else 1e-2)
    files = {p: p.stat().st_mtime_ns for p in tmp_path.rglob('*') if p.is_file()}
    assert files
    again = create_model(str(folder), options)
    again.warm_up([CAMERA])
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob('*') if p.is_file()} == files
    np.testing.assert_array_equal(again.predict([view]).values, model.predict([view]).values)


@pytest.mark.parametrize('change', [1.1, float('nan')])
def test_an_engine_that_says_something_else_is_refused(change):
    truth = torch.linspace(1, 2, 12).reshape(1, 3, 4)
    wrong = {'predicted_depth': truth.numpy() * change}
    with pytest.raises(ModelError, match='set runtime to torch'):
        exported.check_engine('engine', 'float32', wrong, {'predicted_depth': truth})
    right = {'predicted_depth': truth.numpy()}
    exported.check_engine('engine', 'float32', right, {'predicted_depth': truth})


def test_a_missing_runtime_is_named_with_the_line_that_installs_it(folder, monkeypatch):
    import builtins
    import sys

    real = builtins.__import__

    def absent(name, *arguments, **named):
        if name.startswith('openvino'):
            raise ImportError('No module named openvino')
        return real(name, *arguments, **named)

    monkeypatch.setitem(sys.modules, 'openvino', None)
    monkeypatch.setattr(builtins, '__import__', absent)
    with pytest.raises(ModelError, match='pip install openvino'):
        create_model(str(folder), {'runtime': 'openvino'})


def test_a_network_that_votes_has_no_single_graph(tmp_path):
    folder = tiny.write_checkpoint(tmp_path, tiny.zoedepth(two_heads=True))
    with pytest.raises(ModelError, match='set runtime to torch'):
        create_model(str(folder), {'runtime': 'openvino'})


def test_images_of_a_batch_do_not_vote_for_each_other(tmp_path):
    """The vote of ZoeDepth's network is one for the whole batch: images go one by one."""
    folder = tiny.write_checkpoint(tmp_path, tiny.zoedepth(two_heads=True))
    model = create_model(str(folder), {'precision': 'float32'})
    sizes = []
    network = model._runtime.network
    network.register_forward_pre_hook(lambda module, given: sizes.append(len(given[0])))
    views = [[View(tiny.image(96, 128, seed), CAMERA)] for seed in range(3)]
    model.predict_batch(views)
    assert sizes == [1, 1, 1]
