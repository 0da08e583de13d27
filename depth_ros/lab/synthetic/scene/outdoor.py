# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Streets and open ground."""

from __future__ import annotations

import math

import numpy as np

from depth_ros.lab.synthetic.scene.build import Builder
from depth_ros.lab.synthetic.scene.indoor import NOWHERE, place
from depth_ros.lab.synthetic.scene.tables import Air, Scene
from depth_ros.lab.synthetic.textures import materials
from depth_ros.lab.synthetic.things import indoor as things
from depth_ros.lab.synthetic.things import outdoor as vehicles


def weather(b: Builder) -> Air:
    """Set the sun and return the air: clear, hazy, overcast or dusk."""
    rng = b.rng
    kind = rng.random()
    azimuth, rise = rng.uniform(0, 2 * math.pi), rng.uniform(0.25, 2.0)
    direction = (math.cos(azimuth), math.sin(azimuth), rise)
    if kind < 0.55:  # clear
        warm = np.array([1.0, rng.uniform(0.8, 0.96), rng.uniform(0.6, 0.9)])
        b.sun(direction, warm * rng.uniform(1.6, 3.0))
        blue = np.array([0.2, 0.42, 0.9]) * rng.uniform(0.7, 1.2)
        return Air(
            zenith=blue, horizon=np.array([0.75, 0.85, 1.0]) * rng.uniform(0.7, 1.1),
            clouds=rng.uniform(0.0, 0.7), cloud_offset=rng.random(2),
            ambient_up=np.array([0.45, 0.55, 0.75]) * rng.uniform(0.5, 1.0),
            ambient_down=np.array([0.25, 0.23, 0.2]), fog=rng.uniform(0, 0.004),
        )  # fmt: skip
    if kind < 0.85:  # overcast or foggy
        level = rng.uniform(0.7, 1.0)
        b.sun(direction, np.full(3, rng.uniform(0.1, 0.5)))
        grey = np.array([0.8, 0.83, 0.87]) * level
        return Air(
            zenith=grey * 0.8, horizon=grey, clouds=rng.uniform(0.5, 1.0),
            cloud_offset=rng.random(2), ambient_up=grey, ambient_down=grey * 0.45,
            fog=rng.uniform(0.002, 0.05) if rng.random() < 0.5 else 0.002, fog_colour=grey,
        )  # fmt: skip
    glow = np.array([1.0, 0.6, 0.35]) * rng.uniform(0.5, 0.9)  # low sun
    b.sun((direction[0], direction[1], 0.15), glow * 2.5)
    return Air(
        zenith=np.array([0.12, 0.16, 0.35]), horizon=glow, clouds=rng.uniform(0.1, 0.6),
        cloud_offset=rng.random(2), ambient_up=np.array([0.25, 0.27, 0.4]),
        ambient_down=np.array([0.14, 0.12, 0.12]), fog=rng.uniform(0, 0.01), fog_colour=glow * 0.7,
    )  # fmt: skip


def street(rng: np.random.Generator) -> Scene:
    """Build a street along x: lanes, kerbs, houses, traffic, people, trees."""
    b = Builder(rng)
    road, pavement, length = rng.uniform(5, 11), rng.uniform(1.5, 4), 160.0
    edge = road / 2 + pavement
    grassy = rng.random() < 0.4
    b.rect((0, 0, -0.02), (0, 0, 1), (1500, 1500), materials.ground(b), shadow=False)
    b.box((0, 0, -0.09), (length, road, 0.18), materials.asphalt(b), shadow=False)
    paving, kerb = (
        materials.ground(b, materials.pick(rng, 'tiles', 'cobbles', 'concrete')),
        materials.concrete(b),
    )
    white = b.material('flat', [[0.75] * 3], detail_amount=0.3, detail_scale=0.6, stain=0.3)
    for side in (-1, 1):
        y = side * (road / 2 + pavement / 2)
        b.box((0, y, 0.06), (length, pavement, 0.14), paving)
        b.box((0, side * (road / 2 + 0.07), 0.065), (length, 0.15, 0.15), kerb)
        if rng.random() < 0.6:
            b.rect((0, side * (road / 2 - 0.35), 0.002), (0, 0, 1), (length, 0.12), white, False)
    for x in np.arange(-20, 60, rng.uniform(4, 7)):
        b.rect((x, 0, 0.002), (0, 0, 1), (rng.uniform(1.5, 2.5), 0.14), white, shadow=False)
    if rng.random() < 0.5:
        x = rng.uniform(6, 25)
        for y in np.arange(-road / 2 + 0.4, road / 2, 0.9):
            b.rect((x, y, 0.003), (0, 0, 1), (3.0, 0.45), white, shadow=False)
    for side in (-1, 1):
        x = -20.0
        while x < 75:
            if grassy and rng.random() < 0.35:
                gap = rng.uniform(5, 15)
                with b.thing((x, side * (edge + 0.3), 0)):
                    vehicles.fence(b, min(gap, 8.0))
                for _ in range(int(rng.integers(1, 4))):
                    with b.thing((x + rng.uniform(0, gap), side * (edge + rng.uniform(2, 9)), 0)):
                        (vehicles.tree, vehicles.bush)[int(rng.integers(2))](b)
                x += gap
                continue
            w, h = rng.uniform(7, 18), rng.uniform(3.5, 20)
            back = rng.uniform(0, 4) if grassy else 0.0
            with b.thing((x + w / 2, side * (edge + back), 0), 0 if side > 0 else math.pi):
                vehicles.house(b, w, rng.uniform(7, 12), h)
            x += w + (rng.uniform(0, 5) if rng.random() < 0.4 else 0.0)
    if rng.random() < 0.5:  # the street ends
        with b.thing((80, 0, 0), -math.pi / 2):
            vehicles.house(b, 60, 10, rng.uniform(8, 25))
    taken: list[tuple[float, float, float]] = []
    for _ in range(int(rng.integers(2, 9))):  # parked and driving
        side = rng.choice([-1, 1])
        lane = side * (road / 2 - 1.1) if rng.random() < 0.6 else side * road / 4
        spot = place(b, taken, (3, 60), (lane - 0.1, lane + 0.1), 2.6)
        if spot:
            moving = rng.uniform(3, 12) * -side if abs(lane) < road / 2 - 1.2 else 0.0
            yaw = (math.pi if side > 0 else 0.0) + rng.uniform(-0.04, 0.04)
            with b.thing((*spot, 0), yaw, (moving, 0, 0)):
                kind = rng.random()
                make = (
                    vehicles.car if kind < 0.8 else vehicles.truck if kind < 0.92 else vehicles.bus
                )
                make(b)
    choices = (
        things.person, things.person, things.person, vehicles.post, vehicles.post,
        vehicles.tree, vehicles.bench, vehicles.bush, vehicles.bicycle, things.barrel,
        things.traffic_cone, things.boxes, things.plant,
    )  # fmt: skip
    for _ in range(int(rng.integers(8, 26))):
        side = rng.choice([-1, 1])
        low, high = sorted((side * (road / 2 + 0.4), side * (edge - 0.3)))
        spot = place(b, taken, (1, 45), (low, high), 0.5)
        if spot:
            make = choices[int(rng.integers(len(choices)))]
            walk = (rng.uniform(-1.5, 1.5), 0, 0) if make is things.person else (0, 0, 0)
            with b.thing((*spot, 0.13), rng.uniform(0, 2 * math.pi), walk):
                make(b)
    for _ in range(int(rng.integers(0, 4))):
        spot = place(b, taken, (3, 40), (-road / 2, road / 2), 0.5)
        if spot:
            with b.thing((*spot, 0), rng.uniform(0, 6), (0, rng.uniform(-1.4, 1.4), 0)):
                things.person(b)
    area = (-15.0, 20.0, -edge, edge)
    return b.scene(weather(b), NOWHERE, area=area)


def outdoor(rng: np.random.Generator) -> Scene:
    """Build open ground: a park, a yard, a field, with hills behind."""
    b = Builder(rng)
    b.rect((0, 0, 0), (0, 0, 1), (2000, 2000), materials.ground(b), shadow=False)
    hill = materials.ground(b)
    for _ in range(int(rng.integers(0, 7))):
        a, far, size = rng.uniform(-1.6, 1.6), rng.uniform(50, 300), rng.uniform(0.2, 0.8)
        half = (far * size, far * size * rng.uniform(0.5, 1), far * size * rng.uniform(0.1, 0.4))
        b.ball((far * math.cos(a), far * math.sin(a), -half[2] * 0.2), half, hill)
    for _ in range(int(rng.integers(0, 9))):  # low rises of the ground, which wheels feel
        x, y, r = rng.uniform(3, 40), rng.uniform(-20, 20), rng.uniform(1.5, 6)
        b.ball((x, y, -r * 0.1), (r, r * rng.uniform(0.6, 1), r * rng.uniform(0.14, 0.22)), hill)
    if rng.random() < 0.6:
        path, wide = (
            materials.ground(b, materials.pick(rng, 'gravel', 'asphalt', 'cobbles')),
            rng.uniform(1, 4),
        )
        yaw = rng.uniform(-0.4, 0.4)
        with b.thing((0, 0, 0), yaw):
            b.box((20, 0, 0.005), (120, wide, 0.02), path, shadow=False)
    for _ in range(int(rng.integers(0, 3))):
        with b.thing((rng.uniform(15, 45), rng.uniform(-25, 25), 0), rng.uniform(-1, 1) - 1.5):
            vehicles.house(b, rng.uniform(6, 14), rng.uniform(5, 10), rng.uniform(3, 7))
    taken: list[tuple[float, float, float]] = []
    for _ in range(int(rng.integers(0, 4))):
        spot = place(b, taken, (3, 25), (-12, 12), 3.0)
        if spot:
            with b.thing((*spot, 0), rng.uniform(-1, 1)):
                if rng.random() < 0.5:
                    vehicles.fence(b, rng.uniform(4, 9))
                else:
                    (vehicles.car, vehicles.truck, vehicles.forklift)[int(rng.integers(3))](b)
    near = (
        vehicles.bush, vehicles.bush, vehicles.rock, vehicles.rock, vehicles.tree, vehicles.tree,
        things.person, vehicles.post, vehicles.bench, vehicles.bicycle, things.barrel,
        things.traffic_cone, things.boxes, things.ball_toy, things.stairs, things.plant,
    )  # fmt: skip
    for _ in range(int(rng.integers(14, 34))):
        reach = rng.choice([8.0, 20.0, 45.0])
        spot = place(b, taken, (0, reach), (-reach * 0.7, reach * 0.7), 0.5)
        if spot:
            make = near[int(rng.integers(len(near)))]
            walk = rng.uniform(-1, 1, 3) * (1, 1, 0) if make is things.person else np.zeros(3)
            with b.thing((*spot, 0), rng.uniform(0, 2 * math.pi), walk):
                make(b)
    return b.scene(weather(b), NOWHERE, area=(-8.0, 12.0, -8.0, 8.0))
