# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where metres come from: focal lengths, prompts, sizes; and what can never become metres."""

from __future__ import annotations

import numpy as np
import pytest

from depth_ros.models.protocol import ModelError
from depth_ros.models.registry import create_model
from depth_ros.types import Camera, DepthKind, Known, View

torch = pytest.importorskip('torch')
pytest.importorskip('transformers')

import tiny_checkpoints as tiny  # noqa: E402

from depth_ros.models.engine.images import side_size  # noqa: E402
from depth_ros.models.mono.hf.prompt_depth_anything import fill_prompt  # noqa: E402
from depth_ros.models.mono.values import cleaned, input_focal  # noqa: E402

IMAGE = tiny.image(96, 128)


@pytest.fixture(scope='session')
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp('metres')
    made = {
        'depth_pro': tiny.depth_pro(),
        'depth_pro_blind': tiny.depth_pro(with_field_of_view=False),
        'metric': tiny.depth_anything('metric', 20),
        'relative': tiny.depth_anything(),
        'prompt': tiny.prompt_depth_anything(),
    }
    return {name: str(tiny.write_checkpoint(root / name, m)) for name, m in made.items()}


def view(fx: float = 110.0, fy: float | None = None, prompt=None) -> View:
    return View(IMAGE, Camera.pinhole(128, 96, fx, fy), Known(depth=prompt))


def values(folder, given, **options):
    model = create_model(folder, {'precision': 'float32', **options})
    return model.predict([given]).values


# Depth Pro


def test_depth_pro_is_proportional_to_the_focal_length_of_the_camera(folders):
    short, long = (values(folders['depth_pro'], view(fx)) for fx in (100.0, 250.0))
    np.testing.assert_allclose(long / short, 2.5, rtol=1e-5)


def test_depth_pro_takes_its_own_estimate_when_set_to(folders):
    """Both sides of the difference: the ratio is that of the two focal lengths, nowhere else."""
    own = [values(folders['depth_pro'], view(fx), focal='model') for fx in (100.0, 250.0)]
    np.testing.assert_array_equal(*own)
    model = create_model(folders['depth_pro'], {'precision': 'float32', 'focal': 'model'})
    degrees = []
    model._runtime.network.network.register_forward_hook(
        lambda network, given, made: degrees.append(float(made.field_of_view[0]))
    )
    model.predict([view()])
    estimate = 64 / np.tan(np.radians(degrees[0]) / 2)
    ratio = values(folders['depth_pro'], view(100.0)) / own[0]
    np.testing.assert_allclose(ratio, 100.0 / estimate, rtol=1e-4)


def test_depth_pro_leaves_its_field_of_view_network_out_when_the_camera_knows(folders):
    model = create_model(folders['depth_pro'])
    assert model._runtime.network.network.fov_model is None


def test_depth_pro_without_that_head_needs_the_camera(folders):
    assert np.isfinite(values(folders['depth_pro_blind'], view())).all()
    with pytest.raises(ModelError, match='set focal to camera'):
        create_model(folders['depth_pro_blind'], {'focal': 'model'})


# One canonical focal length


def test_depth_is_taken_to_the_focal_length_of_the_camera(folders):
    """Z = Z_network * f_input / f_training, both in pixels of the network's input."""
    plain = values(folders['metric'], view(110.0))
    corrected = values(folders['metric'], view(110.0), training_focal=40.0)
    across, down = 98 / 128, 70 / 96  # the input is 98x70
    f_input = np.sqrt(110.0 * across * 110.0 * down)
    np.testing.assert_allclose(corrected / plain, f_input / 40.0, rtol=1e-5)


def test_no_correction_unless_asked_for(folders):
    np.testing.assert_array_equal(*(values(folders['metric'], view(fx)) for fx in (100.0, 400.0)))


def test_minus_one_is_the_value_of_the_catalogue_and_none_where_it_has_none(folders):
    np.testing.assert_array_equal(
        values(folders['metric'], view(), training_focal=-1.0), values(folders['metric'], view())
    )


def test_relative_depth_has_no_focal_length(folders):
    np.testing.assert_array_equal(
        values(folders['relative'], view(), training_focal=40.0),
        values(folders['relative'], view()),
    )


def test_a_larger_image_of_the_same_view_has_the_same_focal_length_in_the_input(folders):
    model = create_model(folders['metric'])
    small = input_focal(Camera.pinhole(128, 96, 110.0), (96, 128), model.plan(96, 128).resized)
    large = input_focal(
        Camera.pinhole(1280, 960, 1100.0), (960, 1280), model.plan(960, 1280).resized
    )
    assert small == pytest.approx(large)


# Prompts


def test_metres_are_those_of_the_prompt(folders):
    """A prompt in other units gives the same depth in those units."""
    model = create_model(folders['prompt'], {'precision': 'float32'})
    prompt = np.random.default_rng(0).uniform(1, 3, (12, 16)).astype(np.float32)
    metres = model.predict([view(prompt=prompt)]).values
    doubled = model.predict([view(prompt=2 * prompt)]).values
    np.testing.assert_allclose(doubled, 2 * metres, rtol=1e-4)


@pytest.mark.parametrize('hole', [0.0, np.nan, np.inf, -1.0], ids=str)
def test_holes_of_a_prompt_take_the_nearest_metre(hole):
    prompt = np.full((5, 9), 2.0, np.float32)
    prompt[:, 6:] = 4.0
    holed = prompt.copy()
    holed[1:4, [2, 7]] = hole
    np.testing.assert_array_equal(fill_prompt(holed), prompt)


def test_a_prompt_without_holes_is_left_as_it_is():
    prompt = np.random.default_rng(1).uniform(0.5, 9, (7, 5)).astype(np.float32)
    np.testing.assert_array_equal(fill_prompt(prompt), prompt)


@pytest.mark.parametrize('metres', [0.2, 3.0, 70.0])
def test_a_prompt_of_one_value_is_that_value_and_no_nan(folders, metres):
    model = create_model(folders['prompt'], {'precision': 'float32'})
    flat = np.full((6, 8), metres, np.float32)
    np.testing.assert_allclose(model.predict([view(prompt=flat)]).values, metres, rtol=1e-4)


@pytest.mark.parametrize(
    'prompt',
    [None, np.zeros((4, 4), np.float32), np.full((4, 4), np.nan, np.float32)],
    ids=['none', 'zeros', 'nan'],
)
def test_no_measured_depth_no_metres(folders, prompt):
    with pytest.raises(ModelError, match=r'measured|prompt'):
        create_model(folders['prompt']).predict([view(prompt=prompt)])


def test_other_models_take_no_prompt(folders):
    with pytest.raises(ModelError, match='takes no measured depth'):
        create_model(folders['metric']).predict([view(prompt=np.ones((4, 4), np.float32))])


# What is no depth


@pytest.mark.parametrize(
    ('kind', 'expected'),
    [
        (DepthKind.METRIC, [np.nan, np.nan, np.nan, np.nan, 2]),
        (DepthKind.SCALE_INVARIANT, [np.nan, np.nan, np.nan, np.nan, 2]),
        (DepthKind.AFFINE_INVERSE, [-1, 0, np.nan, np.nan, 2]),
    ],
    ids=lambda k: getattr(k, 'value', ''),
)
def test_depth_that_is_not_positive_is_missing(kind, expected):
    """Bicubic interpolation can fall below zero beside a zero: no depth, but a fine inverse."""
    given = np.float32([[-1, 0, np.nan, np.inf, 2]])
    np.testing.assert_array_equal(cleaned(given, kind, 1.0), np.float32([expected]))


# Sizes


@pytest.mark.parametrize(
    ('size', 'expected'),
    [(70, (56, 70)), (140, (112, 140)), (1, (14, 14))],
)
def test_input_size_is_the_long_side_at_the_multiple(folders, size, expected):
    model = create_model(folders['metric'], {'input_size': size})
    plan = model.plan(96, 128)
    assert plan.input == expected
    assert model.predict([view()]).values.shape == (96, 128)


def test_sides_are_at_the_nearest_multiple_and_never_zero():
    for height, width in ((480, 640), (375, 1242), (1080, 1920), (96, 97)):
        for multiple in (14, 32):
            for size in (1, 100, 518):
                made = side_size(height, width, size, 'short', multiple)
                assert all(s > 0 and s % multiple == 0 for s in made)
                exact = [s * size / min(height, width) for s in (height, width)]
                assert all(
                    abs(s - e) <= multiple / 2 or s == multiple for s, e in zip(made, exact)
                )


def test_a_image_that_is_too_small_is_refused(tmp_path):
    folder = tiny.write_checkpoint(tmp_path, tiny.glpn())
    small = View(tiny.image(20, 40), Camera.pinhole(40, 20, 30.0))
    with pytest.raises(ModelError, match='too small'):
        create_model(str(folder)).predict([small])
