# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
`sgbm` at its default against plain cv2.StereoSGBM, on rendered pairs with exact disparity.

The opponent searches the same range with the same window, penalties and checks in OpenCV's
default mode, and its disparity is turned into float32 pixels with NaN. Frames are matched by
both in turn, so that whatever else the machine does slows both. `sgbm` also computes its
confidence inside that time.

    python bench/sgbm.py [--frames 30]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from depth_ros.geometry.channels import as_grey
from depth_ros.lab.synthetic import make_scene, render_stereo, stereo_cameras
from depth_ros.models.registry import create_model
from depth_ros.models.stereo.sgbm import SUBPIXEL, SgbmOptions
from depth_ros.types import FloatImage, View

KINDS = ('room', 'corridor', 'street', 'warehouse', 'outdoor')
BASELINE = 0.08  # keeps the nearest things inside the search


@dataclass(frozen=True)
class Size:
    """An image size, the range searched in it, and how much faster `sgbm` has to be."""

    name: str
    width: int
    height: int
    disparity_range: int
    focal: float
    bar: float


SIZES = (
    Size('640x480x128', 640, 480, 128, 525.0, 1.2),
    Size('1280x720x192', 1280, 720, 192, 900.0, 1.5),
)


def plain_sgbm(options: SgbmOptions) -> Callable[[list[View]], FloatImage]:
    """Return what most nodes do: StereoSGBM in its default mode, then float32 with NaN."""
    p1, p2 = options.penalties
    matcher = cv2.StereoSGBM.create(
        minDisparity=options.min_disparity,
        numDisparities=options.disparity_range,
        blockSize=options.correlation_window_size,
        P1=p1,
        P2=p2,
        disp12MaxDiff=options.disp12_max_diff,
        preFilterCap=options.prefilter_cap,
        uniquenessRatio=int(options.uniqueness_ratio),
        speckleWindowSize=options.speckle_size,
        speckleRange=options.speckle_range,
        mode=cv2.STEREO_SGBM_MODE_SGBM,
    )

    def match(views: list[View]) -> FloatImage:
        raw = matcher.compute(as_grey(views[0].image), as_grey(views[1].image))
        disparity = np.asarray(raw).astype(np.float32) / np.float32(SUBPIXEL)
        disparity[disparity <= options.min_disparity] = np.nan
        return disparity

    return match


def rendered_pairs(size: Size, seed: int = 0) -> list[tuple[list[View], FloatImage]]:
    """Return the pairs, one of each kind of world, with the exact disparity of the left view."""
    cameras = stereo_cameras(size.width, size.height, size.focal, BASELINE)
    pairs = []
    for kind in KINDS:
        scene = make_scene(kind, seed)
        eyes = render_stereo(scene, *cameras, scene.start)
        views = [View(eye.image, camera) for eye, camera in zip(eyes, cameras)]
        pairs.append((views, np.float32(size.focal * BASELINE) / eyes[0].depth))
    return pairs


class Errors:
    """Bad-2, mean error and density over all pairs, on pixels that were matched."""

    def __init__(self) -> None:
        self.errors: list[np.ndarray] = []
        self.pixels = 0

    def add(self, disparity: FloatImage, truth: FloatImage) -> None:
        error = np.abs(disparity - truth)
        self.errors.append(error[np.isfinite(error)])
        self.pixels += error.size

    @property
    def summary(self) -> tuple[float, float, float]:
        errors = np.concatenate(self.errors)
        return float((errors > 2).mean()), float(errors.mean()), errors.size / self.pixels


def _seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def run_size(size: Size, frames: int) -> dict[str, float]:
    """Measure one size; times are medians over frames, in milliseconds."""
    model = create_model('sgbm', {'disparity_range': size.disparity_range})
    plain = plain_sgbm(SgbmOptions(disparity_range=size.disparity_range))
    pairs = rendered_pairs(size)
    ours_errors, plain_errors = Errors(), Errors()
    for views, truth in pairs:  # this also warms both up
        ours_errors.add(model.predict(views).values, truth)
        plain_errors.add(plain(views), truth)
    ours, theirs = [], []
    for frame in range(frames):
        views = pairs[frame % len(pairs)][0]
        ours.append(_seconds(lambda views=views: model.predict(views)))  # type: ignore[misc]
        theirs.append(_seconds(lambda views=views: plain(views)))  # type: ignore[misc]
    bad, mean, density = ours_errors.summary
    plain_bad, plain_mean, plain_density = plain_errors.summary
    return {
        'speedup': statistics.median(theirs) / statistics.median(ours),
        'speedup_of_minima': min(theirs) / min(ours),
        'bar': size.bar,
        'ms': 1e3 * statistics.median(ours),
        'plain_ms': 1e3 * statistics.median(theirs),
        'bad2': bad,
        'plain_bad2': plain_bad,
        'epe': mean,
        'plain_epe': plain_mean,
        'density': density,
        'plain_density': plain_density,
    }


def run(frames: int = 30) -> dict[str, dict[str, float]]:
    """Measure every size and return {size: figures}."""
    return {size.name: run_size(size, frames) for size in SIZES}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--frames', type=int, default=30, help='frames timed at each size')
    results = run(parser.parse_args().frames)
    print(f'OpenCV {cv2.__version__}, {cv2.getNumThreads()} threads')
    print(f'{"":14}{"faster":>8}{"bar":>6}{"ms":>16}{"bad-2 %":>14}{"EPE px":>14}{"density":>14}')
    good = True
    for name, r in results.items():
        print(
            f'{name:14}{r["speedup"]:7.2f}x{r["bar"]:6.1f}'
            f'{r["ms"]:8.1f} /{r["plain_ms"]:6.1f}'
            f'{100 * r["bad2"]:7.2f} /{100 * r["plain_bad2"]:5.2f}'
            f'{r["epe"]:8.3f} /{r["plain_epe"]:.3f}'
            f'{r["density"]:8.3f} /{r["plain_density"]:.3f}'
        )
        good &= r['speedup'] >= r['bar'] and r['bad2'] <= r['plain_bad2']
    print('sgbm / plain cv2.StereoSGBM;', 'bars held' if good else 'BARS NOT HELD')
    return 0 if good else 1


if __name__ == '__main__':
    raise SystemExit(main())
