# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
From what a ray hit to its colour: texture, light, reflection, fog and sky, in linear light.

Written for NumPy and torch alike: `xp` is the module, a vector is three arrays of any one shape.
Colour is a function of the world point, the scene and the direction of view, never of the pixel,
so that views agree; only highlights and reflections move with the eye.
"""

from __future__ import annotations

from typing import Any

from depth_ros.lab.synthetic.textures.bank import sample, sample_one

Vector = Any  # three arrays, indexed 0, 1, 2
STAIN_SCALE = 6.1  # metres of one repetition of the dirt that lies over every material


def dot(a: Vector, b: Vector) -> Any:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def mix(a: Any, b: Any, weight: Any) -> Any:
    return a + (b - a) * weight


def normalised(xp: Any, a: Vector) -> tuple[Any, Any, Any]:
    inverse = 1.0 / xp.sqrt(dot(a, a) + 1e-30)
    return a[0] * inverse, a[1] * inverse, a[2] * inverse


def rotate(r: Any, v: Vector) -> tuple[Any, Any, Any]:
    """Return R v, with R as nine arrays in row order."""
    return dot(r[0:3], v), dot(r[3:6], v), dot(r[6:9], v)


def rotate_back(r: Any, v: Vector) -> tuple[Any, Any, Any]:
    """Return R^T v, with R as nine arrays in row order."""
    return dot(r[0::3], v), dot(r[1::3], v), dot(r[2::3], v)


def albedo(
    xp: Any, table: Any, material: dict[str, Any], uv: Vector, footprint: Any, integer: Any
) -> list[Any]:
    """
    Return the three components of the surface's own colour.

    uv is in metres, footprint is the width of a pixel on the surface in metres; `material` holds
    the columns of Materials gathered for every point.
    """
    # Textures are drawn with their top first, surfaces measure v upwards.
    su, sv = material['scale_u'], material['scale_v']
    uv = (uv[0], -uv[1])
    a, b = sample(
        xp, table, material['start'], uv[0] / su, uv[1] / sv,
        footprint / xp.minimum(su, sv), integer,
    )  # fmt: skip
    # Detail and dirt lie over it at other scales, turned so that their grids never line up.
    du = (0.8 * uv[0] + 0.6 * uv[1]) / material['detail_scale']
    dv = (0.8 * uv[1] - 0.6 * uv[0]) / material['detail_scale']
    fine = sample_one(
        xp, table, material['detail_start'], du, dv, footprint / material['detail_scale'], integer
    )
    coarse = sample_one(
        xp, table, material['stain_start'], uv[0] / STAIN_SCALE + 0.37, uv[1] / STAIN_SCALE,
        footprint / STAIN_SCALE, integer,
    )  # fmt: skip
    light = 1.0 + material['detail_amount'] * (2.0 * fine - 1.0)
    light = light * (1.0 + material['stain_amount'] * (2.0 * coarse - 1.0))
    light = xp.clip(light, 0.05, 2.0)
    c = material['colours']  # twelve arrays: four colours of three components
    return [
        xp.clip(mix(mix(c[i], c[3 + i], a), mix(c[6 + i], c[9 + i], a), b) * light, 0.0, 0.95)
        for i in range(3)
    ]


def sky(xp: Any, air: dict[str, Any], d: Vector) -> list[Any]:
    """Return the light of the clear sky in a unit direction, haze below the horizon."""
    rise = xp.sqrt(xp.clip(d[2], 0.0, 1.0))
    below = xp.clip(-4.0 * d[2], 0.0, 1.0)
    return [
        mix(mix(air['horizon'][i], air['zenith'][i], rise), 0.4 * air['horizon'][i], below)
        for i in range(3)
    ]


def clouded_sky(xp: Any, air: dict[str, Any], table: Any, d: Vector, integer: Any) -> list[Any]:
    """Return the sky with clouds, which hang on a far plane."""
    height = xp.clip(d[2], 0.02, 1.0)
    u = d[0] / height * 0.12 + air['cloud_offset'][0]
    v = d[1] / height * 0.12 + air['cloud_offset'][1]
    start = air['cloud_start'] + 0 * _as(integer, d[0])
    a, b = sample(xp, table, start, u, v, 0.002 / (height * height), integer)
    cover = xp.clip((0.7 * a + 0.3 * b - 1.0 + 1.2 * air['clouds']) * 3.0, 0.0, 1.0)
    cover = cover * xp.clip(d[2] * 8.0, 0.0, 1.0)
    white = 0.55 + 0.45 * a
    base = sky(xp, air, d)
    bright = (base[0] + base[1] + base[2]) * 0.25 + 0.35
    return [mix(c, white * bright, cover) for c in base]


def _as(dtype: Any, value: Any) -> Any:
    return value.to(dtype) if hasattr(value, 'to') else value.astype(dtype)


def ambient(air: dict[str, Any], normal: Vector) -> list[Any]:
    weight = 0.5 + 0.5 * normal[2]
    return [mix(air['ambient_down'][i], air['ambient_up'][i], weight) for i in range(3)]


def highlight(xp: Any, normal: Vector, view: Vector, towards: Vector, gloss: Any) -> Any:
    """Return the strength of a light's mirrored spot; gloss makes it small and bright."""
    half = normalised(xp, [towards[i] - view[i] for i in range(3)])
    return xp.clip(dot(normal, half), 0.0, 1.0) ** gloss * (gloss + 8.0) * 0.04


def reflected(
    xp: Any, air: dict[str, Any], normal: Vector, view: Vector, specular: Any
) -> tuple[list[Any], Any]:
    """Return the surroundings that a surface mirrors, and with which weight."""
    facing = -dot(normal, view)
    mirrored = [view[i] + 2.0 * facing * normal[i] for i in range(3)]
    grazing = xp.clip(1.0 - facing, 0.0, 1.0)
    grazing = grazing * grazing
    weight = 0.6 * specular * (0.15 + 0.85 * grazing * grazing)
    return [0.8 * c for c in sky(xp, air, mirrored)], weight


def in_fog(xp: Any, air: dict[str, Any], light: list[Any], distance: Any) -> list[Any]:
    clear = xp.exp(-air['fog'] * distance)
    return [mix(air['fog_colour'][i], light[i], clear) for i in range(3)]


def encode(xp: Any, linear: Any, exposure: Any) -> Any:
    """Return display values 0..255 of linear light: exposure, soft shoulder, sRGB-like gamma."""
    x = xp.clip(linear * exposure, 0.0, None)
    # Straight in the shadows, then bending towards white as a sensor's response does.
    x = x * (1.0 + 0.16 * x) / (1.0 + 0.72 * x)
    return 255.0 * xp.clip(x, 0.0, 1.0) ** (1 / 2.2)
