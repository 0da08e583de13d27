# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What is made twice as large is made of what was there, each pixel of its own choice."""

import pytest

torch = pytest.importorskip('torch')

from depth_ros.models.networks.builtin.sharpen import AROUND, PARTS, Sharpen, twice  # noqa: E402

WIDTH = 5


def parts(seed=0):
    """Return a layer, values (2, 6, 8), features, colours, and that the ground is known."""
    torch.manual_seed(seed)
    known = torch.ones(2, 12, 16, dtype=torch.bool)
    values, x = torch.randn(2, 6, 8), torch.randn(2, WIDTH, 6, 8)
    return Sharpen(WIDTH, 7).eval(), values, x, torch.randn(2, 3, 12, 16), known


@torch.no_grad()
def test_before_it_has_learned_it_averages():
    layer, values, *seen = parts()
    made, plain = layer(values, *seen), twice(values)
    assert made.shape == (2, 12, 16)
    # Five of nine have no part in an average, and one in a hundred of the weight to begin with.
    assert (made - plain).abs().max() < 0.05 * (values.max() - values.min())
    assert not torch.equal(made, plain)


@torch.no_grad()
@pytest.mark.parametrize('place', range(AROUND))
def test_a_pixel_that_chooses_a_neighbour_has_its_depth(place):
    """The parts of a pixel choose each for itself; beyond the border is the border."""
    layer, values, *seen = parts()
    layer.choose.weight.zero_()
    odds = torch.full((AROUND, PARTS), -100.0)
    odds[4] = 0  # the pixel that it is a part of
    odds[4, 1], odds[place, 1] = -100, 0  # the upper right part of each
    layer.choose.bias.copy_(odds.flatten())
    made = layer(values, *seen)
    for part in (0, 2, 3):
        torch.testing.assert_close(made[:, part // 2 :: 2, part % 2 :: 2], values)
    down, right = place // 3 - 1, place % 3 - 1
    rows = (torch.arange(6) + down).clamp(0, 5)
    columns = (torch.arange(8) + right).clamp(0, 7)
    torch.testing.assert_close(made[:, ::2, 1::2], values[:, rows][:, :, columns])


@torch.no_grad()
def test_an_edge_can_follow_the_colours():
    """Near and far side of an edge one pixel within the other: no depth between is made up."""
    layer, values, x, colours, known = parts()
    values[:] = torch.where(torch.arange(8) < 4, 1.0, 3.0)
    colours[:] = torch.where(torch.arange(16) < 9, -1.0, 1.0)  # half a pixel farther right
    # Channel q sees the brightness of part q; a dark one chooses the left, a bright one its own.
    layer.see[0].weight.zero_()
    for part in range(PARTS):
        layer.see[0].weight[part, WIDTH + part, 1, 1] = 1
    odds = torch.zeros(AROUND, PARTS, 7)
    odds[4, range(PARTS), range(PARTS)] = 100
    layer.choose.weight.copy_(odds.flatten(0, 1)[..., None, None])
    bias = torch.full((AROUND, PARTS), -100.0)
    bias[3], bias[4] = 0, -40
    layer.choose.bias.copy_(bias.flatten())
    made = layer(values, x, colours, known)
    torch.testing.assert_close(made, torch.where(torch.arange(16) < 9, 1.0, 3.0).expand_as(made))


@torch.no_grad()
def test_nothing_is_made_up_beyond_what_is_around():
    layer, values, x, *seen = parts(3)
    layer.choose.weight.normal_(std=3)
    made = layer(values, x, *seen)
    padded = torch.nn.functional.pad(values[:, None], (1, 1, 1, 1), 'replicate')
    for sign in (1, -1):
        most = sign * torch.nn.functional.max_pool2d(sign * padded, 3, stride=1)
        most = most.repeat_interleave(2, 2).repeat_interleave(2, 3)[:, 0]
        assert (sign * (most - made) >= -1e-5).all()


@torch.no_grad()
def test_who_knows_no_ground_gets_the_average():
    layer, values, x, colours, known = parts()
    layer.choose.weight.normal_(std=3)
    known[0] = False
    made = layer(values, x, colours, known)
    assert torch.equal(made[0], twice(values)[0])
    assert not torch.allclose(made[1], twice(values)[1], atol=0.1)
