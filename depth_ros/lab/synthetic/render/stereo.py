# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Both eyes of a rectified pair, and which pixels only one of them sees."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from depth_ros.lab.synthetic.render.rays import camera_rays
from depth_ros.lab.synthetic.render.view import Rendered, Renderer
from depth_ros.lab.synthetic.scene.cameras import right_pose
from depth_ros.lab.synthetic.scene.tables import Floats, Scene
from depth_ros.types import Camera, DepthError


def points_of(rendered: Rendered) -> Floats:
    """Return the world point of every pixel, (H, W, 3); not finite on the sky."""
    grid = camera_rays(rendered.camera).astype(np.float64)
    rays = np.concatenate([grid, np.ones((*grid.shape[:2], 1))], axis=-1)
    with np.errstate(invalid='ignore'):
        return rays * rendered.depth[..., None] @ rendered.pose[:3, :3].T + rendered.pose[:3, 3]


def render_stereo(
    scene: Scene,
    left_camera: Camera,
    right_camera: Camera,
    pose: Floats | None = None,
    **options: Any,
) -> tuple[Rendered, Rendered]:
    """Return both views of a rectified pair at the left eye's pose, with `occluded` filled."""
    if not right_camera.baseline > 0:
        raise DepthError(
            f'the right camera has baseline {right_camera.baseline:g} m, expected more than 0; '
            'make the pair with synthetic.stereo_cameras'
        )
    renderer = Renderer(scene)
    left = renderer.render(left_camera, pose, **options)
    right = renderer.render(right_camera, right_pose(left.pose, right_camera), **options)
    return (
        replace(left, occluded=~_seen(renderer, left, right)),
        replace(right, occluded=~_seen(renderer, right, left)),
    )


def _seen(renderer: Renderer, one: Rendered, other: Rendered) -> npt.NDArray[np.bool_]:
    """Return which pixels of one view the other sees: in its image and not hidden."""
    points = points_of(one)
    sky = ~np.isfinite(one.depth)
    grid = camera_rays(one.camera).astype(np.float64)
    rays = np.concatenate([grid, np.ones((*grid.shape[:2], 1))], axis=-1) @ one.pose[:3, :3].T
    # The sky is at infinity: only the direction counts.
    relative = np.where(sky[..., None], rays, points - other.pose[:3, 3]) @ other.pose[:3, :3]
    camera = other.camera
    with np.errstate(divide='ignore', invalid='ignore'):
        if camera.is_distorted:
            from depth_ros.geometry.distortion import project

            pixels = project(camera, relative)
            u, v = pixels[..., 0], pixels[..., 1]
        else:
            u = relative[..., 0] / relative[..., 2] * camera.fx + camera.cx
            v = relative[..., 1] / relative[..., 2] * camera.fy + camera.cy
    inside = (u >= -0.5) & (u <= camera.width - 0.5) & (v >= -0.5) & (v <= camera.height - 0.5)
    inside &= relative[..., 2] > 0
    # A sky pixel is asked about with a point far away along its ray.
    far = other.pose[:3, 3] + rays * 1e5
    points = np.where(sky[..., None], far, points)
    return inside & renderer.seen_from(other.pose[:3, 3], points)
