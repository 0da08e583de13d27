# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Every family against transformers' own processor, network and post-processing."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from depth_ros.models.mono.hf.model import TransformersOptions
from depth_ros.models.protocol import ModelError
from depth_ros.models.registry import create_model
from depth_ros.types import Camera, DepthKind, Known, View

torch = pytest.importorskip('torch')
transformers = pytest.importorskip('transformers')
F = torch.nn.functional

import tiny_checkpoints as tiny  # noqa: E402

METRIC, INVERSE = DepthKind.METRIC, DepthKind.AFFINE_INVERSE
KINDS = {
    'depth_anything_relative': INVERSE,
    'depth_anything_metric': METRIC,
    'prompt_depth_anything': METRIC,
    'dpt_vit': INVERSE,
    'dpt_hybrid': INVERSE,
    'dpt_beit': INVERSE,
    'dpt_swinv2': INVERSE,
    'dpt_dinov2': None,
    'zoedepth_one_head': METRIC,
    'zoedepth_two_heads': METRIC,
    'depth_pro': METRIC,
    'glpn': METRIC,
    'chmv2': None,
    'tipsv2': METRIC,
}
FITTING = {'dpt_dinov2': (98, 126), 'chmv2': (96, 128)}  # multiples, so that nothing is padded
SIZES = [(96, 128), (101, 147)]


@pytest.fixture(scope='session')
def checkpoints(tmp_path_factory):
    """Write each family once, when it is first asked for."""
    root, written = tmp_path_factory.mktemp('checkpoints'), {}

    def write(family: str) -> Path:
        if family not in written:
            written[family] = tiny.write_checkpoint(root / family, tiny.FAMILIES[family]())
        return written[family]

    return write


def load(folder: Path, family: str, **options):
    if KINDS[family] is None:
        options.setdefault('kind', 'metric')
    options.setdefault('precision', 'float32')
    options.setdefault('focal', 'model')
    # transformers' own processor is the Pillow one where torchvision is missing.
    has_torchvision = importlib.util.find_spec('torchvision') is not None
    options.setdefault('processor', 'tensor' if has_torchvision else 'pillow')
    return create_model(str(folder), options)


def prompt_of(model):
    if not model.adapter.takes_depth:
        return None
    return np.random.default_rng(5).uniform(1, 3, (12, 16)).astype(np.float32)


def camera_of(height: int, width: int, fx: float = 110.0) -> Camera:
    return Camera.pinhole(width, height, fx)


def predict(model, image):
    view = View(image, camera_of(*image.shape[:2]), Known(depth=prompt_of(model)))
    return model.predict([view]).values


class Reference:
    """What transformers itself does; where its processor needs torchvision, its steps by hand."""

    def __init__(self, folder: Path, family: str) -> None:
        self.family = family
        network = transformers.AutoModelForDepthEstimation.from_pretrained(folder)
        self.network = network.eval()
        try:
            self.processor = transformers.AutoImageProcessor.from_pretrained(folder)
        except (ImportError, ValueError):
            self.processor = None
        self.settings = tiny.FAMILIES[family]()[1]

    def pixels(self, image):
        if self.processor is not None:
            return self.processor(images=image, return_tensors='pt')['pixel_values']
        values = torch.from_numpy(image).permute(2, 0, 1)[None]
        if self.family == 'depth_pro':  # normalise, then resize without antialias
            values = (values.float() - 127.5) / 127.5
            return F.interpolate(values, (64, 64), mode='bilinear', align_corners=False)
        if self.family == 'tipsv2':
            values = F.interpolate(values, (56, 56), mode='bilinear', antialias=True)
            return values * (1 / 255)
        assert self.family == 'chmv2'
        mean = torch.tensor([0.420, 0.411, 0.296]).view(1, 3, 1, 1) * 255
        std = torch.tensor([0.213, 0.156, 0.143]).view(1, 3, 1, 1) * 255
        values = (values.float() - mean) / std
        down, across = (-side % 16 for side in values.shape[-2:])
        edges = (across // 2, across - across // 2, down // 2, down - down // 2)
        return F.pad(values, edges)

    def depth(self, image, prompt, target=None):
        height, width = target or image.shape[:2]
        more = {} if prompt is None else {'prompt_depth': torch.from_numpy(prompt)[None, None]}
        with torch.no_grad():
            outputs = self.network(self.pixels(image), **more)
        raw = outputs.predicted_depth
        if self.family.startswith('zoedepth'):
            down, across = (int(np.sqrt(side / 2) * 3) for side in (height, width))
            size = (height + 2 * down, width + 2 * across)
            full = F.interpolate(raw[:, None], size, mode='bicubic', align_corners=False)
            return full[0, 0, down:-down, across:-across].numpy()
        if self.processor is None:
            mode = {'mode': 'bilinear', 'align_corners': self.family == 'chmv2'}
            if self.family == 'depth_pro':
                raw = raw * 2 * torch.tan(torch.deg2rad(outputs.field_of_view) / 2)
            full = F.interpolate(raw[:, None], (height, width), **mode)[0, 0]
            return (1 / full.clamp(1e-4, 1e4) if self.family == 'depth_pro' else full).numpy()
        finished = self.processor.post_process_depth_estimation(
            outputs, target_sizes=[(height, width)]
        )
        return finished[0]['predicted_depth'].numpy()


def relative_error(values, truth):
    return np.abs(values - truth) / np.abs(truth)


@pytest.mark.parametrize('family', tiny.FAMILIES)
@pytest.mark.parametrize('size', SIZES, ids=lambda s: f'{s[1]}x{s[0]}')
def test_depth_is_that_of_transformers(checkpoints, family, size):
    folder = checkpoints(family)
    image = tiny.image(*FITTING.get(family, size))
    model = load(folder, family)
    truth = Reference(folder, family).depth(image, prompt_of(model))
    assert truth.std() > 1e-3 * np.abs(truth).mean()  # the comparison is about something
    # torch's own resizing is off by up to 2e-5 of float64's.
    assert relative_error(predict(model, image), truth).max() < 5e-5


@pytest.mark.parametrize('family', tiny.FAMILIES)
@pytest.mark.parametrize('size', SIZES, ids=lambda s: f'{s[1]}x{s[0]}')
def test_input_is_that_of_the_image_processor_to_the_last_bit(checkpoints, family, size):
    folder = checkpoints(family)
    image = tiny.image(*size, seed=3)
    model = load(folder, family)
    ours = model.adapter.prepare(torch.from_numpy(image)[None], model.plan(*size))
    truth = Reference(folder, family).pixels(image)
    assert ours.shape == truth.shape
    assert torch.equal(ours, truth)


@pytest.mark.parametrize('family', tiny.FAMILIES)
def test_the_default_is_within_a_thousandth_of_transformers(checkpoints, family):
    folder = checkpoints(family)
    image = tiny.image(*FITTING.get(family, SIZES[0]))
    model = load(folder, family, processor=TransformersOptions().processor)
    truth = Reference(folder, family).depth(image, prompt_of(model))
    error = relative_error(predict(model, image), truth)
    # A deliberate difference: the tensor processor is the default also where transformers would
    # fall back to Pillow's, and single grey levels of so small an image weigh much.
    assert error.mean() < 1e-3
    assert error.max() < 1e-2


def test_the_two_image_processors_differ_by_little(checkpoints):
    folder, image = checkpoints('depth_anything_metric'), tiny.image(96, 128)
    pillow, tensor = (
        predict(load(folder, 'depth_anything_metric', processor=style), image)
        for style in ('pillow', 'tensor')
    )
    error = relative_error(pillow, tensor)
    assert 0 < error.max() < 1e-3


@pytest.mark.parametrize('family', ['dpt_dinov2', 'chmv2'])
def test_padding_is_cut_away_and_not_stretched_over_the_image(checkpoints, family):
    """Deliberately other than transformers, which maps the padded depth onto the image."""
    folder, image = checkpoints(family), tiny.image(101, 147)
    model = load(folder, family)
    left, right, top, bottom = model.plan(101, 147).padding
    assert min(left, right, top, bottom) > 0
    reference = Reference(folder, family)
    stretched = reference.depth(image, None)
    padded = reference.depth(image, None, (101 + top + bottom, 147 + left + right))
    cut = padded[top : top + 101, left : left + 147]
    ours = predict(model, image)
    assert relative_error(ours, cut).max() < 5e-5
    assert relative_error(ours, stretched).max() > 1e-2


@pytest.mark.parametrize('family', tiny.FAMILIES)
def test_kind_is_what_the_configuration_says(checkpoints, family):
    folder = checkpoints(family)
    if KINDS[family] is None:
        with pytest.raises(ModelError, match='set the option kind'):
            create_model(str(folder))
        for kind in (METRIC, INVERSE, DepthKind.SCALE_INVARIANT):
            assert create_model(str(folder), {'kind': kind.value}).info.kind is kind
    else:
        assert create_model(str(folder)).info.kind is KINDS[family]


@pytest.mark.parametrize(
    ('family', 'stated'), [('depth_anything_relative', 'metric'), ('glpn', 'affine_inverse')]
)
def test_nobody_can_state_a_kind_against_the_configuration(checkpoints, family, stated):
    with pytest.raises(ModelError, match='leave kind at auto'):
        create_model(str(checkpoints(family)), {'kind': stated})


@pytest.mark.parametrize(
    ('family', 'expected'),
    [
        ('depth_anything_relative', None),
        ('depth_anything_metric', (0.0, 20.0)),
        ('zoedepth_one_head', (0.001, 10.0)),
        ('zoedepth_two_heads', (0.001, 80.0)),
        ('glpn', (0.0, 10.0)),
        ('tipsv2', (0.001, 10.0)),
    ],
)
def test_range_is_what_the_configuration_says(checkpoints, family, expected):
    assert create_model(str(checkpoints(family))).info.depth_range == expected


@pytest.mark.parametrize('precision', ['float16', 'bfloat16'])
@pytest.mark.parametrize('family', tiny.FAMILIES)
def test_half_precision_agrees_to_one_percent(checkpoints, family, precision):
    folder, image = checkpoints(family), tiny.image(96, 128)
    exact = predict(load(folder, family), image)
    model = load(folder, family, precision=precision)
    assert model.info.precision == precision
    assert np.nanmedian(relative_error(predict(model, image), exact)) < 0.01


def test_grey_is_an_image_of_three_equal_channels(checkpoints):
    model = load(checkpoints('glpn'), 'glpn')
    grey = tiny.image(96, 128)[..., 0].copy()
    camera = camera_of(96, 128)
    one = model.predict([View(grey, camera)]).values
    three = model.predict([View(np.dstack([grey] * 3), camera)]).values
    np.testing.assert_array_equal(one, three)
