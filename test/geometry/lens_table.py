# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Lenses as they are on real cameras, one of each model and length, and random ones near them."""

import numpy as np
from hypothesis import strategies as st

from depth_ros.types import Camera, Distortion

WIDTH, HEIGHT = 640, 480
K = np.array([[420.0, 0, 322.7], [0, 418.5, 236.2], [0, 0, 1]])
FISHEYE_K = np.array([[285.0, 0, 322.7], [0, 285.5, 236.2], [0, 0, 1]])

_KINECT = (0.52, -2.71, 4e-4, -2e-4, 1.53, 0.40, -2.53, 1.46)
LENSES = {
    'pinhole': (Distortion.NONE, ()),
    'plumb_bob_4': (Distortion.PLUMB_BOB, (-0.28, 0.09, 1e-3, -7e-4)),
    'plumb_bob_5': (Distortion.PLUMB_BOB, (0.08, -0.16, -5e-4, 1e-3, 0.06)),
    'rational_8': (Distortion.RATIONAL, _KINECT),
    'rational_12': (Distortion.RATIONAL, (*_KINECT, 2e-3, -1e-3, -3e-3, 1e-3)),
    'rational_14': (Distortion.RATIONAL, (*_KINECT, 2e-3, -1e-3, -3e-3, 1e-3, 0.03, -0.02)),
    'equidistant': (Distortion.EQUIDISTANT, (3.5e-3, 7e-4, -2e-3, 2e-4)),
    'equidistant_bare': (Distortion.EQUIDISTANT, (0.0, 0.0, 0.0, 0.0)),
}


def lens_camera(name: str) -> Camera:
    distortion, D = LENSES[name]
    matrix = FISHEYE_K if distortion is Distortion.EQUIDISTANT else K
    return Camera(WIDTH, HEIGHT, matrix, np.array(D), distortion)


@st.composite
def cameras(draw: st.DrawFn) -> Camera:
    """Return a raw camera of any lens model with coefficients that lenses have."""

    def number(low: float, high: float) -> float:
        return draw(st.floats(low, high, allow_nan=False))

    width, height = draw(st.integers(8, 2000)), draw(st.integers(8, 2000))
    fx = number(0.5, 2.0) * width
    fy = fx * number(0.9, 1.1)
    matrix = np.array(
        [[fx, 0, number(0.3, 0.7) * width], [0, fy, number(0.3, 0.7) * height], [0, 0, 1]]
    )
    distortion = draw(st.sampled_from(Distortion))
    D: list[float] = []
    if distortion is Distortion.EQUIDISTANT:
        D = [number(-0.05, 0.05), number(-0.02, 0.02), number(-0.01, 0.01), number(-2e-3, 2e-3)]
    elif distortion is not Distortion.NONE:
        D = [number(-0.4, 0.3), number(-0.2, 0.2), number(-5e-3, 5e-3), number(-5e-3, 5e-3)]
        length = draw(
            st.sampled_from((4, 5) if distortion is Distortion.PLUMB_BOB else (8, 12, 14))
        )
        D += [number(-0.1, 0.1)] * (length > 4)
        if length >= 8:
            D += [number(-0.2, 0.4), number(-0.1, 0.1), number(-0.05, 0.05)]
        if length >= 12:
            D += [number(-0.01, 0.01) for _ in range(4)]
        if length == 14:
            D += [number(-0.1, 0.1), number(-0.1, 0.1)]
    return Camera(width, height, matrix, np.array(D), distortion)
