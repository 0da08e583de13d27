# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Laws of the renderer: exact depth, consistent views, unit normals, the same every time."""

import numpy as np
import pytest

from depth_ros.geometry.distortion import ray_grid
from depth_ros.lab import synthetic
from depth_ros.types import Camera, DepthError, Distortion

SMALL = Camera.pinhole(96, 72, 80.0)
KINDS = synthetic.kinds()


def wall() -> synthetic.Scene:
    return synthetic.plane_scene((0, 0, 1), 1.0)


def rays_of(camera: Camera) -> np.ndarray:
    """Return x/z, y/z, 1 of every pixel of a pinhole."""
    x = (np.arange(camera.width) - camera.cx) / camera.fx
    y = (np.arange(camera.height) - camera.cy) / camera.fy
    u, v = np.meshgrid(x, y)
    return np.stack([u, v, np.ones_like(u)], axis=-1)


@pytest.mark.parametrize(
    ('normal', 'distance'),
    [((0, 0, 1), 2.0), ((0, 0, -1), 2.0), ((0.3, -0.2, 1), 5.0), ((0, 1, 0.02), 1.3),
     ((0.5, 0.5, 0.1), 80.0)],
    ids=['facing', 'the other way round', 'tilted', 'floor', 'far'],
)  # fmt: skip
def test_depth_is_the_ray_plane_solution(normal: tuple[float, ...], distance: float) -> None:
    view = synthetic.render(synthetic.plane_scene(normal, distance), SMALL)
    n = np.asarray(normal, float) / np.linalg.norm(normal)
    n = -n if n[2] < 0 else n
    slope = rays_of(SMALL) @ n
    expected = np.where(slope > 1e-3, distance / np.maximum(slope, 1e-3), np.inf)
    near = (expected < 500) & (slope > 2e-3)
    assert near.mean() > 0.3
    np.testing.assert_allclose(view.depth[near], expected[near], rtol=2e-5)
    assert np.isinf(view.depth[slope < -1e-3]).all()
    np.testing.assert_allclose(view.normals[near], np.broadcast_to(-n, (near.sum(), 3)), atol=1e-5)


def test_a_plane_is_measured_in_metres_from_any_pose() -> None:
    scene = synthetic.plane_scene((0, 0, 1), 3.0)
    back = np.eye(4)
    back[2, 3] = -1.5
    assert synthetic.render(scene, SMALL, back).depth == pytest.approx(4.5, rel=1e-6)


@pytest.mark.parametrize('kind', KINDS)
def test_a_view_keeps_its_promises(kind: str) -> None:
    view = synthetic.render(synthetic.make_scene(kind, 3), SMALL)
    assert view.image.shape == (72, 96, 3)
    assert view.image.dtype == np.uint8
    assert view.depth.dtype == np.float32
    assert view.ids.dtype == np.int32
    assert (view.depth > 0).all()
    np.testing.assert_array_equal(view.sky, np.isinf(view.depth))
    solid = ~view.sky
    assert solid.any()
    np.testing.assert_allclose(np.linalg.norm(view.normals[solid], axis=-1), 1, atol=1e-5)
    assert (view.normals[view.sky] == 0).all()
    # Normals face the eye.
    assert ((view.normals * rays_of(SMALL)).sum(-1)[solid] < 1e-4).all()
    assert view.image.std() > 5, 'the image is not empty'


@pytest.mark.parametrize('kind', KINDS)
def test_the_same_seed_is_the_same_to_the_bit_and_another_is_not(kind: str) -> None:
    one, two, other = (
        synthetic.render(synthetic.make_scene(kind, seed), SMALL, antialias=2)
        for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(one.image, two.image)
    np.testing.assert_array_equal(one.depth, two.depth)
    assert not np.array_equal(one.depth, other.depth)


def test_normals_agree_with_the_depth_they_come_with() -> None:
    view = synthetic.render(synthetic.make_scene('room', 1), Camera.pinhole(160, 120, 130.0))
    depth = np.where(view.sky, 1e4, view.depth)
    points = rays_of(view.camera) * depth[..., None]
    across = points[1:-1, 2:] - points[1:-1, :-2]
    down = points[2:, 1:-1] - points[:-2, 1:-1]
    n = np.cross(down, across)
    n /= np.linalg.norm(n, axis=-1, keepdims=True)
    one_thing = np.ones(n.shape[:2], bool)
    for dy, dx in ((0, 1), (2, 1), (1, 0), (1, 2)):
        part = np.s_[dy : dy + n.shape[0], dx : dx + n.shape[1]]
        one_thing &= (view.normals[part] * view.normals[1:-1, 1:-1]).sum(-1) > 0.99999
        one_thing &= view.ids[part] == view.ids[1:-1, 1:-1]
        one_thing &= np.abs(depth[part] - depth[1:-1, 1:-1]) < 0.1
    agreement = np.abs((n * view.normals[1:-1, 1:-1]).sum(-1)[one_thing])
    assert one_thing.mean() > 0.3
    assert (agreement > 0.999).mean() > 0.97


@pytest.mark.parametrize('kind', ['room', 'outdoor'])
def test_poses_compose(kind: str) -> None:
    """What one camera says about a point, the other confirms, where it is not hidden."""
    scene = synthetic.make_scene(kind, 2)
    step = synthetic.camera_pose((0, 0, 0), yaw=0.06, pitch=0.02)
    step = np.linalg.inv(synthetic.camera_pose((0, 0, 0))) @ step
    step[:3, 3] = 0.08, -0.05, 0.1
    one = synthetic.render(scene, SMALL)
    two = synthetic.render(scene, SMALL, scene.start @ step)
    points = synthetic.points_of(one)[one.depth < 30]
    local = (points - two.pose[:3, 3]) @ two.pose[:3, :3]
    u = local[:, 0] / local[:, 2] * SMALL.fx + SMALL.cx
    v = local[:, 1] / local[:, 2] * SMALL.fy + SMALL.cy
    x, y = np.round(u).astype(int), np.round(v).astype(int)
    seen = (x >= 0) & (x < 96) & (y >= 0) & (y < 72) & (np.hypot(u - x, v - y) < 0.1)
    measured = two.depth[y[seen], x[seen]]
    difference = np.abs(measured - local[seen, 2]) / local[seen, 2]
    assert seen.sum() > 50
    assert np.median(difference) < 0.01


def test_a_rotated_pair_of_worlds_gives_the_same_image_of_depth() -> None:
    scene = synthetic.plane_scene((0.2, 0.1, 1), 3.0)
    turned = np.eye(4)
    turned[:3, :3] = synthetic.camera_pose((0, 0, 0), 0.3, 0.2, 0.1)[:3, :3]
    view = synthetic.render(scene, SMALL, turned)
    points = synthetic.points_of(view)
    n = np.array([0.2, 0.1, 1]) / np.linalg.norm([0.2, 0.1, 1])
    finite = np.isfinite(view.depth) & (view.depth < 1000)
    np.testing.assert_allclose(points[finite] @ n, 3.0, rtol=1e-4)


@pytest.mark.parametrize(
    ('distortion', 'D'),
    [(Distortion.PLUMB_BOB, [-0.2, 0.05, 0.001, -0.002, 0.0]),
     (Distortion.EQUIDISTANT, [0.01, -0.004, 0.0, 0.0])],
    ids=['plumb_bob', 'equidistant'],
)  # fmt: skip
def test_a_distorted_camera_sees_the_plane_through_its_lens(
    distortion: Distortion, D: list[float]
) -> None:
    from depth_ros.geometry.distortion import project

    camera = Camera(96, 72, np.array([[70.0, 0, 47], [0, 70, 36], [0, 0, 1]]), D, distortion)
    view = synthetic.render(synthetic.plane_scene((0.1, 0.2, 1), 4.0), camera)
    points = synthetic.points_of(view)
    pixels = project(camera, points)
    y, x = np.mgrid[0:72, 0:96]
    np.testing.assert_allclose(pixels, np.stack([x, y], axis=-1), atol=1e-3)
    n = np.array([0.1, 0.2, 1]) / np.linalg.norm([0.1, 0.2, 1])
    np.testing.assert_allclose(points @ n, 4.0, rtol=1e-4)


def test_supersampling_changes_colours_at_edges_and_no_truth() -> None:
    scene = synthetic.make_scene('warehouse', 1)
    plain, smooth = (synthetic.render(scene, SMALL, antialias=n) for n in (1, 3))
    np.testing.assert_array_equal(plain.depth, smooth.depth)
    np.testing.assert_array_equal(plain.ids, smooth.ids)
    changed = np.abs(plain.image.astype(int) - smooth.image).max(-1) > 2
    assert 0.001 < changed.mean() < 0.6


def test_shadows_only_darken() -> None:
    scene = synthetic.make_scene('outdoor', 4)
    lit, real = (
        synthetic.render(scene, SMALL, shadows=s, specular=False).image.astype(int)
        for s in (False, True)
    )
    assert (real <= lit).all()
    assert (real < lit - 5).any()


def test_what_moves_has_moved_and_nothing_else() -> None:
    scene = synthetic.make_scene('street', 0)
    later = scene.at(0.5)
    moving = np.abs(scene.solids.velocity).sum(1) > 0
    assert moving.any()
    assert not moving.all()
    shift = later.solids.centre - scene.solids.centre
    np.testing.assert_allclose(shift, 0.5 * scene.solids.velocity, atol=1e-12)
    np.testing.assert_allclose(later.at(0.0).solids.centre, scene.solids.centre, atol=1e-12)


@pytest.mark.parametrize(
    ('call', 'word'),
    [(lambda: synthetic.make_scene('moon'), 'room'),
     (lambda: synthetic.plane_scene((0, 0, 0), 1.0), 'normal'),
     (lambda: synthetic.plane_scene((0, 0, 1), -1.0), 'distance'),
     (lambda: synthetic.stereo_cameras(64, 48, 50.0, 0.0), 'baseline'),
     (lambda: synthetic.render(wall(), SMALL, np.eye(3)), '4x4'),
     (lambda: synthetic.render(wall(), SMALL, np.diag([2.0, 1, 1, 1])), 'orthonormal'),
     (lambda: synthetic.render_stereo(wall(), SMALL, SMALL), 'baseline')],
    ids=['kind', 'no normal', 'behind', 'no baseline', '3x3 pose', 'scaled pose', 'not a pair'],
)  # fmt: skip
def test_what_cannot_be_rendered_is_refused_with_a_reason(call: object, word: str) -> None:
    with pytest.raises(DepthError, match=word):
        call()  # type: ignore[operator]


@pytest.mark.parametrize('antialias', [1, 2])
def test_pixels_beyond_the_lens_are_black_and_unknown(antialias):
    """A polynomial lens has an end; pixels outside of it have no ray at all."""
    K = Camera.pinhole(96, 72, 60.0).K
    lens = Camera(96, 72, K, np.array([-0.45, 0, 0, 0, 0, 0, 0, 0.0]), Distortion.RATIONAL)
    blind = np.isnan(ray_grid(lens)).any(axis=2)
    assert 0 < blind.sum() < blind.size
    view = synthetic.render(synthetic.make_scene('room', 1), lens, antialias=antialias)
    np.testing.assert_array_equal(np.isnan(view.depth), blind)
    assert (view.image[blind] == 0).all()
    assert (view.ids[blind] == -1).all()
    assert not view.sky[blind].any()
