# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which pixels of a view a prediction has: all of them, fewer, or a part of the view."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from depth_ros.types import Camera, Image, Prediction

Mask = npt.NDArray[np.bool_]


def seen_only(prediction: Prediction, seen: Mask, camera: Camera) -> Prediction:
    """Remove what a model predicts where `seen`, an image of this camera, is False."""
    if seen.all():
        return prediction
    small = prediction.camera
    if prediction.image is not None:  # a part of the image, which the cameras tell
        columns = _places(small.width, small.fx, small.cx, camera.fx, camera.cx, camera.width)
        rows = _places(small.height, small.fy, small.cy, camera.fy, camera.cy, camera.height)
        seen = seen[rows][:, columns]
    elif seen.shape[::-1] != small.size_wh:
        shrunk = cv2.resize(seen.view(np.uint8), small.size_wh, interpolation=cv2.INTER_NEAREST)
        seen = shrunk.astype(np.bool_)
    confidence = prediction.confidence
    return replace(
        prediction,
        values=np.where(seen, prediction.values, np.float32(np.nan)),
        confidence=None if confidence is None else np.where(seen, confidence, np.float32(0)),
    )


def _places(
    count: int, focal: float, centre: float, to_focal: float, to_centre: float, limit: int
) -> np.ndarray:
    """Return the pixel of one axis of a camera that each pixel of another camera shows."""
    places = np.round((np.arange(count) - centre) * (to_focal / focal) + to_centre)
    return np.clip(places, 0, limit - 1).astype(np.intp)


def image_of(prediction: Prediction, image: Image) -> Image:
    """Return the image of the prediction's pixels."""
    camera = prediction.camera
    if prediction.image is not None:
        return prediction.image
    if image.shape[:2] == (camera.height, camera.width):
        return image
    return cv2.resize(image, camera.size_wh, interpolation=cv2.INTER_AREA).astype(np.uint8)
