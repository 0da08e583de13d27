# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An image of how a run went: loss and validation over steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from depth_ros.files.writing import write_image

WIDTH, HEIGHT, MARGIN = 900, 300, 60
INK, PAPER, LINE = (70, 70, 70), (255, 255, 255), (200, 110, 20)


def plot_curves(curves: Mapping[str, Sequence[tuple[float, float]]], path: Path) -> None:
    """Draw each named curve of (step, value) in a panel of its own, below one another."""
    panels = [_panel(name, np.array(points)) for name, points in curves.items() if len(points)]
    if panels:
        write_image(path, np.vstack(panels)[..., ::-1])


def _panel(name: str, points: np.ndarray) -> np.ndarray:
    canvas = np.full((HEIGHT, WIDTH, 3), PAPER, np.uint8)
    steps, values = points[:, 0], points[:, 1]
    # One spike at the start must not flatten the rest.
    low, high = (
        np.percentile(values, [0, 98]) if len(values) > 50 else (values.min(), values.max())
    )
    span = max(high - low, 1e-9)
    x = MARGIN + (steps - steps[0]) / max(steps[-1] - steps[0], 1) * (WIDTH - 2 * MARGIN)
    y = HEIGHT - MARGIN - np.clip((values - low) / span, 0, 1) * (HEIGHT - 2 * MARGIN)
    cv2.rectangle(canvas, (MARGIN, MARGIN), (WIDTH - MARGIN, HEIGHT - MARGIN), INK, 1)
    line = np.stack([x, y], -1).astype(np.int32)
    cv2.polylines(canvas, [line], False, LINE, 1, cv2.LINE_AA)

    def write(text: str, place: tuple[int, int], scale: float = 0.42) -> None:
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(canvas, text, place, font, scale, INK, 1, cv2.LINE_AA)

    write(f'{name}: last {values[-1]:.4g}, best {values.min():.4g}', (MARGIN, MARGIN - 14), 0.55)
    write(f'{high:.3g}', (6, MARGIN + 10))
    write(f'{low:.3g}', (6, HEIGHT - MARGIN))
    write(f'{steps[0]:.0f}', (MARGIN, HEIGHT - MARGIN + 18))
    write(f'step {steps[-1]:.0f}', (WIDTH - MARGIN - 60, HEIGHT - MARGIN + 18))
    return canvas
