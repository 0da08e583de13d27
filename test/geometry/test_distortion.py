# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Lens models: exact inverses of each other, equal to OpenCV's, silent where they fold."""

import cv2
import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from lens_table import HEIGHT, LENSES, WIDTH, cameras, lens_camera

from depth_ros.geometry.camera import resize_camera
from depth_ros.geometry.distortion import (
    pixel_grid,
    project,
    ray_axes,
    ray_grid,
    rays_to_pixels,
    unproject,
)
from depth_ros.types import Camera, DepthError, Distortion

every_lens = pytest.mark.parametrize('name', LENSES)


def opencv_pixels(camera: Camera, points: np.ndarray) -> np.ndarray:
    points = points.reshape(-1, 1, 3).astype(np.float64)
    fisheye = camera.distortion is Distortion.EQUIDISTANT
    projector = cv2.fisheye.projectPoints if fisheye else cv2.projectPoints
    D = camera.D if camera.D.size else np.zeros(5)
    return projector(points, np.zeros(3), np.zeros(3), camera.K, D)[0].reshape(-1, 2)


@every_lens
def test_project_is_what_opencv_does(name):
    camera = lens_camera(name)
    # Far outside the calibrated field these polynomials describe no lens; stay within.
    rays = np.random.default_rng(1).uniform(-0.55, 0.55, (500, 2))
    points = np.concatenate([rays, np.ones((500, 1))], 1) * np.linspace(0.1, 50, 500)[:, None]
    pixels = project(camera, points)
    assert np.isfinite(pixels).all()
    np.testing.assert_allclose(pixels, opencv_pixels(camera, points), rtol=0, atol=1e-9)


@given(cameras())
def test_project_is_what_opencv_does_wherever_the_lens_is_defined(camera):
    rays = np.random.default_rng(2).uniform(-1.5, 1.5, (200, 2))
    points = np.concatenate([rays, np.ones((200, 1))], 1)
    pixels = project(camera, points)
    known = np.isfinite(pixels).all(-1)
    expected = opencv_pixels(camera, points)[known]
    np.testing.assert_allclose(pixels[known], expected, rtol=1e-10, atol=1e-7)


@every_lens
def test_every_pixel_of_a_real_lens_has_a_ray_that_projects_back(name):
    camera = lens_camera(name)
    pixels = pixel_grid(WIDTH, HEIGHT)
    rays = unproject(camera, pixels)
    assert np.isfinite(rays).all()
    np.testing.assert_allclose(rays_to_pixels(camera, rays), pixels, rtol=0, atol=1e-9)


@given(cameras())
def test_projecting_undoes_unprojecting(camera):
    u = np.linspace(-0.5, camera.width - 0.5, 40)
    v = np.linspace(-0.5, camera.height - 0.5, 30)
    pixels = np.stack(np.meshgrid(u, v), -1)
    rays = unproject(camera, pixels)
    known = np.isfinite(rays).all(-1)
    back = rays_to_pixels(camera, rays)
    np.testing.assert_allclose(back[known], pixels[known], rtol=0, atol=1e-8)


@given(cameras(), st.floats(0, 1.2), st.floats(0, 2 * np.pi), st.floats(0.01, 100))
def test_unprojecting_undoes_projecting(camera, radius, angle, depth):
    ray = radius * np.array([np.cos(angle), np.sin(angle)])
    pixel = project(camera, np.array([*ray, 1.0]) * depth)
    assume(np.isfinite(pixel).all())
    # Close to the fold many rays share a pixel: there the inverse is as ill-posed as the lens.
    nearby = project(camera, np.array([*(ray * 1.02), 1.0]))
    assume(np.isfinite(nearby).all())
    np.testing.assert_allclose(unproject(camera, pixel), ray, rtol=1e-8, atol=1e-9)


@given(cameras())
def test_the_middle_of_every_lens_is_known(camera):
    centre = np.array([camera.cx, camera.cy])
    around = centre + 0.05 * camera.fx * np.array([[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1]])
    assert np.isfinite(unproject(camera, around)).all()


# A lens whose prism term bends outer rays back a little, without a fold.
LEANING = Camera(
    9, 9, np.eye(3), np.array([0, 0, 0, 1 / 256, 1 / 32, 0, 0, 3 / 64, 0, 0, 0, -1 / 128]),
    Distortion.RATIONAL,
)  # fmt: skip


# One that folds and, farther out, rises again.
RISING_AGAIN = Camera(
    9, 9, np.eye(3), np.array([0, 0, 0, 0, 1 / 512, 3 / 8, 0, 0, 0, 0, 0, -1 / 128]),
    Distortion.RATIONAL,
)  # fmt: skip


@given(cameras(), st.floats(0, 2 * np.pi))
@example(LEANING, 2.0)
@example(RISING_AGAIN, 1.0)
def test_beyond_the_fold_there_is_nothing(camera, angle):
    """Along a ray away from the axis a lens ends at most once, and until then it does not fold."""
    along = np.array([np.cos(angle), np.sin(angle)])
    rays = np.linspace(0, 3, 400)[:, None] * along
    bare = Camera(9, 9, np.eye(3), camera.D, camera.distortion)
    bent = rays_to_pixels(bare, rays)
    known = np.isfinite(bent).all(-1)
    end = len(known) if known.all() else int(np.argmin(known))
    assert end > 10
    assert not known[end:].any()
    # What lies to the left stays to the left: no image is mirrored, as beyond a fold.
    step = 1e-6
    outward = (rays_to_pixels(bare, rays + step * along) - bent) / step
    leftward = (rays_to_pixels(bare, rays + step * np.array([-along[1], along[0]])) - bent) / step
    area = outward[:, 0] * leftward[:, 1] - outward[:, 1] * leftward[:, 0]
    assert (area[np.isfinite(area)] > -1e-6).all()


@given(cameras(), st.floats(0, 2 * np.pi))
@example(
    # The last coefficient is next to nothing and must stay without effect.
    Camera(
        8,
        8,
        np.diag([8, 8, 1]),
        [-0.25, -0.125, 0, 0, 0.0625, 0, 0.0625, 3.2e-37],
        Distortion.RATIONAL,
    ),
    0.0,
)
def test_the_radial_part_rises_until_the_fold(camera, angle):
    D = camera.D.copy()
    if camera.distortion is not Distortion.EQUIDISTANT:
        D[2:4] = 0  # tangential terms, prisms and tilts may lean back
        D[8:] = 0
    rays = np.linspace(0, 3, 400)[:, None] * np.array([np.cos(angle), np.sin(angle)])
    bent = rays_to_pixels(Camera(9, 9, np.eye(3), D, camera.distortion), rays) @ rays[-1]
    known = np.isfinite(bent)
    assert (np.diff(bent[known]) > -1e-9).all()


def test_a_folding_barrel_lens_answers_nan_where_opencv_sees_double():
    """For r - 0.3 r^3 everything beyond r = 1.05 comes back into the image."""
    camera = Camera(
        640, 480, np.diag([400.0, 400, 1]), np.array([-0.3, 0, 0, 0]), Distortion.PLUMB_BOB
    )
    # The other direction that lands where 0.8 does: r - 0.3 r^3 - (0.8 - 0.3 * 0.8^3) = 0.
    other = max(np.roots([-0.3, 0, 1, -(0.8 - 0.3 * 0.8**3)]))
    inner, outer = np.array([0.8, 0, 1]), np.array([other, 0, 1])
    seen = opencv_pixels(camera, np.stack([inner, outer]))
    assert abs(seen[0, 0] - seen[1, 0]) < 1e-9  # two directions, one pixel
    assert np.isfinite(project(camera, inner)).all()
    assert np.isnan(project(camera, outer)).all()
    widest = 400 * (np.sqrt(1 / 0.9) * (1 - 0.3 / 0.9))
    assert np.isfinite(unproject(camera, [widest - 0.01, 0])).all()
    assert np.isnan(unproject(camera, [widest + 0.01, 0])).all()


@every_lens
@pytest.mark.parametrize(
    'point',
    [(0.1, 0.2, 0.0), (0.1, 0.2, -1.0), (np.nan, 0, 1), (0, 0, np.nan)],
    ids=['in the plane', 'behind', 'nan', 'nan depth'],
)
def test_what_is_not_in_front_has_no_pixel(name, point):
    assert np.isnan(project(lens_camera(name), point)).any()


def test_a_fisheye_ends_at_ninety_degrees():
    camera = Camera(800, 800, np.diag([250.0, 250, 1]), np.zeros(4), Distortion.EQUIDISTANT)
    assert np.isfinite(unproject(camera, [250 * np.deg2rad(89), 0])).all()
    assert np.isnan(unproject(camera, [250 * np.deg2rad(91), 0])).all()
    np.testing.assert_allclose(
        unproject(camera, [0, 250 * np.deg2rad(60)]), [0, np.tan(np.deg2rad(60))], atol=1e-12
    )


@every_lens
def test_ray_grid_is_the_unprojection_of_every_pixel(name):
    camera = resize_camera(lens_camera(name), 64, 48)
    grid = ray_grid(camera)
    assert grid.dtype == np.float32
    assert not grid.flags.writeable
    assert ray_grid(camera) is grid
    np.testing.assert_allclose(grid, unproject(camera, pixel_grid(64, 48)), rtol=2e-7, atol=1e-9)


def test_ray_axes_are_for_plain_cameras_only():
    x, y = ray_axes(Camera.pinhole(7, 5, 10.0))
    np.testing.assert_array_equal(x, ray_grid(Camera.pinhole(7, 5, 10.0))[0, :, 0])
    np.testing.assert_array_equal(y, ray_grid(Camera.pinhole(7, 5, 10.0))[:, 0, 1])
    with pytest.raises(DepthError, match='rectify first'):
        ray_axes(lens_camera('plumb_bob_4'))


def test_skewed_pixels_are_honoured():
    camera = Camera(640, 480, np.array([[400, 3.0, 300], [0, 410, 200], [0, 0, 1]]))
    np.testing.assert_allclose(project(camera, [0.2, 0.1, 1]), [400 * 0.2 + 3 * 0.1 + 300, 241])
    np.testing.assert_allclose(unproject(camera, project(camera, [0.2, 0.1, 1])), [0.2, 0.1])


@pytest.mark.parametrize('shape', [(3,), (0, 3), (4, 3), (2, 5, 3)])
def test_shapes_follow_the_input(shape):
    points = np.ones(shape)
    camera = lens_camera('plumb_bob_5')
    assert project(camera, points).shape == (*shape[:-1], 2)
    assert unproject(camera, points[..., :2]).shape == (*shape[:-1], 2)


@pytest.mark.parametrize(
    ('camera', 'says'),
    [
        (Camera(9, 9, np.eye(3), np.ones(3), Distortion.PLUMB_BOB), '3 coefficients'),
        (Camera(9, 9, np.eye(3), np.ones(6), Distortion.RATIONAL), '6 coefficients'),
        (Camera(9, 9, np.eye(3), np.ones(5), Distortion.EQUIDISTANT), 'expected 4'),
        (Camera(9, 9, np.eye(3), np.ones(4), Distortion.NONE), 'set distortion_model'),
    ],
    ids=['plumb_bob', 'rational', 'equidistant', 'nameless'],
)
def test_coefficients_that_no_model_has_are_refused(camera, says):
    with pytest.raises(DepthError, match=says):
        project(camera, [0, 0, 1])


@pytest.mark.parametrize('function', [project, unproject, rays_to_pixels])
def test_wrong_shapes_are_refused(function):
    with pytest.raises(DepthError, match=r'expected \(\.\.\., [23]\)'):
        function(Camera.pinhole(9, 9, 5.0), np.ones((3, 4)))
