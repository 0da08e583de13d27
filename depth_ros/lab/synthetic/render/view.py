# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Render one view with NumPy: image, exact depth, normals, instances, sky, occlusion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from depth_ros.lab.synthetic.render import shade
from depth_ros.lab.synthetic.render.cast import Caster
from depth_ros.lab.synthetic.render.rays import (
    TILE,
    camera_rays,
    from_tiles,
    pixel_steps,
    to_tiles,
)
from depth_ros.lab.synthetic.render.shadows import hidden
from depth_ros.lab.synthetic.render.shapes import surface
from depth_ros.lab.synthetic.scene.tables import Floats, Scene, Shape
from depth_ros.lab.synthetic.textures import bank as textures
from depth_ros.types import Camera, DepthError, FloatImage, Image

BLOCK = 320  # tiles that are worked on at once
STAIN = 'clouds'


@dataclass(frozen=True, eq=False)
class Rendered:
    """One view; every array is HxW in the pixels of its camera."""

    image: Image  # HxWx3 RGB
    depth: FloatImage  # Z in metres, +inf where there is only sky, NaN beyond the lens
    normals: FloatImage  # HxWx3 unit, in the camera's optical frame, towards it; 0 on the sky
    ids: npt.NDArray[np.int32]  # instance numbers, 0 for the sky, -1 beyond the lens
    camera: Camera
    pose: Floats  # 4x4 camera-to-world
    occluded: npt.NDArray[np.bool_] | None = None  # not seen by the other eye of the pair

    @property
    def sky(self) -> npt.NDArray[np.bool_]:
        return self.ids == 0


@dataclass(frozen=True, eq=False)
class ViewSettings:
    """How an image is taken."""

    pose: Floats
    pixel: float  # width of a pixel at one metre, for the choice of texture level
    shadows: bool
    specular: bool


class Renderer:
    """A scene made ready: use it for many views, or call `render` for one."""

    def __init__(self, scene: Scene, dtype: npt.DTypeLike = np.float32) -> None:
        self.scene = scene
        self.dtype = np.dtype(dtype)
        self.typed: Any = self.dtype.type
        self.caster = Caster(scene.solids, dtype)
        self.shapes = scene.solids.shape.astype(np.uint8)
        solids, materials, air = scene.solids, scene.materials, scene.air
        stain = textures.index_of(STAIN)
        self.table = textures.bank(
            {stain, *materials.texture.tolist(), *materials.detail.tolist()}
        )
        starts = np.stack([materials.texture, materials.detail]) * textures.ENTRIES
        self.starts = starts.astype(np.int32)
        self.stain_start = stain * textures.ENTRIES
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
        self.air: dict[str, Any] = {
            name: np.asarray(getattr(air, name)).astype(dtype)
            for name in (
                'zenith', 'horizon', 'cloud_offset', 'ambient_up', 'ambient_down', 'fog_colour',
                'clouds', 'fog',
            )
        }  # fmt: skip
        self.air['cloud_start'] = self.stain_start
        self.faintest = faintest(scene)

    def surface_at(self, row: np.ndarray, point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the world's outward unit normals (3, n) and texture coordinates (2, n) metres."""
        normal, uv = np.empty_like(point), np.empty_like(point[:2])
        shapes = self.shapes.take(row)
        for shape in np.flatnonzero(np.bincount(shapes)).tolist():
            here = _selected(shapes == shape)
            c = _columns(self.columns, row[here])
            local = shade.rotate_back(c[3:12], point[:, here] - c[0:3])
            n, u, v = surface(np, Shape(shape), local, c[12:15])
            n = shade.normalised(np, shade.rotate(c[3:12], n))
            for i in range(3):
                normal[i, here] = n[i]
            uv[0, here], uv[1, here] = u + c[15], v + c[16]
        return normal, uv

    def lights_at(
        self, row: np.ndarray, point: np.ndarray, normal: np.ndarray, in_tiles: tuple[int, Any],
        shadows: bool, glossy: tuple[np.ndarray, ...],
    ) -> tuple[list[Any], list[Any]]:  # fmt: skip
        """
        Return diffuse light at points and highlights at some of them.

        in_tiles says how many tiles there are and the points' places in them; glossy is the
        number, strength, gloss and direction of view of the points that have highlights.
        """
        tiles, where = in_tiles
        total = shade.ambient(self.air, normal)
        shiny, specular, gloss, view = glossy
        shine = [np.zeros_like(gloss) for _ in range(3)]
        normal_s = normal[:, shiny]
        lights = self.scene.lights
        # Shadow rays start a little off the surface, more where floats are coarser.
        start = point + normal * (2e-3 + 2e-5 * np.abs(point).max(axis=0))
        paths = [self._path(i, start) for i in range(len(lights))]
        facings = [shade.dot(normal, towards) * strength for towards, strength in paths]
        free: list[Any] = [facing > 0 for facing in facings]
        if shadows:
            wanted = [facing > self.faintest[i] for i, facing in enumerate(facings)]
            blocked = hidden(self.caster, lights, start, row, wanted, where, tiles)
            free = [f & ~b for f, b in zip(free, blocked)]
        for i, (towards, strength) in enumerate(paths):
            colour = lights.colour[i].astype(self.dtype)
            facing = facings[i] * free[i]
            for k in range(3):
                total[k] += facing * colour[k]
            if not len(shiny):
                continue
            power = specular * free[i][shiny]
            power *= strength if lights.distant[i] else strength[shiny]
            ray = towards if lights.distant[i] else towards[:, shiny]
            power *= shade.highlight(np, normal_s, view, ray, gloss)
            for k in range(3):
                shine[k] += power * colour[k]
        return total, shine

    def _path(self, i: int, start: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return the unit direction to light i and its strength, one or one of each point."""
        position = self.scene.lights.position[i]
        if self.scene.lights.distant[i]:
            return (position / np.linalg.norm(position)).astype(self.dtype)[:, None], self.typed(1)
        away = position.astype(self.dtype)[:, None] - start
        square = shade.dot(away, away)
        away /= np.sqrt(square)
        return away, 1 / (square + self.typed(0.3))

    def colours(
        self, d: np.ndarray, t: np.ndarray, row: np.ndarray, settings: ViewSettings
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return linear light (3, tiles, rays) and world normals that face the eye."""
        tiles = d.shape[1]
        light = np.empty((3, t.size), self.dtype)
        normals = np.zeros((3, t.size), self.dtype)
        flat_d, flat_t, flat_row = d.reshape(3, -1), t.reshape(-1), row.reshape(-1)
        hit = _selected(flat_row >= 0)
        if not isinstance(hit, slice):
            miss = np.flatnonzero(flat_row < 0)
            unit = shade.normalised(np, flat_d[:, miss])
            light[:, miss] = shade.clouded_sky(np, self.air, self.table, unit, np.int32)
        if isinstance(hit, slice) or len(hit):
            row, t, d = flat_row[hit].astype(np.intp), flat_t[hit], flat_d[:, hit]
            length = np.sqrt(shade.dot(d, d))
            view = d / length
            point = settings.pose[:3, 3].astype(self.dtype)[:, None] + t * d
            normal, uv = self.surface_at(row, point)
            facing = -shade.dot(normal, view)
            normal *= np.where(facing < 0, self.typed(-1), self.typed(1))
            normals[:, hit] = normal
            m = self.scene.solids.material.take(row)
            c = _columns(self.material_columns, m)
            starts = _columns(self.starts, m)
            material = {
                'colours': c[0:12], 'scale_u': c[12], 'scale_v': c[13], 'start': starts[0],
                'detail_start': starts[1], 'detail_scale': c[14], 'detail_amount': c[15],
                'stain_start': self.stain_start, 'stain_amount': c[16],
            }  # fmt: skip
            distance = t * length
            slant = np.sqrt(np.maximum(np.abs(facing), self.typed(0.04)))
            footprint = distance * self.typed(settings.pixel) / slant
            base = shade.albedo(np, self.table, material, uv, footprint, np.int32)
            strength = c[17] if settings.specular else np.zeros_like(c[17])
            shiny = np.flatnonzero(strength)  # most things are not
            gloss = shiny, strength[shiny], c[18][shiny], view[:, shiny]
            diffuse, shine = self.lights_at(
                row, point, normal, (tiles, hit), settings.shadows, gloss
            )
            total = [base[i] * (diffuse[i] + c[19]) for i in range(3)]
            if len(shiny):
                around, weight = shade.reflected(
                    np, self.air, normal[:, shiny], view[:, shiny], strength[shiny]
                )
                for i in range(3):
                    total[i][shiny] = shade.mix(total[i][shiny] + shine[i], around[i], weight)
            light[:, hit] = shade.in_fog(np, self.air, total, distance)
        return light.reshape(3, *d_shape(tiles)), normals.reshape(3, *d_shape(tiles))

    def render(
        self, camera: Camera, pose: Floats | None = None, *, antialias: int = 1,
        shadows: bool = True, specular: bool = True,
    ) -> Rendered:  # fmt: skip
        """
        Return what a camera at a pose (4x4 camera-to-world, default the scene's start) sees.

        antialias n takes n x n samples of colour in pixels on edges (textures are filtered
        anyway); depth, normals and instances are always those of the pixel's centre. specular
        False leaves out what depends on the eye.
        """
        pose = checked_pose(self.scene.start if pose is None else pose)
        grid, blind = self._rays(camera)
        settings = ViewSettings(pose, 1 / camera.fx, shadows, specular)
        with np.errstate(divide='ignore', invalid='ignore', over='ignore', under='ignore'):
            light, normals, t, row = self._image(grid, settings)
            if antialias > 1:
                self._smooth_edges(light, normals, row, grid, antialias, settings)
        exposure = self.typed(self.scene.exposure)
        image = (shade.encode(np, light, exposure) + 0.5).astype(np.uint8)
        ids = np.append(self.scene.solids.instance, 0)[row].astype(np.int32)
        image[blind], t[blind], normals[blind], ids[blind] = 0, np.nan, 0, -1
        rotation = pose[:3, :3].T.astype(self.dtype)
        facing = np.ascontiguousarray(normals @ rotation.T, np.float32)
        return Rendered(image, t.astype(np.float32), facing, ids, camera, pose)

    def radiance(self, camera: Camera, pose: Floats) -> np.ndarray:
        """Return linear light (H, W, 3) before exposure."""
        with np.errstate(divide='ignore', invalid='ignore', over='ignore', under='ignore'):
            grid, blind = self._rays(camera)
            light = self._image(grid, ViewSettings(pose, 1 / camera.fx, True, False))[0]
        light[blind] = 0
        return light

    def _rays(self, camera: Camera) -> tuple[FloatImage, npt.NDArray[np.bool_]]:
        """Return a ray for every pixel, and which pixels lie beyond the lens and have none."""
        grid = camera_rays(camera).astype(self.dtype)
        blind = np.isnan(grid).any(axis=2)
        return np.where(blind[..., None], self.typed(0), grid), blind

    def _image(self, grid: FloatImage, settings: ViewSettings) -> tuple[np.ndarray, ...]:
        """Return light, world normals, Z and row of one ray per pixel, as images."""
        height, width = grid.shape[:2]
        return tuple(from_tiles(p, width, height) for p in self._trace(to_tiles(grid), settings))

    def _trace(self, xy: np.ndarray, settings: ViewSettings) -> tuple[np.ndarray, ...]:
        """Return light, world normals, Z and row for x/z and y/z in tiles, (2, tiles, rays)."""
        # The ray has z = 1 in the camera, so that t is Z.
        r = settings.pose[:3, :3].astype(self.dtype)
        d = np.stack([r[i, 0] * xy[0] + r[i, 1] * xy[1] + r[i, 2] for i in range(3)])
        # Block by block, so that what a block needs stays in the processor's cache.
        parts = []
        for block in np.array_split(d, max(1, round(d.shape[1] / BLOCK)), axis=1):
            block = np.ascontiguousarray(block)
            t, row = self.caster.from_point(settings.pose[:3, 3], block)
            parts.append((*self.colours(block, t, row, settings), t, row))
        return tuple(np.concatenate(p, axis=-2) for p in zip(*parts))

    def _smooth_edges(
        self, light: np.ndarray, normals: np.ndarray, row: np.ndarray, grid: FloatImage,
        samples: int, settings: ViewSettings,
    ) -> None:  # fmt: skip
        """Replace the light of pixels on edges by the mean of samples x samples rays."""
        height, width = row.shape
        places = np.arange(height * width, dtype=np.int32).reshape(height, width, 1)
        order = to_tiles(places)[0].ravel()  # neighbours stay together, as the caster likes it
        edges = _edges(light, normals, row).ravel()
        chosen = order[edges[order]]
        chosen = chosen[np.sort(np.unique(chosen, return_index=True)[1])]
        if not len(chosen):
            return
        du, dv = (s.reshape(-1, 2)[chosen] for s in pixel_steps(grid))
        steps = (np.arange(samples) + 0.5) / samples - 0.5
        rays = np.stack(
            [grid.reshape(-1, 2)[chosen] + du * x + dv * y for y in steps for x in steps], axis=1
        ).reshape(-1, 2)
        count = len(rays)
        rays = np.concatenate([rays, np.repeat(rays[-1:], -count % TILE**2, axis=0)])
        xy = np.ascontiguousarray(rays.T.reshape(2, -1, TILE**2), self.dtype)
        fine = self._trace(xy, settings)[0].reshape(3, -1)[:, :count]
        # A lamp would outweigh all that is beside it: what is white anyway counts as white.
        fine = np.minimum(fine, 4.0 / self.scene.exposure)
        light.reshape(-1, 3)[chosen] = fine.reshape(3, len(chosen), -1).mean(axis=2).T

    def seen_from(self, eye: npt.ArrayLike, points: np.ndarray) -> npt.NDArray[np.bool_]:
        """Return which world points (H, W, 3) an eye sees unobstructed; NaN and inf are not."""
        eye = np.asarray(eye, np.float64)
        height, width = points.shape[:2]
        away = np.nan_to_num(points - eye, nan=0.0, posinf=0.0, neginf=0.0).astype(self.dtype)
        away = np.where(np.abs(away).sum(-1, keepdims=True) > 0, away, self.typed(1e-3))
        xy = np.concatenate([away, away[..., :1]], axis=-1)  # two channels at a time
        d = np.concatenate([to_tiles(xy[..., :2]), to_tiles(xy[..., 2:])[:1]])
        with np.errstate(divide='ignore', invalid='ignore', over='ignore', under='ignore'):
            t, _ = self.caster.from_point(eye, d)
        free = from_tiles(t, width, height) > 1 - 1e-3
        return free & np.isfinite(points).all(-1)


def _selected(mask: np.ndarray) -> Any:
    """Return the places of a mask, as a slice where that is all of them."""
    return slice(None) if mask.all() else np.flatnonzero(mask)


def _columns(table: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Return a table's columns; faster than table[:, index], as the index is known to fit."""
    return table.take(index, axis=1, mode='clip')


def d_shape(tiles: int) -> tuple[int, int]:
    return tiles, TILE * TILE


def faintest(scene: Scene) -> npt.NDArray[np.float32]:
    """Return for each light the strength below which its shadows would not be noticed."""
    brightest = scene.lights.colour.max(axis=1, initial=1e-6) * scene.exposure
    return (0.02 / brightest).astype(np.float32)


def _edges(light: np.ndarray, normals: np.ndarray, row: np.ndarray) -> npt.NDArray[np.bool_]:
    """Return the pixels beside another solid, a crease, or a jump of light such as a shadow's."""
    luminance = light.mean(axis=-1)
    edges = np.zeros(row.shape, bool)
    for axis in (0, 1):
        a: list[slice] = [slice(None)] * 2
        b: list[slice] = [slice(None)] * 2
        a[axis], b[axis] = slice(1, None), slice(None, -1)
        one, two = tuple(a), tuple(b)
        jump = np.abs(luminance[one] - luminance[two]) > 0.2 * (luminance[one] + luminance[two])
        bent = (normals[one] * normals[two]).sum(-1) < 0.9
        found = (row[one] != row[two]) | (bent & (row[one] >= 0)) | jump
        edges[one] |= found
        edges[two] |= found
    return edges


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


def render(scene: Scene, camera: Camera, pose: Floats | None = None, **options: Any) -> Rendered:
    """Return one view of a scene; the options are those of Renderer.render."""
    return Renderer(scene).render(camera, pose, **options)
