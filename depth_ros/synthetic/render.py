# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Render one view with NumPy: picture, exact depth, normals, instances, sky, occlusion."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from depth_ros.synthetic import shade, textures
from depth_ros.synthetic.cameras import right_pose
from depth_ros.synthetic.cast import Caster
from depth_ros.synthetic.scene import Floats, Scene, Shape
from depth_ros.synthetic.shapes import surface
from depth_ros.types import Camera, DepthError, FloatImage, Image

TILE = 16
BLOCK = 100  # tiles that are worked on at once
STAIN = 'clouds'


@dataclass(frozen=True, eq=False)
class Rendered:
    """One view; every array is HxW in the pixels of its camera."""

    image: Image  # HxWx3 RGB
    depth: FloatImage  # Z in metres, +inf where there is only sky
    normals: FloatImage  # HxWx3 unit, in the camera's optical frame, towards it; 0 on the sky
    ids: npt.NDArray[np.int32]  # instance numbers, 0 for the sky
    camera: Camera
    pose: Floats  # 4x4 camera-to-world
    occluded: npt.NDArray[np.bool_] | None = None  # not seen by the other eye of the pair

    @property
    def sky(self) -> npt.NDArray[np.bool_]:
        return self.ids == 0


def camera_rays(camera: Camera) -> FloatImage:
    """Return x/z and y/z of every pixel, float32 (H, W, 2)."""
    if camera.is_distorted:
        from depth_ros.geometry.distortion import ray_grid

        return ray_grid(camera)
    x = (np.arange(camera.width) - camera.cx) / camera.fx
    y = (np.arange(camera.height) - camera.cy) / camera.fy
    return np.stack(np.meshgrid(x, y), axis=-1).astype(np.float32)


def _to_tiles(grid: FloatImage) -> FloatImage:
    """Return (2, tiles, TILE * TILE) of an (H, W, 2) grid, its border repeated to full tiles."""
    height, width = grid.shape[:2]
    pad = ((0, -height % TILE), (0, -width % TILE), (0, 0))
    grid = np.pad(grid, pad, mode='edge')
    rows, columns = grid.shape[0] // TILE, grid.shape[1] // TILE
    tiles = grid.reshape(rows, TILE, columns, TILE, 2).transpose(4, 0, 2, 1, 3)
    return np.ascontiguousarray(tiles).reshape(2, rows * columns, TILE * TILE)


def _from_tiles(values: np.ndarray, width: int, height: int) -> np.ndarray:
    """Return (H, W, ...) of (..., tiles, TILE * TILE)."""
    rows, columns = -(-height // TILE), -(-width // TILE)
    lead = values.shape[:-2]
    grid = values.reshape(*lead, rows, columns, TILE, TILE)
    n = len(lead)
    grid = grid.transpose(n, n + 2, n + 1, n + 3, *range(n))
    return grid.reshape(rows * TILE, columns * TILE, *lead)[:height, :width]


class Renderer:
    """A scene made ready: use it for many views, or call `render` for one."""

    def __init__(self, scene: Scene, dtype: npt.DTypeLike = np.float32) -> None:
        self.scene = scene
        self.dtype = np.dtype(dtype)
        self.caster = Caster(scene.solids, dtype)
        solids, materials, air = scene.solids, scene.materials, scene.air
        stain = textures.index_of(STAIN)
        used = tuple(sorted({stain, *materials.texture.tolist(), *materials.detail.tolist()}))
        self.table, slots = textures.tables_for(used)
        self.starts = np.stack([slots[materials.texture], slots[materials.detail]])
        self.stain_start = slots[stain]
        # Columns per solid, gathered for every point: centre, rotation, half, offset.
        self.columns = np.ascontiguousarray(
            np.concatenate(
                [
                    solids.centre.T,
                    solids.rotation.reshape(-1, 9).T,
                    solids.half.T,
                    solids.offset.T,
                ]
            ).astype(dtype)
        )
        self.material_columns = np.ascontiguousarray(
            np.concatenate(
                [
                    materials.colours.reshape(-1, 12).T,
                    materials.scale.T,
                    np.stack(
                        [
                            materials.detail_scale,
                            materials.detail_amount,
                            materials.stain_amount,
                            materials.specular,
                            materials.gloss,
                            materials.emission,
                        ]
                    ),
                ]
            ).astype(dtype)
        )
        typed = self.dtype.type
        self.air: dict[str, Any] = {
            name: np.asarray(getattr(air, name)).astype(dtype)
            for name in (
                'zenith', 'horizon', 'cloud_offset', 'ambient_up', 'ambient_down', 'fog_colour'
            )
        }  # fmt: skip
        self.air |= {'clouds': typed(air.clouds), 'fog': typed(air.fog)}
        self.air['cloud_start'] = slots[stain]

    def surface_at(self, row: np.ndarray, point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the world's outward unit normals (3, n) and texture coordinates (2, n) metres."""
        c = self.columns[:, row]
        local = np.stack(shade.rotate_back(c[3:12], point - c[0:3]))
        normal = np.empty_like(local)
        uv = np.empty_like(local[:2])
        shapes = self.scene.solids.shape[row]
        for shape in np.unique(shapes):
            here = np.flatnonzero(shapes == shape)
            n, u, v = surface(np, Shape(shape), local[:, here], c[12:15, here])
            for i in range(3):
                normal[i, here] = n[i]
            uv[0, here], uv[1, here] = u, v
        world = shade.normalised(np, shade.rotate(c[3:12], normal))
        return np.stack(world), uv + c[15:17]

    def lights_at(
        self, point: np.ndarray, normal: np.ndarray, in_tiles: tuple[int, np.ndarray],
        shadows: bool, view: np.ndarray, specular: np.ndarray, gloss: np.ndarray,
    ) -> tuple[list[Any], list[Any]]:  # fmt: skip
        """Return diffuse light and highlights at points of which `in_tiles` says the places."""
        tiles, where = in_tiles
        total = shade.ambient(self.air, normal)
        shine = [np.zeros_like(gloss) for _ in range(3)]
        shiny = np.flatnonzero(specular > 0)  # most things are not
        normal_s, view_s = normal[:, shiny], view[:, shiny]
        lights = self.scene.lights
        # Shadow rays start a little off the surface, more where floats are coarser.
        start = point + normal * (2e-3 + 2e-5 * np.abs(point).max(axis=0))
        for i in range(len(lights)):
            colour = lights.colour[i].astype(self.dtype)
            if lights.distant[i]:
                axis = lights.position[i] / np.linalg.norm(lights.position[i])
                towards = np.broadcast_to(axis.astype(self.dtype)[:, None], point.shape)
                strength = np.ones_like(gloss)
            else:
                away = lights.position[i].astype(self.dtype)[:, None] - start
                square = shade.dot(away, away)
                towards = away / np.sqrt(square)
                strength = 1 / (square + self.dtype.type(0.3))
            facing = shade.dot(normal, towards)
            chosen = np.flatnonzero(facing > 0)
            if shadows:
                chosen = chosen[~self._blocked(i, start, chosen, where, tiles)]
            lit = np.zeros_like(gloss)
            lit[chosen] = strength[chosen]
            facing = facing * lit
            spot = specular[shiny] * lit[shiny]
            spot *= shade.highlight(np, normal_s, view_s, towards[:, shiny], gloss[shiny])
            for k in range(3):
                total[k] = total[k] + facing * colour[k]
                shine[k][shiny] += spot * colour[k]
        return total, shine

    def _blocked(
        self, i: int, start: np.ndarray, chosen: np.ndarray, where: np.ndarray, tiles: int
    ) -> np.ndarray:
        """Say which of the chosen points light i does not reach."""
        lights = self.scene.lights
        place = where[chosen]
        rays = np.zeros((3, tiles, TILE * TILE), self.dtype)
        full = np.zeros(rays.shape[1:], bool)
        full.reshape(-1)[place] = True
        busy = np.flatnonzero(full.any(axis=1))
        points = start[:, chosen]
        if not lights.distant[i]:
            points = points - lights.position[i].astype(self.dtype)[:, None]
        rays.reshape(3, -1)[:, place] = points
        # Places that hold no point repeat one of their tile, to keep its bounds tight.
        bundle = rays[:, busy]
        first = full[busy].argmax(axis=1)
        filler = bundle[:, np.arange(len(busy)), first]
        bundle = np.where(full[busy], bundle, filler[:, :, None])
        if lights.distant[i]:
            blocked = self.caster.blocked_towards(lights.position[i], bundle)
        else:
            blocked = self.caster.blocked_from_point(lights.position[i], bundle)
        table = np.zeros(rays.shape[1:], bool)
        table[busy] = blocked
        return table.reshape(-1)[place]

    def colours(
        self, d: np.ndarray, t: np.ndarray, row: np.ndarray, origin: np.ndarray, pixel: float,
        shadows: bool, specular: bool,
    ) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
        """Return linear light (3, tiles, rays) and world normals that face the eye."""
        tiles = d.shape[1]
        light = np.empty((3, t.size), self.dtype)
        normals = np.zeros((3, t.size), self.dtype)
        flat_d, flat_t, flat_row = d.reshape(3, -1), t.reshape(-1), row.reshape(-1)
        hit = np.flatnonzero(flat_row >= 0)
        miss = np.flatnonzero(flat_row < 0)
        if len(miss):
            unit = shade.normalised(np, flat_d[:, miss])
            light[:, miss] = shade.clouded_sky(np, self.air, self.table, unit, np.int32)
        if len(hit):
            row, t, d = flat_row[hit], flat_t[hit], flat_d[:, hit]
            length = np.sqrt(shade.dot(d, d))
            view = d / length
            point = origin.astype(self.dtype)[:, None] + t * d
            normal, uv = self.surface_at(row, point)
            facing = -shade.dot(normal, view)
            normal = np.where(facing < 0, -normal, normal)
            normals[:, hit] = normal
            m = self.scene.solids.material[row]
            c = self.material_columns[:, m]
            starts = self.starts[:, m]
            material = {
                'colours': c[0:12], 'scale_u': c[12], 'scale_v': c[13], 'start': starts[0],
                'detail_start': starts[1], 'detail_scale': c[14], 'detail_amount': c[15],
                'stain_start': self.stain_start, 'stain_amount': c[16],
            }  # fmt: skip
            distance = t * length
            slant = np.sqrt(np.maximum(np.abs(facing), self.dtype.type(0.04)))
            footprint = distance * self.dtype.type(pixel) / slant
            base = shade.albedo(np, self.table, material, uv, footprint, np.int32)
            strength = c[17] if specular else np.zeros_like(c[17])
            diffuse, shine = self.lights_at(
                point, normal, (tiles, hit), shadows, view, strength, c[18]
            )
            total = [base[i] * (diffuse[i] + c[19]) + shine[i] for i in range(3)]
            shiny = np.flatnonzero(strength > 0)
            around, weight = shade.reflected(
                np, self.air, normal[:, shiny], view[:, shiny], strength[shiny]
            )
            for i in range(3):
                total[i][shiny] = shade.mix(total[i][shiny], around[i], weight)
            light[:, hit] = shade.in_fog(np, self.air, total, distance)
        return light.reshape(3, *d_shape(tiles)), normals.reshape(3, *d_shape(tiles))

    def render(
        self, camera: Camera, pose: Floats | None = None, *, antialias: int = 1,
        shadows: bool = True, specular: bool = True,
    ) -> Rendered:  # fmt: skip
        """
        Return what a camera at a pose (4x4 camera-to-world, default the scene's start) sees.

        antialias n takes n x n samples of colour per pixel; depth, normals and instances are
        always those of the pixel's centre. specular False leaves out what depends on the eye.
        """
        pose = checked_pose(self.scene.start if pose is None else pose)
        grid = camera_rays(camera).astype(self.dtype)
        with np.errstate(divide='ignore', invalid='ignore', over='ignore', under='ignore'):
            light, t, row, normals = self._sample(grid, camera, pose, shadows, specular)
            if antialias > 1:
                light = np.zeros_like(light)
                du, dv = _pixel_steps(grid)
                for y in range(antialias):
                    for x in range(antialias):
                        shift = (np.array([x, y]) + 0.5) / antialias - 0.5
                        moved = (grid + du * shift[0] + dv * shift[1]).astype(self.dtype)
                        part, *_ = self._sample(moved, camera, pose, shadows, specular)
                        light += np.minimum(part, 4.0 / self.scene.exposure)
                light /= antialias**2
        exposure = self.dtype.type(self.scene.exposure)
        image = (shade.encode(np, light, exposure) + 0.5).astype(np.uint8)
        ids = np.append(self.scene.solids.instance, 0)[row].astype(np.int32)
        rotation = pose[:3, :3].T.astype(self.dtype)
        facing = np.ascontiguousarray(normals @ rotation.T, np.float32)
        return Rendered(image, t.astype(np.float32), facing, ids, camera, pose)

    def radiance(self, camera: Camera, pose: Floats) -> np.ndarray:
        """Return linear light (H, W, 3) before exposure."""
        with np.errstate(divide='ignore', invalid='ignore', over='ignore', under='ignore'):
            grid = camera_rays(camera).astype(self.dtype)
            return self._sample(grid, camera, pose, True, False)[0]

    def _sample(
        self, grid: FloatImage, camera: Camera, pose: Floats, shadows: bool, specular: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return light, Z, row and world normals of one ray per pixel, as images."""
        xy = _to_tiles(grid)
        # The ray has z = 1 in the camera, so that t is Z.
        r = pose[:3, :3].astype(self.dtype)
        d = np.stack([r[i, 0] * xy[0] + r[i, 1] * xy[1] + r[i, 2] for i in range(3)])
        # Block by block, so that what a block needs stays in the processor's cache.
        parts = []
        for block in np.array_split(d, max(1, round(d.shape[1] / BLOCK)), axis=1):
            block = np.ascontiguousarray(block)
            t, row = self.caster.from_point(pose[:3, 3], block)
            parts.append(
                (
                    *self.colours(block, t, row, pose[:3, 3], 1 / camera.fx, shadows, specular),
                    t,
                    row,
                )
            )
        light, normals, t, row = (np.concatenate(p, axis=-2) for p in zip(*parts))
        size = camera.width, camera.height
        return (
            _from_tiles(light, *size), _from_tiles(t, *size), _from_tiles(row, *size),
            _from_tiles(normals, *size),
        )  # fmt: skip

    def seen_from(self, eye: npt.ArrayLike, points: np.ndarray) -> npt.NDArray[np.bool_]:
        """Return which world points (H, W, 3) an eye sees unobstructed; NaN and inf are not."""
        eye = np.asarray(eye, np.float64)
        height, width = points.shape[:2]
        away = np.nan_to_num(points - eye, nan=0.0, posinf=0.0, neginf=0.0).astype(self.dtype)
        away = np.where(np.abs(away).sum(-1, keepdims=True) > 0, away, self.dtype.type(1e-3))
        xy = np.concatenate([away, away[..., :1]], axis=-1)  # two channels at a time
        d = np.concatenate([_to_tiles(xy[..., :2]), _to_tiles(xy[..., 2:])[:1]])
        with np.errstate(divide='ignore', invalid='ignore', over='ignore', under='ignore'):
            t, _ = self.caster.from_point(eye, d)
        free = _from_tiles(t, width, height) > 1 - 1e-3
        return free & np.isfinite(points).all(-1)


def d_shape(tiles: int) -> tuple[int, int]:
    return tiles, TILE * TILE


def _pixel_steps(grid: FloatImage) -> tuple[FloatImage, FloatImage]:
    """Return how the ray changes from pixel to pixel, right and down."""
    du = np.gradient(grid, axis=1) if grid.shape[1] > 1 else np.zeros_like(grid)
    dv = np.gradient(grid, axis=0) if grid.shape[0] > 1 else np.zeros_like(grid)
    return du, dv


def checked_pose(pose: npt.ArrayLike) -> Floats:
    """Return the pose as float64 4x4, or say what is wrong with it."""
    matrix = np.asarray(pose, np.float64)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise DepthError(
            f'pose has shape {matrix.shape}, expected a finite 4x4 camera-to-world matrix; '
            'make one with synthetic.camera_pose'
        )
    if not np.allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-5):
        raise DepthError(
            'pose has a rotation that is not orthonormal, expected a camera-to-world rotation; '
            'normalise it first'
        )
    return matrix


def points_of(rendered: Rendered) -> Floats:
    """Return the world point of every pixel, (H, W, 3); not finite on the sky."""
    grid = camera_rays(rendered.camera).astype(np.float64)
    rays = np.concatenate([grid, np.ones((*grid.shape[:2], 1))], axis=-1)
    with np.errstate(invalid='ignore'):
        return rays * rendered.depth[..., None] @ rendered.pose[:3, :3].T + rendered.pose[:3, 3]


def render(scene: Scene, camera: Camera, pose: Floats | None = None, **options: Any) -> Rendered:
    """Return one view of a scene; the options are those of Renderer.render."""
    return Renderer(scene).render(camera, pose, **options)


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
    """Return which pixels of one view the other sees: in its picture and not hidden."""
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
