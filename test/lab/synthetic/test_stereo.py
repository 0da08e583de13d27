# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The law of stereo: the right view, warped by the exact disparity, is the left view."""

import cv2
import numpy as np
import pytest

from depth_ros.lab import synthetic


def warped(image: np.ndarray, disparity: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[0 : image.shape[0], 0 : image.shape[1]].astype(np.float32)
    return cv2.remap(image, (x - disparity).astype(np.float32), y, cv2.INTER_CUBIC)


def smooth_and_seen(left: synthetic.Rendered, right: synthetic.Rendered, disparity: np.ndarray):
    """Return where four by four pixels of the right view belong to one surface of the left."""
    seen = ~left.occluded
    y, x = np.mgrid[0 : disparity.shape[0], 0 : disparity.shape[1]]
    at = np.floor(x - disparity).astype(int)
    seen &= (at >= 1) & (at < disparity.shape[1] - 2)
    at = np.clip(at, 1, disparity.shape[1] - 3)
    for dx in (-1, 0, 1, 2):
        seen &= right.ids[y, at + dx] == left.ids
        near = np.where(left.sky, 1e9, left.depth), np.where(right.sky, 1e9, right.depth)
        same_depth = np.abs(near[1][y, at + dx] / near[0] - 1) < 0.05
        seen &= same_depth
        seen &= (right.normals[y, at + dx] * left.normals).sum(-1) > 0.9 - left.sky
    return seen


@pytest.mark.parametrize('kind', [*synthetic.kinds(), 'plane'])
def test_the_right_view_warped_by_the_disparity_is_the_left_view(kind: str) -> None:
    scene = (
        synthetic.plane_scene((0.3, 0.1, 1), 2.5) if kind == 'plane'
        else synthetic.make_scene(kind, 7)
    )  # fmt: skip
    cameras = synthetic.stereo_cameras(240, 180, 200.0, 0.1)
    left, right = synthetic.render_stereo(scene, *cameras, specular=False)
    disparity = 200.0 * 0.1 / left.depth
    valid = smooth_and_seen(left, right, disparity)
    assert valid.mean() > 0.3

    def error(shift: float) -> np.ndarray:
        difference = warped(right.image, disparity + shift).astype(float) - left.image
        return np.abs(difference).mean(-1)[valid]

    assert np.percentile(error(0.0), 90) < 5, 'beyond the error of interpolating the texture'
    # The law is sharp: a disparity that is wrong by a pixel and a half fits worse.
    assert error(1.5).mean() > error(0.0).mean()


def test_occlusion_is_what_the_other_eye_cannot_see() -> None:
    scene = synthetic.make_scene('clutter', 1)
    left, right = synthetic.render_stereo(
        scene, *synthetic.stereo_cameras(240, 180, 200.0, 0.2), specular=False
    )
    disparity = 200.0 * 0.2 / left.depth
    y, x = np.mgrid[0:180, 0:240]
    at = np.round(x - disparity).astype(int)
    outside = (x - disparity < -0.5) | (x - disparity > 239.5)
    assert left.occluded[outside].all()
    inside = ~outside & (at >= 0) & (at < 240)
    other = right.depth[y[inside], at[inside]]
    depth, hidden = left.depth[inside], left.occluded[inside]
    # Something clearly nearer stands where a hidden point would be; where it is seen, that is
    # so only at silhouettes, for want of pixels.
    assert hidden.any()
    assert (~hidden).any()
    nearer = other < depth * 0.97
    assert nearer[hidden].mean() > 0.8
    assert nearer[~hidden].mean() < 0.06


def test_right_pose_is_a_baseline_to_the_right() -> None:
    pose = synthetic.camera_pose((1, 2, 3), 0.5, 0.2, 0.1)
    _, right = synthetic.stereo_cameras(64, 48, 50.0, 0.12)
    relative = np.linalg.inv(pose) @ synthetic.right_pose(pose, right)
    expected = np.eye(4)
    expected[0, 3] = 0.12
    np.testing.assert_allclose(relative, expected, atol=1e-12)
