# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The torch path says what the NumPy path says."""

import numpy as np
import pytest

from depth_ros import synthetic
from depth_ros.types import Camera, DepthError, Distortion

torch = pytest.importorskip('torch')
from depth_ros.synthetic.batch import SceneBatch, render_batch  # noqa: E402

CAMERA = Camera.pinhole(64, 48, 55.0)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # the operations are small
    yield
    torch.set_num_threads(before)


def compare(view: synthetic.Rendered, batch, i: int) -> None:
    np.testing.assert_array_equal(batch.ids[i].numpy() == view.ids, True)
    np.testing.assert_allclose(batch.depth[i].numpy(), view.depth, rtol=2e-5)
    apart = np.abs(batch.image[i].numpy().astype(int) - view.image).max(-1)
    assert (apart > 2).mean() < 0.01, 'only at the rim of shadows may one ray decide otherwise'
    dot = (batch.normals[i].numpy() * view.normals).sum(-1)[~view.sky]
    assert (dot > 0.999).mean() > 0.995


def test_torch_equals_numpy_on_scenes_of_every_kind() -> None:
    scenes = [synthetic.make_scene(kind, 11) for kind in synthetic.kinds()]
    batch = render_batch(scenes, CAMERA)
    for i, scene in enumerate(scenes):
        compare(synthetic.render(scene, CAMERA), batch, i)


def test_views_of_one_scene_through_different_cameras() -> None:
    scene = synthetic.make_scene('clutter', 1)
    lens = Camera(
        64, 48, [[50, 0, 32], [0, 50, 24], [0, 0, 1]], [-0.2, 0.04, 0, 0, 0], Distortion.PLUMB_BOB
    )
    moved = scene.start.copy()
    moved[:3, 3] += 0.1
    cameras, poses = [CAMERA, lens], np.stack([scene.start, moved])
    batch = SceneBatch([synthetic.make_scene('room', 0), scene]).render(cameras, poses, [1, 1])
    for i in range(2):
        compare(synthetic.render(scene, cameras[i], poses[i]), batch, i)


def test_a_small_budget_changes_nothing() -> None:
    scene = synthetic.make_scene('room', 2)
    large, small = (
        SceneBatch([scene], budget=b).render(CAMERA, scene.start[None]) for b in (1 << 24, 600)
    )
    for name in ('image', 'depth', 'ids'):
        assert torch.equal(getattr(large, name), getattr(small, name))


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
def test_cuda_equals_numpy() -> None:
    scenes = [synthetic.make_scene(kind, 4) for kind in synthetic.kinds()]
    batch = render_batch(scenes, CAMERA, device='cuda')
    for i, scene in enumerate(scenes):
        view = synthetic.render(scene, CAMERA)
        same = batch.ids[i].cpu().numpy() == view.ids
        assert same.mean() > 0.999
        depth = batch.depth[i].cpu().numpy()
        np.testing.assert_allclose(depth[same], view.depth[same], rtol=1e-4)


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(DepthError, match='no scenes'):
        SceneBatch([])
    scene = synthetic.plane_scene((0, 0, 1), 1.0)
    with pytest.raises(DepthError, match='as many'):
        SceneBatch([scene]).render(CAMERA, np.stack([np.eye(4)] * 2), [0])
    sizes = [CAMERA, Camera.pinhole(32, 48, 55.0)]
    with pytest.raises(DepthError, match='size'):
        SceneBatch([scene]).render(sizes, np.stack([np.eye(4)] * 2), [0, 0])
