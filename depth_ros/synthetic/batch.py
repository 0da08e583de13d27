# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Many views of many scenes at once, in torch, on a CPU or a CUDA device.

As in cast.py, rays lie in tiles and a tile meets only solids near it; here all views, tiles and
solids of a shape are compared at once, and what remains is one list of (tile, solid) pairs that
is worked through in a few large operations. The mathematics is that of shapes.py and shade.py,
called with torch as the module; only what is gathered and how it is laid out lives here.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from depth_ros.synthetic import shade, textures
from depth_ros.synthetic.batch_cast import BatchCaster
from depth_ros.synthetic.rays import TILE, camera_rays, to_tiles
from depth_ros.synthetic.render import STAIN, faintest
from depth_ros.synthetic.scene import Floats, Scene, Shape
from depth_ros.synthetic.shapes import surface
from depth_ros.types import Camera, DepthError

if TYPE_CHECKING:
    import torch

PAD = 16  # solids of a shape are padded to a multiple, so that shapes of tensors repeat
AIR = ('zenith', 'horizon', 'cloud_offset', 'ambient_up', 'ambient_down', 'fog_colour')


@dataclass(frozen=True, eq=False)
class BatchRendered:
    """Tensors on the batch's device; what they mean is said at render.Rendered."""

    image: torch.Tensor  # (V, H, W, 3) uint8 RGB
    depth: torch.Tensor  # (V, H, W) float32 Z in metres, +inf on the sky
    normals: torch.Tensor  # (V, H, W, 3) in the optical frame
    ids: torch.Tensor  # (V, H, W) int32, 0 on the sky


def _padded(arrays: Sequence[np.ndarray], fill: float = 0.0) -> np.ndarray:
    """Stack arrays that differ in their first length."""
    length = max(len(a) for a in arrays)
    length += -length % PAD
    out = np.full((len(arrays), length, *arrays[0].shape[1:]), fill)
    for row, a in zip(out, arrays):
        row[: len(a)] = a
    return out


class SceneBatch:
    """
    Scenes as padded tensors, for `render`.

    budget is how many ray-solid pairs are worked on at a time: about what fits the cache of a
    CPU, or a small part of a GPU's memory. compiled fuses the shading with torch.compile.
    """

    def __init__(
        self, scenes: Sequence[Scene], device: str = 'cpu', compiled: bool = False,
        budget: int | None = None,
    ) -> None:  # fmt: skip
        import torch

        if not scenes:
            raise DepthError('no scenes were given, expected at least one')
        self.torch, self.device = torch, torch.device(device)
        budget = budget or (1 << 17 if self.device.type == 'cpu' else 1 << 26)
        self.caster = BatchCaster(torch, budget)
        self.count = len(scenes)
        self._fill(scenes)
        compile_ = torch.compile if compiled else _as_is
        self._surface, self._lit, self._finish = (
            compile_(f) for f in (self._surface_of, self._lit_by, self._finished)
        )

    def _tensor(self, values: Any, dtype: Any = None) -> torch.Tensor:
        array = np.ascontiguousarray(values)
        dtype = dtype or (self.torch.float32 if array.dtype.kind == 'f' else self.torch.int64)
        return self.torch.as_tensor(array).to(self.device, dtype)

    def _fill(self, scenes: Sequence[Scene]) -> None:
        self.groups: list[tuple[Shape, torch.Tensor, torch.Tensor]] = []
        for shape in Shape:
            # centre 3, rotation 9, half 3, shadow 1, exists 1, radius 1, bounds 3
            rows = [np.flatnonzero(s.solids.shape == shape) for s in scenes]
            if not any(len(r) for r in rows):
                continue
            columns = [
                np.concatenate(
                    [
                        s.solids.centre[r], s.solids.rotation[r].reshape(-1, 9), s.solids.half[r],
                        s.solids.shadow[r, None], np.ones((len(r), 1)), s.solids.radius[r, None],
                        s.solids.bounds[r],
                    ],
                    axis=1,
                )
                for s, r in zip(scenes, rows)
            ]  # fmt: skip
            values = _padded(columns)
            values[..., 12:15] = np.where(values[..., 16:17] > 0, values[..., 12:15], 1.0)
            index = _padded([r.astype(np.float64) for r in rows])
            table = self._tensor(values, self.torch.float64)
            self.groups.append((shape, table, self._tensor(index.astype(np.int64))))
        slots = np.arange(len(textures.names())) * textures.ENTRIES
        solids, looks = [], []
        for s in scenes:
            q, m = s.solids, s.materials
            solids.append(
                np.concatenate(
                    [q.centre, q.rotation.reshape(-1, 9), q.half, q.offset, q.shape[:, None],
                     q.instance[:, None], q.material[:, None]], axis=1,
                )
            )  # fmt: skip
            looks.append(
                np.stack(
                    [*m.colours.reshape(-1, 12).T, *m.scale.T, m.detail_scale, m.detail_amount,
                     m.stain_amount, m.specular, m.gloss, m.emission, m.texture, m.detail], axis=1,
                )
            )  # fmt: skip
        self.solids = self._tensor(_padded(solids), self.torch.float64)
        self.materials = self._tensor(_padded(looks), self.torch.float32)
        self.slots = self._tensor(slots)
        self.table = self._tensor(textures.bank().astype(np.int32), self.torch.int32)
        self.stain = int(slots[textures.index_of(STAIN)])
        lights = max(len(s.lights) for s in scenes)
        values = np.zeros((len(scenes), lights, 7))  # position, colour, distant
        for row, s in zip(values, scenes):
            n = len(s.lights)
            row[:n, :3], row[:n, 3:6], row[:n, 6] = (
                s.lights.position, s.lights.colour, s.lights.distant
            )  # fmt: skip
            row[n:, 2] = 1.0
        self.lights = self._tensor(values, self.torch.float64)
        faint = np.full((len(scenes), lights), np.inf)
        for line, s in zip(faint, scenes):
            line[: len(s.lights)] = faintest(s)
        self.faintest = self._tensor(faint, self.torch.float32)
        self.air = {k: self._tensor(np.stack([getattr(s.air, k) for s in scenes])) for k in AIR}
        for name in ('clouds', 'fog'):
            self.air[name] = self._tensor(
                np.array([getattr(s.air, name) for s in scenes], np.float32)
            )
        self.exposure = self._tensor(np.array([s.exposure for s in scenes], np.float32))

    def render(
        self, cameras: Camera | Sequence[Camera], poses: Floats,
        index: Sequence[int] | None = None, shadows: bool = True, specular: bool = True,
    ) -> BatchRendered:  # fmt: skip
        """
        Return one view per pose (V, 4, 4), camera-to-world.

        index says which scene each view is of; default view i of scene i. All cameras have one
        size. Poses are given in float64 and views are independent: any number of views of one
        scene costs its tables once.
        """
        torch = self.torch
        poses = np.asarray(poses, np.float64)
        views = len(poses)
        scene = list(range(self.count)) if index is None else list(index)
        cameras = [cameras] * views if isinstance(cameras, Camera) else list(cameras)
        if len(scene) != views or len(cameras) != views or poses.shape != (views, 4, 4):
            raise DepthError(
                f'{views} poses, {len(cameras)} cameras and {len(scene)} scene numbers were '
                'given; expected as many of each'
            )
        if len({c.size_wh for c in cameras}) != 1:
            raise DepthError('cameras differ in size; render one size at a time')
        width, height = cameras[0].size_wh
        which = self._tensor(np.array(scene))
        r = self._tensor(poses[:, :3, :3].astype(np.float32))
        # Everything is moved so that the eye is the origin, in double: what is near the eye is
        # exact there, however far the scene's own origin is.
        eyes = self._tensor(poses[:, :3, 3], torch.float64)
        look = {
            'groups': [(s, _moved(v[which], eyes), i[which]) for s, v, i in self.groups],
            'solids': _moved(self.solids[which], eyes), 'materials': self.materials[which],
            'lights': _moved(self.lights[which], eyes, self.lights[which, :, 6:] == 0),
            'exposure': self.exposure[which, None], 'faintest': self.faintest[which],
            'pixel': self._tensor(np.array([1 / c.fx for c in cameras], np.float32))[:, None],
            'air': {k: self.air[k][which].T[:, :, None] for k in AIR}
            | {k: self.air[k][which][:, None] for k in ('clouds', 'fog')}
            | {'cloud_start': self.stain},
        }  # fmt: skip
        with torch.no_grad(), warnings.catch_warnings():
            warnings.filterwarnings('ignore', 'index_reduce')  # it calls itself a beta
            grid = self._grids(cameras)  # (V, 2, T, R)
            d = [
                r[:, i, 0, None, None] * grid[:, 0] + r[:, i, 1, None, None] * grid[:, 1]
                + r[:, i, 2, None, None]
                for i in range(3)
            ]  # fmt: skip
            tiles = d[0].shape[1:]
            t, row = self.caster.nearest(look['groups'], d)
            flat = [x.reshape(views, -1) for x in (*d, t, row)]
            image, normals, ids = self._shade(look, tiles, flat, shadows, specular)
            normals = torch.einsum('vji,jvn->ivn', r, normals)
        image, normals = image.movedim(0, 1), normals.movedim(0, 1)
        parts = [self._untiled(p.reshape(views, -1, *tiles), width, height)
                 for p in (image, t[:, None], normals, ids[:, None])]  # fmt: skip
        image, depth, normals, ids = parts
        return BatchRendered(image, depth[..., 0], normals, ids[..., 0])

    def _grids(self, cameras: Sequence[Camera]) -> torch.Tensor:
        """Return x/z, y/z of every pixel in tiles, (V, 2, T, R); equal cameras are made once."""
        grids = {c.key: to_tiles(camera_rays(c)) for c in cameras}
        stack = self._tensor(np.stack(list(grids.values())))
        order = {key: i for i, key in enumerate(grids)}
        return stack[self._tensor(np.array([order[c.key] for c in cameras]))]

    def _untiled(self, values: Any, width: int, height: int) -> Any:
        """Return (V, H, W, C) of (V, C, T, R)."""
        rows, columns = -(-height // TILE), -(-width // TILE)
        grid = values.reshape(*values.shape[:2], rows, columns, TILE, TILE)
        grid = grid.permute(0, 2, 4, 3, 5, 1)
        grid = grid.reshape(len(values), rows * TILE, columns * TILE, -1)
        return grid[:, :height, :width].contiguous()

    def _shade(
        self, look: Any, tiles: Any, flat: Any, shadows: bool, specular: bool
    ) -> tuple[Any, Any, Any]:
        """Return image (3, V, N) uint8, world normals (3, V, N), instances (V, N)."""
        torch = self.torch
        *d, t, row = flat
        kinds = tuple(sorted({s for s, _, _ in look['groups']}))
        view, point, normal, base, m, distance, ids = self._surface(look, kinds, d, t, row)
        strength = m[17] if specular else m[17] * 0.0
        total, shine = shade.ambient(look['air'], normal), [m[17] * 0.0 for _ in range(3)]
        reach = torch.maximum(torch.maximum(abs(point[0]), abs(point[1])), abs(point[2]))
        start = [point[i] + normal[i] * (2e-3 + 2e-5 * reach) for i in range(3)]
        shape = len(row), *tiles
        for k in range(look['lights'].shape[1]):
            lamp = [look['lights'][:, k, i, None] for i in range(7)]
            away = [torch.where(lamp[6] > 0, lamp[i], lamp[i] - start[i]) for i in range(3)]
            square = shade.dot(away, away)
            power = torch.where(lamp[6] > 0, 1.0, 1.0 / (square + 0.3))
            facing = shade.dot(normal, away) / torch.sqrt(square)
            free = (row >= 0) & (facing > 0)
            if shadows:
                asked = free & (facing * power > look['faintest'][:, k, None])
                limit = torch.where(lamp[6] > 0, float('inf'), 1.0 - 1e-3)
                hidden = self.caster.blocked(
                    look['groups'], [s.reshape(shape) for s in start],
                    [a.expand_as(row).reshape(shape) for a in away], limit[..., None],
                    asked.reshape(shape),
                )  # fmt: skip
                free = free & ~hidden.reshape(free.shape)
            total, shine = self._lit(lamp, away, free, normal, view, strength, m[18], total, shine)
        image = self._finish(
            look, base, total, shine, m[19], normal, view, strength, distance, row
        )
        return image, torch.where(row >= 0, torch.stack(normal), 0.0), ids

    def _surface_of(
        self, look: Any, kinds: tuple[Shape, ...], d: Any, t: Any, row: Any
    ) -> tuple[Any, ...]:
        torch = self.torch
        hit = row >= 0
        t = torch.where(hit, t, 1.0)
        c = _gather(torch, look['solids'], row.clamp(min=0))
        length = torch.sqrt(shade.dot(d, d))
        view = [x / length for x in d]
        point = [t * d[i] for i in range(3)]
        relative = shade.rotate_back(c[3:12], [point[i] - c[i] for i in range(3)])
        # Off the solid, where a ray missed, nothing may overflow: what comes out is not used.
        local = [torch.where(hit, x, 0.1) for x in relative]
        outwards, u, v = _surfaces(torch, kinds, c[17], local, c[12:15])
        normal = list(shade.normalised(torch, shade.rotate(c[3:12], outwards)))
        facing = -shade.dot(normal, view)
        sign = torch.where(facing < 0, -1.0, 1.0)
        normal = [n * sign for n in normal]
        m = _gather(torch, look['materials'], c[19].long())
        material = {
            'colours': m[0:12], 'scale_u': m[12], 'scale_v': m[13], 'detail_scale': m[14],
            'detail_amount': m[15], 'stain_amount': m[16], 'start': self.slots[m[20].long()],
            'detail_start': self.slots[m[21].long()], 'stain_start': self.stain,
        }  # fmt: skip
        distance = t * length
        slant = torch.sqrt(torch.clip(abs(facing), 0.04, None))
        footprint = distance * look['pixel'] / slant
        uv = (u + c[15], v + c[16])
        base = shade.albedo(torch, self.table, material, uv, footprint, torch.int64)
        ids = torch.where(hit, c[18], 0.0).to(torch.int32)
        return view, point, normal, base, m, distance, ids

    def _lit_by(
        self, lamp: Any, away: Any, free: Any, normal: Any, view: Any, strength: Any, gloss: Any,
        total: Any, shine: Any,
    ) -> tuple[Any, Any]:  # fmt: skip
        """Add one light where it is free to reach."""
        torch = self.torch
        square = shade.dot(away, away)
        towards = [a / torch.sqrt(square) for a in away]
        power = torch.where(lamp[6] > 0, 1.0, 1.0 / (square + 0.3)) * free
        facing = torch.clip(shade.dot(normal, towards), 0.0, None) * power
        spot = strength * power * shade.highlight(torch, normal, view, towards, gloss)
        return (
            [total[i] + facing * lamp[3 + i] for i in range(3)],
            [shine[i] + spot * lamp[3 + i] for i in range(3)],
        )

    def _finished(
        self, look: Any, base: Any, total: Any, shine: Any, emission: Any, normal: Any, view: Any,
        strength: Any, distance: Any, row: Any,
    ) -> Any:  # fmt: skip
        torch, air = self.torch, look['air']
        around, weight = shade.reflected(torch, air, normal, view, strength)
        light = [base[i] * (total[i] + emission) + shine[i] for i in range(3)]
        light = [shade.mix(light[i], around[i], weight) for i in range(3)]
        light = shade.in_fog(torch, air, light, distance)
        sky = shade.clouded_sky(torch, air, self.table, view, torch.int64)
        colour = [torch.where(row >= 0, light[i], sky[i]) for i in range(3)]
        encoded = torch.stack([shade.encode(torch, x, look['exposure']) for x in colour])
        return (encoded + 0.5).to(torch.uint8)


def _moved(table: Any, eyes: Any, where: Any = True) -> Any:
    """Return the rows (V, P, k) with their first three columns as seen from the eyes (V, 3)."""
    table = table.clone()
    table[..., 0:3] -= eyes[:, None] * where
    return table.float()


def _as_is(function: Any) -> Any:
    return function


def _gather(torch: Any, table: Any, row: Any) -> Any:
    """Return the columns (k, V, N) of rows (V, N) of a table (V, P, k)."""
    index = row[..., None].expand(-1, -1, table.shape[2])
    return torch.gather(table, 1, index).movedim(-1, 0)


def _surfaces(
    torch: Any, shapes: tuple[Shape, ...], kind: Any, p: Any, half: Any
) -> tuple[Any, Any, Any]:
    """Return normal, u and v, each point's by its own shape."""
    normal: list[Any] = [torch.zeros_like(kind) for _ in range(3)]
    u, v = torch.zeros_like(kind), torch.zeros_like(kind)
    for shape in shapes:
        here = kind == int(shape)
        n, su, sv = surface(torch, shape, p, half)
        normal = [torch.where(here, a, b) for a, b in zip(n, normal)]
        u, v = torch.where(here, su, u), torch.where(here, sv, v)
    return normal, u, v


def render_batch(
    scenes: Sequence[Scene], camera: Camera, poses: Floats | None = None, device: str = 'cpu',
    **options: Any,
) -> BatchRendered:  # fmt: skip
    """Return one view of each scene, from its start where no poses are given."""
    poses = np.stack([s.start for s in scenes]) if poses is None else poses
    return SceneBatch(scenes, device).render(camera, poses, **options)
