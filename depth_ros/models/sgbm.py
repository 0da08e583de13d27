# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Semi-global block matching of a pair, with the parameter names of stereo_image_proc."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from depth_ros.models.base import Family, ModelBase, ModelError, ModelInfo, check_options, option
from depth_ros.types import DepthKind, FloatImage, Image, Prediction, View

MODES = (
    cv2.STEREO_SGBM_MODE_SGBM,
    cv2.STEREO_SGBM_MODE_HH,
    cv2.STEREO_SGBM_MODE_SGBM_3WAY,
    cv2.STEREO_SGBM_MODE_HH4,
)
SUBPIXEL = 16  # OpenCV counts disparity in sixteenths


@dataclass(frozen=True)
class SgbmOptions:
    """What the search is given."""

    min_disparity: int = option(0, 'smallest x_left - x_right searched, px', range=(-2048, 2048))
    disparity_range: int = option(
        128, 'how many disparities are searched, a multiple of 16', range=(16, 4096)
    )
    correlation_window_size: int = option(5, 'side of the matched block, odd', range=(1, 51))
    uniqueness_ratio: float = option(
        10.0, 'percent by which the best match must beat the second', range=(0.0, 100.0)
    )
    speckle_size: int = option(100, 'smaller patches of disparity are removed', range=(0, 10000))
    speckle_range: int = option(
        2, 'change of disparity that still joins a patch, px', range=(0, 1000)
    )
    disp12_max_diff: int = option(
        1, 'largest left-right difference, px; 0 = no check', range=(0, 1000)
    )
    P1: float = option(0.0, 'penalty of a change by 1 px; 0 = 8 * window^2', range=(0.0, 100000.0))
    P2: float = option(0.0, 'penalty of a larger change; 0 = 32 * window^2', range=(0.0, 100000.0))
    sgbm_mode: int = option(
        cv2.STEREO_SGBM_MODE_SGBM_3WAY, '0 SGBM, 1 HH, 2 3WAY, 3 HH4', choices=MODES
    )
    prefilter_cap: int = option(31, 'truncation of the prefiltered image', range=(1, 255))

    def __post_init__(self) -> None:
        check_options(type(self), vars(self))
        if self.disparity_range % 16:
            raise ModelError(
                f'disparity_range is {self.disparity_range}, expected a multiple of 16; '
                f'use {-(-self.disparity_range // 16) * 16}'
            )
        if self.correlation_window_size % 2 == 0:
            raise ModelError(
                f'correlation_window_size is {self.correlation_window_size}, expected an odd '
                f'number; use {self.correlation_window_size + 1}'
            )


class SgbmModel(ModelBase):
    """A stereo matcher on the CPU."""

    def __init__(self, info: ModelInfo, options: SgbmOptions) -> None:
        self.info, self.options = info, options
        o = options
        area = o.correlation_window_size**2
        self._matcher = cv2.StereoSGBM.create(
            minDisparity=o.min_disparity,
            numDisparities=o.disparity_range,
            blockSize=o.correlation_window_size,
            P1=int(o.P1) or 8 * area,
            P2=int(o.P2) or 32 * area,
            disp12MaxDiff=o.disp12_max_diff or -1,
            preFilterCap=o.prefilter_cap,
            uniquenessRatio=int(o.uniqueness_ratio),
            speckleWindowSize=o.speckle_size,
            speckleRange=o.speckle_range,
            mode=o.sgbm_mode,
        )

    def predict(self, views: Sequence[View]) -> Prediction:
        left, right = views
        start = time.perf_counter()
        raw = self._matcher.compute(grey(left.image), grey(right.image))
        o = self.options
        values: FloatImage = raw.astype(np.float32)
        values /= SUBPIXEL
        values[raw < o.min_disparity * SUBPIXEL] = np.nan
        offset = left.camera.cx - right.camera.cx
        values -= np.float32(offset)
        low = o.min_disparity - offset
        return Prediction(
            DepthKind.DISPARITY,
            values,
            left.camera,
            self.info.name,
            confidence=np.isfinite(values).astype(np.float32),
            baseline=right.camera.baseline,
            focal=left.camera.fx,
            disparity_range=(low, low + o.disparity_range - 1),
            timings={'match': time.perf_counter() - start},
        )


def grey(image: Image) -> Image:
    """Return the picture as HxW."""
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))


SGBM = ModelInfo(
    'sgbm', DepthKind.DISPARITY, views=2, description='semi-global block matching (OpenCV)'
)
FAMILY = Family({SGBM.name: SGBM}, SgbmOptions, lambda name, options: SgbmModel(SGBM, options))
