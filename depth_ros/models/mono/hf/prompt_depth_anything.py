# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Prompt Depth Anything: a coarse depth image of a LiDAR or time-of-flight sensor made sharp."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import cv2
import numpy as np

from depth_ros.geometry.depth_values import is_valid
from depth_ros.models.engine.images import IMAGENET
from depth_ros.models.mono.hf.adapter import Adapter
from depth_ros.models.mono.hf.model import transformers_family
from depth_ros.models.mono.hf.revisions import published
from depth_ros.models.protocol import ModelError
from depth_ros.models.weights.catalogue import Entry
from depth_ros.types import DepthKind, FloatImage


class PromptDepthAnything(Adapter):
    """Metres come from the prompt: the network works between its smallest and largest depth."""

    model_type = 'prompt_depth_anything'
    tail = ('head.conv3',)
    takes_depth = True
    published: ClassVar = {
        **IMAGENET,
        'size': {'height': 756, 'width': 756},
        'keep_aspect_ratio': True,
        'ensure_multiple_of': 14,
    }

    @property
    def multiple(self) -> int:
        return int(self.config.patch_size)

    def kind(self) -> DepthKind | None:
        # Whatever the head is, its output is stretched between the metres of the prompt.
        return DepthKind.METRIC

    def depth_range(self) -> tuple[float, float] | None:
        return None

    def beside(
        self, runtime: Any, depths: Sequence[FloatImage] | None, count: int
    ) -> tuple[Any, ...]:
        import torch

        if depths is None or len(depths) != count:
            raise ModelError(
                f'prompt-depth-anything got {0 if depths is None else len(depths)} measured '
                f'depth images for {count} images; give each one in metres'
            )
        filled = [fill_prompt(depth) for depth in depths]
        if len({p.shape for p in filled}) > 1:
            raise ModelError('measured depths of a batch differ in size; send them one by one')
        return (torch.from_numpy(np.stack(filled)[:, None]).to(runtime.device),)


def fill_prompt(prompt: FloatImage) -> FloatImage:
    """
    Return a depth prompt without holes: missing metres are those of the nearest known pixel.

    The network takes the smallest and largest value of the whole prompt, so a hole written as
    zero or NaN would spoil every pixel. A prompt of one value only is varied by a micrometre at
    its first row, as the image processor does, because the network divides by the range; one row
    is repeated for that, or all of it would be varied.
    """
    prompt = np.array(prompt, np.float32)
    if prompt.ndim != 2 or prompt.size == 0:
        raise ModelError(f'depth prompt has shape {prompt.shape}, expected height and width')
    known = is_valid(prompt)
    if not known.any():
        raise ModelError(
            'depth prompt holds no valid metre, at least one is needed; check the sensor'
        )
    if not known.all():
        _, labels = cv2.distanceTransformWithLabels(
            (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
        )
        values = np.zeros(labels.max() + 1, np.float32)
        values[labels[known]] = prompt[known]
        prompt = values[labels]
    if prompt.min() == prompt.max():
        prompt = np.repeat(prompt, 2, axis=0) if len(prompt) == 1 else prompt
        prompt[0] += np.float32(1e-6) * max(1.0, float(prompt[0, 0]))
    return prompt


def _entry(encoder: str, parameters: int, words: str) -> Entry:
    return Entry(
        source=published(f'depth-anything/prompt-depth-anything-{encoder}-hf'),
        kind=DepthKind.METRIC,
        licence='Apache-2.0',
        commercial=True,
        description=words,
        size=756,
        multiple=14,
        parameters=parameters,
    )


ADAPTER = PromptDepthAnything
FAMILY = transformers_family(
    PromptDepthAnything,
    {
        'prompt-depth-anything-small': _entry(
            'vits', 25_100_000, 'metres from a coarse depth image, small'
        ),
        'prompt-depth-anything-small-transparent': _entry(
            'vits-transparent', 25_100_000, 'the same, for glass and other clear things'
        ),
        'prompt-depth-anything-large': _entry(
            'vitl', 340_000_000, 'metres from a coarse depth image, large'
        ),
    },
)
