# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth Anything 3: names, shapes, what must not matter, and agreement with the authors."""

import json
import re

import pytest
import torch
from tiny_depth_anything_3 import ALL, ANY_VIEW, GIANT, MONO, NESTED, golden, some_views, tiny

from depth_ros.lab.parity.__main__ import main as parity
from depth_ros.models.networks.depth_anything_3 import blocks
from depth_ros.models.networks.depth_anything_3.checkpoint import network_key, network_state
from depth_ros.models.networks.depth_anything_3.configurations import (
    CONFIGURATIONS,
    NestedConfiguration,
    official_configuration,
)
from depth_ros.models.networks.depth_anything_3.network import build
from depth_ros.models.networks.unfilled import without_weights
from depth_ros.types import DepthError

# The ray branch uses its finest level; the coarser ones are there for the checkpoints. The
# normalisation that all share is listed under the first.
COARSE_RAYS = re.compile(r'output_conv(1_aux\.[012]\.|2_aux\.[012]\.[05]\.)')
SIZES = [(14, 14), (28, 70), (56, 42)]


def run(network, *inputs):
    with torch.inference_mode():
        return network(*inputs)


def known_cameras(batch, views, height, width):
    """Return extrinsics and intrinsics of cameras side by side."""
    extrinsics = torch.eye(4).expand(batch, views, 4, 4).clone()
    extrinsics[..., 0, 3] = torch.arange(views)
    intrinsics = torch.tensor([[width, 0, width / 2], [0, width, height / 2], [0, 0, 1.0]])
    return extrinsics, intrinsics.expand(batch, views, 3, 3)


def parts(scene):
    return {k: v for k, v in scene._asdict().items() if v is not None}


def assert_equal(a, b, tolerance=2e-4):
    assert parts(a).keys() == parts(b).keys()
    for key, value in parts(a).items():
        expected = parts(b)[key]
        torch.testing.assert_close(value, expected, rtol=tolerance, atol=tolerance, msg=key)


@pytest.mark.parametrize(
    'name',
    [
        'da3_small',
        'da3_giant_tiny',
        'da3_mono_tiny',
        'da3_nested_tiny',
        'da3_raypose',
        pytest.param('da3_mono_large', marks=pytest.mark.slow),
    ],
)
def test_the_outputs_are_those_of_the_authors(name, capsys):
    assert parity([str(golden(name))]) == 0, capsys.readouterr().out


@pytest.mark.parametrize('name', CONFIGURATIONS)
def test_parameters_have_the_official_names_and_shapes(name):
    shapes = golden('da3_state_dict_shapes').read_text('utf-8')
    with without_weights():
        network = build(name)
    official = json.loads(shapes)[name]['params']
    wanted = {network_key(key): tuple(shape) for key, shape in official.items()}
    unused = [key for key in official if network_key(key) is None]
    assert all('gs_head' in key for key in unused)
    wanted.pop(None, None)
    assert {k: tuple(v.shape) for k, v in network.state_dict().items()} == wanted


@pytest.mark.parametrize(
    ('name', 'millions'), [('da3-small', 34.299463), ('da3-large', 410.941767)]
)
def test_parameters_are_as_many_as_published(name, millions):
    with without_weights():
        network = build(name)
    assert sum(p.numel() for p in network.parameters()) == round(millions * 1e6)


@pytest.mark.parametrize('name', ALL)
@pytest.mark.parametrize('views', [1, 3])
@pytest.mark.parametrize('device', ['cpu', 'meta'])
def test_outputs_have_the_size_of_the_views(name, views, device):
    network = tiny(ALL[name]).to(device)
    for height, width in SIZES:
        scene = run(network, some_views(2, views, height, width).to(device))
        shape = (2, views, height, width)
        rays = (2, views, 8 * height // 14, 8 * width // 14)
        assert scene.depth.shape == shape
        assert scene.depth.device.type == device
        if ALL[name] is not MONO:
            assert scene.confidence.shape == shape
            assert scene.rays.shape == (*rays, 6)
            assert scene.ray_confidence.shape == rays
            assert scene.extrinsics.shape == (2, views, 3, 4)
            assert scene.intrinsics.shape == (2, views, 3, 3)
        if ALL[name] in (MONO, NESTED):
            assert scene.sky.shape == shape
        if device == 'cpu':
            for key, value in parts(scene).items():
                assert torch.isfinite(value).all(), key
            assert (scene.depth > 0).all()


@pytest.mark.parametrize('name', ALL)
def test_a_batch_is_as_its_items_alone(name):
    network = tiny(ALL[name])
    views = some_views(3, 3, 28, 42)
    together = run(network, views)
    for index in range(3):
        alone = run(network, views[index : index + 1])
        assert_equal(
            type(alone)(*(v if v is None else v[index : index + 1] for v in together)), alone
        )


@pytest.mark.parametrize('name', ['any_view', 'giant'])
def test_the_order_of_three_or_more_views_does_not_matter(name):
    network = tiny(ALL[name])
    views = some_views(1, 4, 28, 42)
    order = [2, 0, 3, 1]
    first, second = run(network, views), run(network, views[:, order])
    assert order[int(second.reference)] == int(first.reference)
    reordered = first._asdict()
    del reordered['reference'], reordered['scale']
    for key, value in reordered.items():
        if value is not None:
            got = getattr(second, key)
            torch.testing.assert_close(got, value[:, order], rtol=2e-4, atol=2e-4, msg=key)


@pytest.mark.parametrize('name', ['any_view', 'giant'])
def test_of_two_views_the_first_is_the_reference(name):
    network = tiny(ALL[name])
    views = some_views(1, 2, 28, 42)
    first, second = run(network, views), run(network, views.flip(1))
    assert int(first.reference) == int(second.reference) == 0
    assert not torch.allclose(first.depth, second.depth.flip(1), rtol=1e-3)


@pytest.mark.parametrize('name', ['any_view', 'giant'])
def test_views_see_each_other(name):
    network = tiny(ALL[name])
    views = some_views(1, 2, 28, 42)
    other = torch.stack([views[:, 0], views[:, 1].flip(-1)], 1)
    assert not torch.allclose(run(network, views).depth[:, 0], run(network, other).depth[:, 0])


def test_mono_views_do_not():
    network = tiny(MONO)
    views = some_views(1, 3, 28, 42)
    together = run(network, views)
    alone = run(network, views.transpose(0, 1))
    torch.testing.assert_close(together.depth, alone.depth.transpose(0, 1), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(together.sky, alone.sky.transpose(0, 1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('name', ['any_view', 'giant', 'nested'])
def test_known_cameras_change_the_prediction(name):
    network = tiny(ALL[name])
    views = some_views(1, 3, 28, 42)
    extrinsics, intrinsics = known_cameras(1, 3, 28, 42)
    unknown = run(network, views)
    known = run(network, views, extrinsics, intrinsics)
    turned = run(network, views, extrinsics.flip(1), intrinsics)
    assert known.reference is None
    assert not torch.allclose(known.depth, unknown.depth)
    assert not torch.allclose(known.depth, turned.depth)
    assert_equal(known, run(network, views, extrinsics[:, :, :3], intrinsics))


@pytest.mark.parametrize('name', ALL)
def test_the_head_sees_few_views_at_once_and_the_result_is_the_same(name):
    views = some_views(2, 3, 28, 42)
    whole, parted = tiny(ALL[name], views_at_once=99), tiny(ALL[name], views_at_once=2)
    seen = []
    for module in parted.modules():
        if hasattr(module, 'scratch'):
            module.register_forward_pre_hook(lambda _, given: seen.append(len(given[0][0])))
    assert_equal(run(whole, views), run(parted, views))
    assert set(seen) == {2}
    assert sum(seen) == 6 * (2 if ALL[name] is NESTED else 1)


@pytest.mark.parametrize('name', ALL)
def test_bfloat16_is_close_to_float32(name):
    network = tiny(ALL[name])
    views = some_views(1, 2, 28, 42)
    exact = run(network, views)
    rounded = run(network.to(torch.bfloat16), views.to(torch.bfloat16))
    assert rounded.depth.dtype == torch.float32
    error = (rounded.depth / exact.depth).log().abs()
    assert error.mean() < 0.05
    if exact.extrinsics is not None:
        assert rounded.extrinsics.dtype == torch.float32
        assert (rounded.extrinsics - exact.extrinsics).abs().max() < 0.1


@pytest.mark.parametrize('name', ALL)
def test_float64_agrees_with_float32(name):
    network = tiny(ALL[name])
    views = some_views(1, 3, 28, 42)
    first = run(network, views)
    second = run(network.double(), views.double())
    assert second.depth.dtype == torch.float64
    torch.testing.assert_close(first.depth.double(), second.depth, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('name', ALL)
def test_gradients_reach_every_weight_that_is_used(name):
    network = tiny(ALL[name]).train()
    views = some_views(1, 3, 28, 42).requires_grad_()
    cameras = known_cameras(1, 3, 28, 42)
    scenes = [network(views)]
    if ALL[name] is not MONO:
        scenes.append(network(views, *cameras))
    loss = sum(v.double().sum() for s in scenes for k, v in parts(s).items() if k != 'reference')
    loss.backward()
    for key, parameter in network.named_parameters():
        if COARSE_RAYS.search(key):
            continue
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
        assert parameter.grad.abs().sum() > 0, key
    assert views.grad.abs().sum() > 0


@pytest.mark.parametrize('name', ALL)
def test_it_can_be_exported(name):
    network = tiny(ALL[name])
    views = some_views(1, 3, 28, 42)
    exported = torch.export.export(network, (views,)).module()
    assert_equal(run(exported, views), run(network, views))


@pytest.mark.parametrize('name', ALL)
def test_it_can_be_compiled_in_one_piece(name):
    network = tiny(ALL[name])
    views = some_views(1, 3, 28, 42)
    compiled = torch.compile(network, fullgraph=True, backend='eager')
    assert_equal(run(compiled, views), run(network, views))


def test_mono_exports_to_onnx(tmp_path):
    pytest.importorskip('onnxscript')
    onnxruntime = pytest.importorskip('onnxruntime')
    network = tiny(MONO)
    views = some_views(1, 1, 42, 56)
    path = tmp_path / 'mono.onnx'
    torch.onnx.export(network, (views,), str(path), dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    depth, sky = session.run(None, {session.get_inputs()[0].name: views.numpy()})
    scene = run(network, views)
    torch.testing.assert_close(torch.from_numpy(depth), scene.depth, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(torch.from_numpy(sky), scene.sky, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('name', ALL)
def test_all_attention_passes_through_one_function(name, monkeypatch):
    network = tiny(ALL[name])
    views = some_views(1, 3, 28, 42)
    expected = run(network, views)

    def plain(query, key, value):
        weights = query @ key.mT / query.shape[-1] ** 0.5
        return weights.softmax(-1) @ value

    with monkeypatch.context() as patch:
        patch.setattr(blocks, 'attend', plain)
        patch.setattr(torch.nn.functional, 'scaled_dot_product_attention', None)
        assert_equal(run(network, views), expected)


def test_a_checkpoint_of_the_authors_loads():
    """With a prefix, with the Gaussian head, and with a shared tensor under one key only."""
    network = tiny(GIANT)
    official = {f'model.{key}': value for key, value in network.state_dict().items()}
    official['model.gs_head.norm.weight'] = torch.zeros(3)
    official['model.gs_adapter.scale'] = torch.zeros(3)
    for level in (0, 1, 3):
        del official[f'model.head.scratch.output_conv2_aux.{level}.2.weight']
        del official[f'model.head.scratch.output_conv2_aux.{level}.2.bias']
    other = tiny(GIANT, seed=1)
    views = some_views(1, 2, 28, 28)
    assert not torch.allclose(run(other, views).rays, run(network, views).rays)
    other.load_state_dict(network_state(official))
    assert_equal(run(other, views), run(network, views))


def test_a_checkpoint_loads_into_a_network_without_memory():
    network = tiny(NESTED)
    with without_weights():
        other = build(NESTED)
    other.load_state_dict(network_state(network.state_dict()), assign=True)
    views = some_views(1, 2, 28, 28)
    assert_equal(run(other, views), run(network, views))


def official(configuration):
    """Return a configuration as the authors write it."""
    if isinstance(configuration, NestedConfiguration):
        return {
            'anyview': official(configuration.any_view),
            'metric': official(configuration.metric),
        }
    backbone, head = configuration.backbone, configuration.head
    names = {384: 'vits', 768: 'vitb', 1024: 'vitl', 1536: 'vitg'}

    def start(index):
        return -1 if index is None else index

    found = {
        'net': {
            'name': names[backbone.width],
            'out_layers': list(backbone.outputs),
            'alt_start': start(backbone.across_from),
            'qknorm_start': start(backbone.normalised_from),
            'rope_start': start(backbone.rotated_from),
            'cat_token': backbone.joined,
        },
        'head': {
            '__object__': {'name': 'DualDPT' if head.kind == 'rays' else 'DPT'},
            'dim_in': backbone.channels,
            'output_dim': 2 if head.kind == 'rays' else 1,
            'features': head.width,
            'out_channels': list(head.stages),
        },
    }
    if configuration.cameras:
        found['cam_enc'] = {'dim_out': backbone.width}
        found['cam_dec'] = {'dim_in': backbone.channels}
        found['gs_head'] = {'dim_in': 5}
    return found


@pytest.mark.parametrize('name', CONFIGURATIONS)
def test_official_configurations_are_read(name):
    assert official_configuration(official(CONFIGURATIONS[name])) == CONFIGURATIONS[name]


@pytest.mark.parametrize(
    ('section', 'key', 'value', 'message'),
    [
        ('net', 'num_register_tokens', 4, 'num_register_tokens'),
        ('net', 'name', 'vith', 'vith'),
        ('net', 'out_layers', [1, 2, 3], 'four'),
        ('net', 'out_layers', [9, 10, 11, 12], 'below the depth'),
        ('net', 'num_heads', 7, 'heads'),
        ('head', 'dim_in', 384, 'dim_in is 384, expected 768'),
        ('head', 'down_ratio', 2, 'down_ratio'),
        ('cam_enc', 'dim_out', 768, 'dim_out'),
    ],
)
def test_other_configurations_are_errors(section, key, value, message):
    config = official(CONFIGURATIONS['da3-small'])
    config[section][key] = value
    with pytest.raises(DepthError, match=message):
        official_configuration(config)


@pytest.mark.parametrize(
    ('configuration', 'inputs', 'message'),
    [
        (ANY_VIEW, (torch.zeros(1, 3, 28, 28),), 'shape'),
        (ANY_VIEW, (torch.zeros(1, 1, 3, 28, 30),), 'multiples of 14'),
        (ANY_VIEW, (torch.zeros(1, 1, 3, 28, 28), torch.eye(4)[None, None]), 'both'),
        (MONO, (torch.zeros(1, 1, 3, 28, 28), *known_cameras(1, 1, 28, 28)), 'no camera encoder'),
    ],
)
def test_inputs_that_do_not_fit_are_errors(configuration, inputs, message):
    with pytest.raises(DepthError, match=message):
        run(tiny(configuration), *inputs)


def test_an_unknown_name_is_an_error():
    with pytest.raises(DepthError, match='da3-small'):
        build('da3-tiny')
