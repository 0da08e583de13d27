# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What becomes of the sky, and where the metres come from."""

import numpy as np
import pytest
import torch
from tiny_depth_anything_3 import NESTED, some_views, tiny

from depth_ros.models.networks.depth_anything_3.metric import canonical_to_metres, metric_scale
from depth_ros.models.networks.depth_anything_3.sky import (
    is_sky,
    masked_quantile,
    sky_at_infinity,
    sky_behind_scene,
    sky_within_metres,
)

SHAPE = (2, 3, 20, 30)


def some_depth(seed=0, sky_share=0.4):
    """Return depth and a sky prediction, (batch, views, height, width)."""
    generator = torch.Generator().manual_seed(seed)
    depth = 1 + 9 * torch.rand(SHAPE, generator=generator)
    sky = torch.where(torch.rand(SHAPE, generator=generator) < sky_share, 0.8, 0.0)
    return depth, sky


@pytest.mark.parametrize('quantile', [0.0, 0.25, 0.5, 0.99, 1.0])
@pytest.mark.parametrize('count', [1, 2, 11, 600])
def test_the_masked_quantile_is_that_of_the_masked_values(quantile, count):
    values = torch.randn(2, 600, dtype=torch.float64)
    mask = torch.zeros(2, 600, dtype=torch.bool)
    for row in mask:
        row[torch.randperm(600)[:count]] = True
    wanted = [np.quantile(v[m].numpy(), quantile) for v, m in zip(values, mask)]
    found = masked_quantile(values.view(2, 20, 30), mask.view(2, 20, 30), quantile)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_nothing_has_no_quantile():
    found = masked_quantile(torch.ones(1, 5), torch.zeros(1, 5, dtype=torch.bool), 0.5)
    assert found.isinf().all()


def test_the_sky_is_infinitely_far():
    depth, sky = some_depth()
    found = sky_at_infinity(depth, sky)
    assert torch.equal(found.isinf(), is_sky(sky))
    assert torch.equal(found[~is_sky(sky)], depth[~is_sky(sky)])


def test_what_is_no_number_is_not_scene():
    assert is_sky(torch.tensor([torch.nan, 0.3])).all()
    assert not is_sky(torch.tensor([0.0, 0.2999])).any()


@pytest.mark.parametrize('rule', [sky_behind_scene, sky_within_metres])
def test_the_authors_give_the_sky_the_depth_of_the_far_scene(rule):
    depth, sky = some_depth()
    found = rule(depth, sky)
    for index in range(2):
        mask = is_sky(sky[index])
        far = np.quantile(depth[index][~mask].numpy(), 0.99)
        np.testing.assert_allclose(found[index][mask], far, rtol=1e-6)
        assert torch.equal(found[index][~mask], depth[index][~mask])


@pytest.mark.parametrize(('pixels', 'changes'), [(10, False), (11, True)])
@pytest.mark.parametrize('few_sky', [False, True])
def test_few_pixels_of_a_class_change_nothing(pixels, changes, few_sky):
    depth, _ = some_depth()
    few = torch.zeros(SHAPE).flatten(1)
    few[:, :pixels] = 1
    sky = few if few_sky else 1 - few
    found = sky_behind_scene(depth, sky.view(SHAPE))
    assert torch.equal(found, depth) != changes


def test_no_sky_is_farther_than_200_metres():
    depth, sky = some_depth()
    found = sky_within_metres(depth * 1000, sky)
    assert (found[is_sky(sky)] == 200).all()


def test_metres_grow_with_the_focal_length():
    depth, _ = some_depth()
    intrinsics = torch.eye(3).repeat(2, 3, 1, 1)
    intrinsics[..., 0, 0], intrinsics[..., 1, 1] = 200, 400
    torch.testing.assert_close(canonical_to_metres(depth, intrinsics), depth)
    intrinsics[1, :, :2] *= 2
    torch.testing.assert_close(canonical_to_metres(depth, intrinsics)[1], 2 * depth[1])


@pytest.mark.parametrize('factor', [0.02, 1.0, 40.0])
def test_the_scale_is_found_from_the_confident_scene(factor):
    """Sky, uncertain pixels and pixels without a metric depth hold anything else."""
    depth, sky = some_depth()
    confidence = 1 + torch.rand(SHAPE)
    metres = depth * factor
    metres[is_sky(sky)] = 1e6
    median = torch.stack([c[~is_sky(s)].median() for c, s in zip(confidence, sky)])
    metres[confidence < median[:, None, None, None]] = 1e6
    confidence[:, 0, :2], metres[:, 0, :2] = 9, 0.001
    confidence[:, 0, 2:4], depth[:, 0, 2:4] = 9, 0.0001
    torch.testing.assert_close(
        metric_scale(depth, confidence, metres, sky), torch.full((2,), factor)
    )


def test_nothing_but_sky_has_no_scale():
    depth, sky = some_depth()
    sky[1] = 1
    found = metric_scale(depth, torch.ones(SHAPE), depth, sky)
    assert found[0] == pytest.approx(1)
    assert found[1].isnan()


def test_a_nested_network_is_in_metres_of_the_metric_one():
    """All lengths follow the metric network; what has no length stays."""
    network, views = tiny(NESTED), some_views(1, 3, 28, 42)
    with torch.inference_mode():
        first = network(views)
        any_view = network.da3(views)
        network.da3_metric.head.scratch.output_conv2[2].bias += np.log(3)
        second = network(views)
    assert torch.isfinite(first.scale).all()
    torch.testing.assert_close(first.depth, any_view.depth * first.scale)
    torch.testing.assert_close(second.scale, 3 * first.scale)
    torch.testing.assert_close(second.depth, 3 * first.depth)
    torch.testing.assert_close(second.extrinsics[..., 3], 3 * first.extrinsics[..., 3])
    torch.testing.assert_close(second.extrinsics[..., :3], any_view.extrinsics[..., :3])
    torch.testing.assert_close(second.rays[..., 3:], 3 * first.rays[..., 3:])
    torch.testing.assert_close(second.rays[..., :3], any_view.rays[..., :3])
