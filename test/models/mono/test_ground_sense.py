# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the compact network computes from a known ground is geometry, and silent without one."""

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from depth_ros.geometry.planes import plane_depth  # noqa: E402
from depth_ros.models.networks.builtin import ground as sense  # noqa: E402
from depth_ros.models.networks.builtin.network import (  # noqa: E402
    IMAGE_CHANNELS,
    CompactDepth,
    Layout,
    fold_normalisation,
    network_input,
)
from depth_ros.models.networks.builtin.scale import CANONICAL_FOCAL, LOG_DEPTH_BIAS  # noqa: E402
from depth_ros.models.networks.builtin.second_pass import SecondPass  # noqa: E402
from depth_ros.models.networks.builtin.sharpen import twice  # noqa: E402
from depth_ros.types import Camera, Ground  # noqa: E402

SMALL = Layout(8, (8, 8, 16, 16), (1, 1, 1, 1), (8, 8, 8, 8), (8, 8, 8, 8))
CAMERA = Camera.pinhole(64, 64, 60.0)
GROUND = Ground.below_mount(0.7, 0.35, 0.1)
IMAGES = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)


def focal(camera):
    return np.sqrt(camera.fx * camera.fy) / CANONICAL_FOCAL


@pytest.mark.parametrize('fx', [60.0, 240.0])
def test_the_planes_are_those_of_the_bare_ground(fx):
    """Against plane_depth, which computes it another way, as far as the network counts."""
    camera = Camera.pinhole(64, 48, fx, 1.1 * fx, 30.0, 21.0)
    image = np.zeros((48, 64, 3), np.uint8)
    planes = network_input(image, camera, GROUND)
    known, slope, log_depth, log_height = planes[IMAGE_CHANNELS:]
    truth = plane_depth(camera, tuple(GROUND.down.tolist()), GROUND.height)
    farthest = np.exp(sense.FARTHEST) * focal(camera)
    near = truth < farthest
    seen = np.exp(log_depth + LOG_DEPTH_BIAS) * focal(camera)
    np.testing.assert_allclose(seen[near], truth[near], rtol=1e-3)
    np.testing.assert_allclose(seen[~near], farthest, rtol=1e-5)
    assert (known == 1).all()
    assert ((slope > 0) == np.isfinite(truth)).all()
    np.testing.assert_allclose(np.exp(log_height) * focal(camera), GROUND.height, rtol=1e-5)
    unknown = network_input(image, camera)
    assert not unknown[IMAGE_CHANNELS:].any()
    np.testing.assert_array_equal(unknown[:IMAGE_CHANNELS], planes[:IMAGE_CHANNELS])


def half_planes(camera, ground):
    """Return planes and rays as the network has them at half the size of its input."""
    image = np.zeros((camera.height, camera.width, 3), np.uint8)
    planes = torch.from_numpy(network_input(image, camera, ground))[None]
    return planes[:, IMAGE_CHANNELS:], planes[:, 3:IMAGE_CHANNELS]


def test_a_wall_is_as_far_away_as_the_ground_where_it_stands():
    """Columns of a wall at 1.5 m to 6 m, seen by a level camera: exact up to the top."""
    camera, ground = Camera.pinhole(48, 64, 50.0, cy=20.0), Ground.below_mount(0.5)
    planes, rays = half_planes(camera, ground)
    depth = planes[:, 2]
    wall = torch.linspace(1.5, 6.0, 48).log() - np.log(focal(camera)) - LOG_DEPTH_BIAS
    bare = (depth < wall).float()
    upright, seen = sense.depth_upright(bare, depth, sense.log_flat(rays, planes[:, 1]))
    above = (bare == 0)[0]
    assert above.float().mean() > 0.4
    assert (seen[0][above] == 1).all()
    # The contact is known to a row, whose depths differ by that much.
    step = (depth[0, :-1] - depth[0, 1:])[bare[0, 1:] > 0].max()
    expected = wall.expand(64, -1)[above]
    error = upright[0][above] - expected
    assert (error <= 1e-4).all()
    assert (error >= -step - 1e-4).all()
    # A wall has one depth from its foot to its top.
    heights = upright[0, :, 10][above[:, 10]]
    np.testing.assert_allclose(heights, heights[-1].expand(len(heights)), atol=1e-4)


def test_a_pitched_camera_sees_the_same_wall():
    """In the middle column, where down in the image is down in the world."""
    pitch, distance, height = 0.4, 2.0, 0.8
    camera, ground = Camera.pinhole(33, 128, 90.0, cy=64.0), Ground.below_mount(height, pitch)
    planes, rays = half_planes(camera, ground)
    y = (np.arange(128) - 64.0) / 90.0
    flat = np.cos(pitch) - y * np.sin(pitch)  # along the ground, for each metre of Z
    truth = np.log(distance / flat) - np.log(focal(camera)) - LOG_DEPTH_BIAS
    middle = planes[0, 2, :, 16].numpy()
    bare = torch.from_numpy((middle < truth).astype(np.float32))[None, :, None].expand(1, 128, 33)
    upright, _ = sense.depth_upright(bare, planes[:, 2], sense.log_flat(rays, planes[:, 1]))
    above = middle >= truth
    assert above.sum() > 30
    error = upright[0, above, 16].numpy() - truth[above]
    assert np.ptp(error) < 1e-4  # one step of the contact, the same all the way up
    assert -0.03 < error[0] <= 1e-4


def test_without_bare_ground_below_nothing_is_claimed():
    planes, rays = half_planes(CAMERA, GROUND)
    bare = torch.zeros(1, 64, 64)
    bare[:, 10:20] = 1
    _, seen = sense.depth_upright(bare, planes[:, 2], sense.log_flat(rays, planes[:, 1]))
    assert (seen[:, :20] == 1).all()
    assert (seen[:, 20:] == 0).all()


@pytest.mark.parametrize('rows', [1, 2, 7, 32, 45])
def test_rows_joined_in_pairs_are_rows_joined_one_by_one(rows):
    torch.manual_seed(rows)
    bare, depth, flat = torch.rand(2, rows, 5), torch.randn(2, rows, 5), torch.randn(2, rows, 5)
    bare[1] = bare[1].round()
    far = seen = torch.zeros(2, 5)
    upright, below = sense.depth_upright(bare, depth, flat)
    for row in reversed(range(rows)):
        far = torch.lerp(far, depth[:, row] + flat[:, row], bare[:, row])
        seen = torch.lerp(seen, torch.ones(2, 5), bare[:, row])
        torch.testing.assert_close(below[:, row], seen)
        expected = far / seen.clamp(min=0.05) - flat[:, row]
        torch.testing.assert_close(upright[:, row], expected, rtol=1e-4, atol=1e-5)


def scrambled(seed=0):
    """Return a network whose weights all matter."""
    torch.manual_seed(seed)
    network = CompactDepth(SMALL).eval()
    with torch.no_grad():
        for parameter in network.ground.parameters():
            parameter.normal_(std=0.1)
    return network


def inputs(ground):
    return torch.from_numpy(network_input(IMAGES, CAMERA, ground))[None]


@torch.no_grad()
def test_who_knows_no_ground_is_not_disturbed_by_what_is_learned_of_it():
    one, other = scrambled(1), scrambled(2)
    other.load_state_dict(
        {k: v for k, v in one.state_dict().items() if not k.startswith('ground.')}, strict=False
    )
    ours, theirs = one(inputs(None)), other(inputs(None))
    assert torch.equal(ours.log_depth, theirs.log_depth)
    assert torch.equal(ours.log_error, theirs.log_error)
    assert ours.bare is None
    assert not torch.allclose(one(inputs(GROUND))[0], other(inputs(GROUND))[0])


@torch.no_grad()
def test_who_stands_beside_one_that_knows_is_not_disturbed_either():
    """In a batch of both everything is computed, and masked where the ground is unknown."""
    network = scrambled()
    both = network(torch.cat([inputs(None), inputs(GROUND)]))
    for alone, together in zip(network(inputs(None))[:2], both[:2], strict=True):
        torch.testing.assert_close(together[:1], twice(alone))
    for alone, together in zip(network(inputs(GROUND)), both, strict=True):
        torch.testing.assert_close(together[1:], alone)


@torch.no_grad()
def test_bare_ground_is_looked_for_twice_and_never_above_the_horizon(monkeypatch):
    network = scrambled()
    looked = []

    def upright(bare, *rest):
        looked.append(bare)
        return depth_upright(bare, *rest)

    depth_upright = sense.depth_upright
    monkeypatch.setattr(sense, 'depth_upright', upright)
    guesses = network(inputs(GROUND)).bare
    below = torch.nn.functional.avg_pool2d(inputs(GROUND)[:, IMAGE_CHANNELS:], 2)[:, 1] > 0
    assert below.any()
    assert not below.all()
    assert len(looked) == guesses.shape[1] == 2
    for bare, guess in zip(looked, guesses.unbind(1), strict=True):
        torch.testing.assert_close(bare, below * (sense.SHARP * guess).sigmoid())
    assert not torch.allclose(*looked)


@torch.no_grad()
def test_nothing_is_seen_otherwise_before_it_is_learned():
    turn = sense.Turn(8, 3)
    x = torch.randn(2, 8, 4, 4)
    assert not turn(x).any()
    turn.wide.weight.normal_()
    assert torch.linalg.matrix_rank(turn(x).movedim(1, -1).reshape(-1, 8)) == 3


@torch.no_grad()
def test_the_second_pass_sees_all_that_the_first_has_seen():
    """From any place a change can come through to another; nothing does before it has learned."""
    layout = Layout()
    fresh = SecondPass(5, layout.decoder[0], layout.widths, layout.second).eval()
    sizes = [(32, 48), (16, 24), (8, 12), (4, 6)]
    first = [torch.randn(1, w, *s) for w, s in zip(layout.widths, sizes, strict=True)]
    x = torch.randn(1, 5, 64, 96)
    assert not fresh(x, first).any()
    fresh.edges.weight.normal_()
    point = torch.zeros_like(x)
    point[..., 20, 31] = 5
    fine = (fresh(x + point, first) - fresh(x, first)).abs()[0].sum(0)
    row, column = divmod(int(fine.argmax()), 96)
    assert abs(row - 20) <= 2
    assert abs(column - 31) <= 2  # and not where a coarser level would smear it
    assert fine[18:23, 29:34].sum() > 0.2 * fine.sum()
    fresh.edges.weight.zero_()
    fresh.out.weight.normal_()
    before = fresh(x, first)
    assert before.shape == (1, layout.decoder[0], 64, 96)
    for level in range(4):
        other = [f.clone() for f in first]
        other[level][..., -1, -1] += 3
        assert not torch.allclose(fresh(x, other)[..., 0, 0], before[..., 0, 0])


@torch.no_grad()
def test_where_the_ground_is_believed_its_depth_is_the_answer():
    network = scrambled()
    network.ground.trust.weight.zero_()
    network.ground.trust.bias.copy_(torch.tensor([40.0, -40.0]))
    # Each pixel chooses the depth beside it, which here is its own.
    network.ground.sharpen.choose.weight.zero_()
    network.ground.sharpen.choose.bias.view(9, 4)[4] = 100
    log_depth = network(inputs(GROUND)).log_depth
    half = torch.nn.functional.avg_pool2d(inputs(GROUND)[:, IMAGE_CHANNELS:], 2)
    torch.testing.assert_close(log_depth[:, ::2, 1::2], half[:, 2] + LOG_DEPTH_BIAS)
    assert log_depth.shape == inputs(GROUND)[:, 0].shape
    assert network(inputs(None)).log_depth.shape == half[:, 0].shape


@torch.no_grad()
def test_folding_changes_nothing():
    network = scrambled()
    before = network(inputs(GROUND))[0]
    torch.testing.assert_close(
        fold_normalisation(network)(inputs(GROUND))[0], before, rtol=1e-3, atol=1e-3
    )
