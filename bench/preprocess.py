# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
An image on its way into Depth Anything V2, ours against transformers' own image processor.

Both give the same bits, which is checked before anything is timed. transformers has a processor on
Pillow and, where torchvision is installed, one on tensors, which it then prefers; each is compared
with what `processor: pillow` or `processor: tensor` makes of the same array.

    python bench/preprocess.py [--frames 60]
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from bench.node_body import save_checkpoint
from bench.timing import interleaved, ratio_line
from depth_ros.models.registry import create_model

SIZES = {'640x480': (640, 480), '1280x720': (1280, 720)}
BAR = 3.0


def processors(folder: Path) -> dict[str, Any]:
    """Return transformers' image processors that this machine can run, by our name for them."""
    import transformers

    found = {}
    pillow = getattr(transformers, 'DPTImageProcessorPil', None)
    if pillow is None:
        from transformers.models.dpt import image_processing_pil_dpt

        pillow = image_processing_pil_dpt.DPTImageProcessorPil
    found['pillow'] = pillow.from_pretrained(folder)
    if importlib.util.find_spec('torchvision') is not None:
        found['tensor'] = transformers.DPTImageProcessor.from_pretrained(folder)
    return found


def ours(folder: Path, style: str, image: np.ndarray) -> Callable[[], Any]:
    """Return a call that prepares one image, as a frame of the node does."""
    options = {'device': 'cpu', 'precision': 'float32', 'processor': style}
    model: Any = create_model(str(folder), options)
    plan = model.plan(*image.shape[:2])
    return lambda: model.adapter.prepare(torch.from_numpy(image[None]), plan)


def compare(folder: Path, style: str, theirs: Any, image: np.ndarray, frames: int) -> float:
    """Return how many times faster ours is, for one image."""
    import PIL.Image

    # A node has an array; the Pillow processor would make an image of it and so does the user.
    given = PIL.Image.fromarray(image) if style == 'pillow' else image
    prepare = ours(folder, style, image)
    expected = theirs(images=given, return_tensors='pt')['pixel_values']
    if not torch.equal(prepare(), expected):
        raise SystemExit(f'{style}: the two differ: nothing to compare')
    spent = interleaved(
        {'ours': prepare, 'theirs': lambda: theirs(images=given, return_tensors='pt')}, frames
    )
    print(f'  {style}: {spent["ours"] * 1e3:.2f} ms against {spent["theirs"] * 1e3:.2f} ms')
    return spent['theirs'] / spent['ours']


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--frames', type=int, default=60)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    print(f'torch uses {torch.get_num_threads()} threads')
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_checkpoint(folder)
        theirs = processors(folder)
        if 'tensor' not in theirs:
            print('torchvision is not installed: no tensor processor to compare with')
        for label, (width, height) in SIZES.items():
            print(label)
            coarse = rng.integers(0, 256, (height // 16, width // 16, 3), np.uint8)
            image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
            for style, processor in theirs.items():
                ratio = compare(folder, style, processor, np.asarray(image), arguments.frames)
                print('  ' + ratio_line(f'{style} processor / ours, same bits', ratio, BAR))


if __name__ == '__main__':
    main()
