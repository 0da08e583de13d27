# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What `sgbm` promises, every stereo network keeps: the same laws for all of them."""

import math

import numpy as np
import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('safetensors')

from exact_matcher import frontal_pair  # noqa: E402
from pair_networks import NETWORKS, few  # noqa: E402
from torch.nn import functional  # noqa: E402

from depth_ros.models.registry import create_model, family_of  # noqa: E402
from depth_ros.models.stereo.consistency import left_right_difference  # noqa: E402
from depth_ros.models.stereo.pair import RecurrentOptions  # noqa: E402
from depth_ros.models.weights.official import read_weights  # noqa: E402
from depth_ros.types import View  # noqa: E402

RECURRENT = [n for n in NETWORKS if issubclass(family_of(n).config, RecurrentOptions)]
# Share of the rows and columns that a border adds above and to the left.
BEFORE = {'centre': (0.5, 0.5), 'bottom left': (1, 0), 'bottom right': (1, 1)}

each_network = pytest.mark.parametrize('name', NETWORKS)
each_recurrent_network = pytest.mark.parametrize('name', RECURRENT)


@pytest.fixture
def make(folder_of):
    """Return a function that makes a network with made-up weights, in float32."""

    def made(name, **options):
        given = {'weights': str(folder_of(name)), 'precision': 'float32', **few(name), **options}
        return create_model(name, given)

    return made


def whole(name):
    """Return a side that the network takes without a border."""
    preparation = family_of(name).preparation
    return math.ceil(max(preparation.smallest, 64) / preparation.multiple) * preparation.multiple


def close(values, expected):
    """Random networks amplify what rounding leaves, in few pixels by much."""
    assert values.shape == expected.shape
    spread = np.nanstd(expected)
    assert spread > 1e-3  # else the comparison says nothing
    np.testing.assert_array_equal(np.isnan(values), np.isnan(expected))
    assert np.nanmean(np.abs(values - expected)) < 1e-3 * max(spread, 1)


def normalised(view, kind):
    """Return what the authors of a network make of an image, (1, 3, H, W)."""
    image = torch.from_numpy(view.rgb).permute(2, 0, 1)[None].double()
    if kind == 'imagenet':
        mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
        image = (image / 255 - mean) / torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    elif kind == 'standardised':
        mean = image.mean((2, 3), keepdim=True)
        image = (image - mean) / image.std((2, 3), keepdim=True, correction=0)
    return image.float()


def by_hand(name, folder, views, offset):
    """Return the disparity of the bare network on images with a border made here."""
    family = family_of(name)
    preparation, (height, width) = family.preparation, views[0].image.shape[:2]
    shift = math.floor(offset)
    canvas = [
        math.ceil(max(preparation.smallest, side) / preparation.multiple) * preparation.multiple
        for side in (height, width + abs(shift))
    ]
    rows, columns = canvas[0] - height, canvas[1] - width - abs(shift)
    above, before = (
        math.floor(share * count)
        for share, count in zip(BEFORE[preparation.place], (rows, columns), strict=True)
    )
    network = family.build(name, family.config(**few(name)))
    network.module.load_state_dict(read_weights(folder, name))
    inputs = []
    for view, moved in zip(views, (max(-shift, 0), max(shift, 0)), strict=True):
        start = before + moved
        border = (start, canvas[1] - width - start, above, rows - above)
        mode = 'replicate' if preparation.replicate else 'constant'
        image = normalised(view, preparation.normalisation)
        inputs.append(functional.pad(image, border, mode=mode))
    with torch.inference_mode():
        found = network.module.eval()(*inputs)[0][0, 0].numpy() * network.factor
    left = before + max(-shift, 0)
    return found[above : above + height, left : left + width] + (shift - offset)


@each_network
@pytest.mark.parametrize('offset', [-7.5, 5.0])
def test_borders_are_cut_off_and_principal_points_corrected(name, offset, make, folder_of):
    views = frontal_pair(70, 101, 4 + math.floor(offset), offset=offset)
    prediction = make(name).predict(views)
    close(prediction.values, by_hand(name, folder_of(name), views, offset))
    low, high = prediction.disparity_range
    # The search begins where an infinitely far point lies.
    assert -1 < low <= 0
    assert high > low
    assert prediction.baseline == views[1].camera.baseline
    assert prediction.focal == views[0].camera.fx


@each_network
def test_a_smaller_input_reaches_as_much_further(name, make):
    side = whole(name)
    views = frontal_pair(2 * side, 2 * side, 8)
    prediction = make(name, input_size=side).predict(views)
    assert prediction.values.shape == (2 * side, 2 * side)
    reach = few(name).get('disparity_range') if name not in RECURRENT else side
    if reach:
        assert prediction.disparity_range == (0, 2 * (reach - 1))


@each_network
def test_both_eyes_agree_or_the_pixel_is_invalid(name, make):
    side, limit = whole(name), 2.0
    views = frontal_pair(side, side, 4)
    # Mirrored, the right eye is the left one.
    mirrored = [
        View(np.ascontiguousarray(view.image[:, ::-1]), camera)
        for view, camera in zip(views[::-1], [v.camera for v in views], strict=True)
    ]
    plain = make(name)
    left, right = (plain.predict(pair).values for pair in (views, mirrored))
    difference = left_right_difference(left, np.ascontiguousarray(right[:, ::-1]))
    checked = make(name, left_right_check=limit).predict(views)
    # Nearest to the limit, rounding decides.
    sure = np.abs(difference - limit) > 0.05
    np.testing.assert_array_equal(np.isnan(checked.values)[sure], (difference > limit)[sure])
    kept = np.isfinite(checked.values)
    assert np.abs(checked.values - left)[kept].sum() <= 1e-2 * max(kept.sum(), 1)
    assert np.mean(np.abs(checked.confidence - 1 / (1 + difference**2))) < 1e-2
    assert plain.predict(views).confidence is None


@each_network
def test_a_batch_of_four_colour_and_grey_gives_what_its_pairs_give(name, make):
    side = whole(name)
    pairs = [frontal_pair(side, side, 2 * i + 1, grey=i % 2 == 1, seed=i) for i in range(4)]
    model = make(name)
    for one, pair in zip(model.predict_batch(pairs), pairs, strict=True):
        close(one.values, model.predict(pair).values)


@each_recurrent_network
def test_a_model_that_starts_warm_keeps_cameras_apart(name, make):
    """What a frame leaves for the next one is in its prediction, not in the model."""
    side = whole(name)
    cameras = [
        [frontal_pair(side, side, 3 + i, seed=10 * c + i) for i in range(2)] for c in (0, 1)
    ]
    model = make(name, warm_start=True)
    alone = []
    for first, second in cameras:
        begun = model.predict(first)
        alone.append((begun, model.predict(second, begun)))
    # In turn, and as a batch.
    begun = [model.predict(first) for first, _ in cameras]
    turn = [model.predict(c[1], before) for c, before in zip(cameras, begun, strict=True)]
    batch = model.predict_batch([second for _, second in cameras], begun)
    for one, other, (_, expected) in zip(turn, batch, alone, strict=True):
        close(one.values, expected.values)
        close(other.values, expected.values)
        assert one.carry.coarse.shape == other.carry.coarse.shape
    cold = make(name).predict(cameras[0][1])
    assert cold.carry is None
    assert not np.allclose(cold.values, turn[0].values, atol=1e-3)
