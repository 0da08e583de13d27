# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What a real camera does to a perfect image: each effect alone, and a camera with all of them.

Images are uint8 HxWx3 RGB in and out; the truth beside them does not change.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from depth_ros.lab.synthetic.render.view import Renderer
from depth_ros.lab.synthetic.scene.tables import Floats, Scene
from depth_ros.types import Camera, Image

GAMMA = 2.2


def _linear(image: Image) -> np.ndarray:
    return (np.arange(256, dtype=np.float32) / 255)[image] ** GAMMA


def _display(light: np.ndarray) -> Image:
    return (np.clip(light, 0, 1) ** (1 / GAMMA) * 255 + 0.5).astype(np.uint8)


def expose(image: Image, stops: float) -> Image:
    """Return the image exposed by that many stops more (or less); highlights clip."""
    return _display(_linear(image) * 2.0**stops)


def white_balance(image: Image, red: float, blue: float) -> Image:
    """Return the image with the red and blue gains of a wrong white balance."""
    return _display(_linear(image) * np.array([red, 1.0, blue], np.float32))


def vignette(image: Image, strength: float) -> Image:
    """Return the image darkened towards the corners, where `strength` of the light is lost."""
    height, width = image.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    fall = (1.0 - strength * ((x**2 + y**2) / 2) ** 1.5).astype(np.float32)
    return _display(_linear(image) * fall[..., None])


def blur(image: Image, length: float, angle: float) -> Image:
    """Return the image smeared over `length` pixels in a direction (radians)."""
    steps = max(1, math.ceil(length)) + 1
    light, total = _linear(image), np.zeros(image.shape, np.float32)
    for s in np.linspace(-0.5, 0.5, steps):
        total += _shifted(light, s * length * math.cos(angle), s * length * math.sin(angle))
    return _display(total / steps)


def _shifted(light: np.ndarray, dx: float, dy: float) -> np.ndarray:
    """Return an image moved by a fraction of pixels, its border repeated."""
    for axis, shift in ((1, dx), (0, dy)):
        whole = math.floor(shift)
        part = np.float32(shift - whole)
        index = np.arange(light.shape[axis])
        near = light.take(np.clip(index - whole, 0, len(index) - 1), axis)
        far = light.take(np.clip(index - whole - 1, 0, len(index) - 1), axis)
        light = near * (1 - part) + far * part
    return light


def noise(image: Image, rng: np.random.Generator, photons: float, read: float) -> Image:
    """
    Return the image as few photons would show it.

    `photons` is the number at full white (shot noise), `read` the noise of the electronics
    relative to white.
    """
    light = _linear(image)
    sigma = np.sqrt(light / photons + read * read)
    return _display(light + sigma * rng.standard_normal(light.shape, np.float32))


def jpeg(image: Image, quality: int) -> Image:
    """Return the image after JPEG compression."""
    import cv2

    _, packed = cv2.imencode('.jpg', image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))[..., ::-1])


def motion_blurred(
    renderer: Renderer, camera: Camera, start: Floats, end: Floats, samples: int = 6
) -> Image:
    """Return the exact blur of a shutter open from one pose to another: near things more."""
    total = np.zeros((camera.height, camera.width, 3), np.float32)
    for s in (np.arange(samples) + 0.5) / samples:
        pose = np.array(start, np.float64)
        pose[:3, 3] = (1 - s) * start[:3, 3] + s * end[:3, 3]
        # Over one exposure the rotation is small: mix the matrices, then make them orthonormal.
        u, _, v = np.linalg.svd((1 - s) * start[:3, :3] + s * end[:3, :3])
        pose[:3, :3] = u @ v
        total += _linear(renderer.render(camera, pose).image)
    return _display(total / samples)


def at_shutter(scene: Scene, time: float) -> Renderer:
    """Return a renderer of the scene at a time: what moves has moved."""
    return Renderer(scene.at(time))


@dataclass(frozen=True)
class Sensor:
    """One camera's imperfections; apply() is a function of the image and the generator."""

    stops: float = 0.0
    red: float = 1.0
    blue: float = 1.0
    vignette: float = 0.0
    blur_length: float = 0.0  # pixels
    blur_angle: float = 0.0  # radians
    photons: float = math.inf
    read: float = 0.0
    jpeg_quality: int = 100  # 100 leaves compression out

    def apply(self, image: Image, rng: np.random.Generator) -> Image:
        """Return the image as this camera would deliver it."""
        if self.blur_length > 0.5:
            image = blur(image, self.blur_length, self.blur_angle)
        if self.stops:
            image = expose(image, self.stops)
        if self.red != 1 or self.blue != 1:
            image = white_balance(image, self.red, self.blue)
        if self.vignette:
            image = vignette(image, self.vignette)
        if math.isfinite(self.photons) or self.read:
            image = noise(image, rng, self.photons, self.read)
        return jpeg(image, self.jpeg_quality) if self.jpeg_quality < 100 else image


def sample_sensor(rng: np.random.Generator) -> Sensor:
    """Return a camera between a good and a poor one."""
    moving = rng.random() < 0.3
    return Sensor(
        stops=float(rng.normal(0, 0.35)),
        red=float(np.exp(rng.normal(0, 0.06))),
        blue=float(np.exp(rng.normal(0, 0.08))),
        vignette=float(rng.uniform(0, 0.45)),
        blur_length=float(rng.exponential(2.5)) if moving else 0.0,
        blur_angle=float(rng.uniform(0, math.pi)),
        photons=float(np.exp(rng.uniform(np.log(300), np.log(20000)))),
        read=float(rng.uniform(0.0005, 0.006)),
        jpeg_quality=int(rng.integers(60, 96)) if rng.random() < 0.5 else 100,
    )
