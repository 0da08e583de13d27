# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Where a ray meets a solid, in closed form.

Every function works in the solid's own frame, on NumPy arrays or torch tensors alike: `xp` is the
module, vectors are three components that broadcast against each other. The ray is
origin + t * direction with a direction of any length. All solids are convex, so a function of SPAN
says at which t the ray enters and leaves; it misses unless enter <= leave, and NaN is a miss too:
that spares a choice per ray, which costs more than arithmetic. `first_hit` makes one t of it.

Quadrics measure the distance of the ray's closest point to the axis instead of taking b^2 - 4ac:
that difference cancels for a thin pole far away, this one does not.
"""

from __future__ import annotations

from typing import Any

from depth_ros.lab.synthetic.scene.tables import Shape

NEAR = 1e-4  # a ray does not hit what it starts on
INFINITY = float('inf')
FAR = 1e30  # what is added to a t to make it no hit
Vector = Any  # three broadcastable arrays, indexed 0, 1, 2


def _nonzero(xp: Any, value: Any) -> Any:
    """Return the value, moved away from zero so that it can divide."""
    return value + 1e-20  # changes nothing but zero


def first_hit(xp: Any, shape: Shape, o: Vector, d: Vector, half: Vector) -> Any:
    """Return t of the first crossing ahead, infinite where the ray misses."""
    enter, leave = SPAN[shape](xp, o, d, half)
    t = xp.where(enter > NEAR, enter, leave)
    return xp.where(leave >= xp.clip(enter, NEAR, None), t, INFINITY)


def _slab(xp: Any, o: Any, d: Any, half: Any) -> tuple[Any, Any]:
    inverse = 1.0 / _nonzero(xp, d)
    middle = -o * inverse
    reach = half * abs(inverse)
    return middle - reach, middle + reach


def _rect(xp: Any, o: Vector, d: Vector, half: Vector) -> tuple[Any, Any]:
    t = -o[2] / _nonzero(xp, d[2])
    inside = (abs(o[0] + t * d[0]) <= half[0]) & (abs(o[1] + t * d[1]) <= half[1])
    return t, t * inside  # beside it, it is left at 0, which is not ahead


def _box(xp: Any, o: Vector, d: Vector, half: Vector) -> tuple[Any, Any]:
    x0, x1 = _slab(xp, o[0], d[0], half[0])
    y0, y1 = _slab(xp, o[1], d[1], half[1])
    z0, z1 = _slab(xp, o[2], d[2], half[2])
    return xp.maximum(xp.maximum(x0, y0), z0), xp.minimum(xp.minimum(x1, y1), z1)


def _ellipsoid(xp: Any, o: Vector, d: Vector, half: Vector) -> tuple[Any, Any]:
    ox, oy, oz = o[0] / half[0], o[1] / half[1], o[2] / half[2]
    dx, dy, dz = d[0] / half[0], d[1] / half[1], d[2] / half[2]
    a = dx * dx + dy * dy + dz * dz
    t = -(ox * dx + oy * dy + oz * dz) / a
    px, py, pz = ox + t * dx, oy + t * dy, oz + t * dz
    h = xp.sqrt((1.0 - (px * px + py * py + pz * pz)) / a)
    return t - h, t + h


def _tube(xp: Any, o: Vector, d: Vector, a: Any, b: Any) -> tuple[Any, Any]:
    """Return where the ray enters and leaves an endless elliptic cylinder along z."""
    ox, oy = o[0] / a, o[1] / b
    dx, dy = d[0] / a, d[1] / b
    square = _nonzero(xp, dx * dx + dy * dy)
    t = -(ox * dx + oy * dy) / square
    px, py = ox + t * dx, oy + t * dy
    h = xp.sqrt((1.0 - (px * px + py * py)) / square)
    return t - h, t + h


def _cylinder(xp: Any, o: Vector, d: Vector, half: Vector) -> tuple[Any, Any]:
    side0, side1 = _tube(xp, o, d, half[0], half[1])
    cap0, cap1 = _slab(xp, o[2], d[2], half[2])
    return xp.maximum(side0, cap0), xp.minimum(side1, cap1)


def _ball(xp: Any, o: Vector, d: Vector, radius: Any, z: Any, square: Any) -> tuple[Any, Any]:
    oz = o[2] - z
    t = -(o[0] * d[0] + o[1] * d[1] + oz * d[2]) / square
    px, py, pz = o[0] + t * d[0], o[1] + t * d[1], oz + t * d[2]
    reach = radius * radius - (px * px + py * py + pz * pz)
    h = xp.sqrt(reach / square)
    return t - h, t + h


def _capsule(xp: Any, o: Vector, d: Vector, half: Vector) -> tuple[Any, Any]:
    # The union of a tube and two balls is convex: it is entered with the first, left with the
    # last of its parts. fmin and fmax pass over the NaN of a part that is missed.
    side0, side1 = _tube(xp, o, d, half[0], half[0])
    cap0, cap1 = _slab(xp, o[2], d[2], half[2])
    enter, leave = xp.maximum(side0, cap0), xp.minimum(side1, cap1)
    missed = (enter > leave) * FAR
    enter, leave = enter + missed, leave - missed
    square = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
    for end in (half[2], -half[2]):
        ball0, ball1 = _ball(xp, o, d, half[0], end, square)
        enter, leave = xp.fmin(enter, ball0), xp.fmax(leave, ball1)
    return enter, leave


def _cone(xp: Any, o: Vector, d: Vector, half: Vector) -> tuple[Any, Any]:
    # Measured from the apex downwards, the cone is x^2 + y^2 = (k w)^2 for w from 0 to 2c.
    k = half[0] / (2.0 * half[2])
    ow, dw = half[2] - o[2], -d[2]
    k2 = k * k
    a = d[0] * d[0] + d[1] * d[1] - k2 * dw * dw
    b = o[0] * d[0] + o[1] * d[1] - k2 * ow * dw
    c = o[0] * o[0] + o[1] * o[1] - k2 * ow * ow
    # b^2 - ac, expanded so that its large terms cancel on paper and not in floating point.
    cross = o[0] * d[1] - o[1] * d[0]
    wx, wy = o[0] * dw - d[0] * ow, o[1] * dw - d[1] * ow
    root = xp.sqrt(xp.clip(k2 * (wx * wx + wy * wy) - cross * cross, 0.0, None))
    hit = k2 * (wx * wx + wy * wy) >= cross * cross
    q = -(b + xp.where(b >= 0, root, -root))
    best = INFINITY
    for t in (q / _nonzero(xp, a), c / _nonzero(xp, q)):
        w = ow + t * dw
        side = hit & (t > NEAR) & (w >= 0) & (w <= 2.0 * half[2])
        best = xp.where(side & (t < best), t, best)
    t = (-half[2] - o[2]) / _nonzero(xp, d[2])
    x, y = o[0] + t * d[0], o[1] + t * d[1]
    base = (x * x + y * y <= half[0] * half[0]) & (t > NEAR)
    best = xp.where(base & (t < best), t, best)
    return best, best  # only the first crossing ahead is known, infinite without one


SPAN = {
    Shape.RECT: _rect,
    Shape.BOX: _box,
    Shape.ELLIPSOID: _ellipsoid,
    Shape.CYLINDER: _cylinder,
    Shape.CAPSULE: _capsule,
    Shape.CONE: _cone,
}


def surface(xp: Any, shape: Shape, p: Vector, half: Vector) -> tuple[Vector, Any, Any]:
    """
    Return the outward normal (not yet unit) and the texture coordinates u, v at a surface point.

    u and v are metres along the surface, so a texture has the same scale on every solid.
    """
    zero = p[0] * 0.0
    if shape is Shape.RECT:
        return (zero, zero, zero + 1.0), p[0], p[1]
    if shape is Shape.BOX:
        x, y, z = abs(p[0]) / half[0], abs(p[1]) / half[1], abs(p[2]) / half[2]
        on_x = (x >= y) & (x >= z)
        on_y = ~on_x & (y >= z)
        on_z = ~on_x & ~on_y
        one = zero + 1.0
        sign = [xp.where(p[i] < 0, -one, one) for i in range(3)]
        normal = tuple(xp.where(on, s, zero) for on, s in zip((on_x, on_y, on_z), sign))
        # Six faces, six pieces of texture: otherwise opposite faces are the same image.
        shift = (half[0] + half[1]) * 1.7
        u = xp.where(on_x, p[1] + shift * sign[0], xp.where(on_y, p[0] - shift * sign[1], p[0]))
        v = xp.where(on_z, p[1] + shift * sign[2], p[2])
        return normal, u, v
    if shape is Shape.ELLIPSOID:
        normal = tuple(p[i] / (half[i] * half[i]) for i in range(3))
        return normal, xp.arctan2(p[1], p[0]) * half[0], p[2]
    angle = xp.arctan2(p[1], p[0])
    if shape is Shape.CAPSULE:
        beyond = p[2] - xp.clip(p[2] / half[2], -1.0, 1.0) * half[2]
        return (p[0], p[1], beyond), angle * half[0], p[2]
    if shape is Shape.CYLINDER:
        a, b = p[0] / half[0], p[1] / half[1]
        cap = abs(p[2]) / half[2] >= 1.0 - 1e-5
        # On the rim both could be meant; what lies clearly inside the ellipse is the cap.
        cap = cap & (a * a + b * b < 1.0 - 1e-5)
        up = xp.where(p[2] < 0, zero - 1.0, zero + 1.0)
        normal = (
            xp.where(cap, zero, a / half[0]),
            xp.where(cap, zero, b / half[1]),
            xp.where(cap, up, zero),
        )
        return normal, xp.where(cap, p[0], angle * half[0]), xp.where(cap, p[1], p[2])
    k = half[0] / (2.0 * half[2])
    w = half[2] - p[2]
    radius = xp.sqrt(p[0] * p[0] + p[1] * p[1])
    base = (w >= 2.0 * half[2] * (1 - 1e-5)) & (radius < half[0] * (1 - 1e-5))
    normal = (
        xp.where(base, zero, p[0]),
        xp.where(base, zero, p[1]),
        xp.where(base, zero - 1.0, k * radius + zero),
    )
    return normal, xp.where(base, p[0], angle * half[0]), xp.where(base, p[1], p[2])
