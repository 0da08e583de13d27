# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The model card that goes with every set of weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from depth_ros.files.writing import write_text
from depth_ros.lab.train.config import TrainConfig
from depth_ros.lab.train.imagenet import RANDOM

CARD = 'model_card.md'


def write_card(out: Path, config: TrainConfig, scores: Mapping[str, Any], frames: int) -> None:
    """Write what the weights are, from what, how they score, and how to make them again."""
    rendered = ['rendered by depth_ros for this run'] if config.data.frames else []
    source = ', '.join([*config.data.folders, *rendered])
    # Weights of others carry what they were trained on, so the card names them.
    encoder = 'random weights' if config.encoder == RANDOM else 'an encoder trained on ImageNet'
    began = config.start or encoder
    ground = ', ground known' if config.augment.ground else ''
    text = f"""# {config.name}

A small network that turns one image and its camera's focal length into metric depth with a
confidence per pixel. Weights in `model.safetensors` (float16), licence Apache-2.0.

| | |
|---|---|
| began with | {began} |
| trained on | {frames} frames: {source} |
| steps | {scores['step']} of batch {config.batch} at {config.width}x{config.height} |
| validation AbsRel, no scaling{ground} | {scores['abs_rel']:.3f} |
| validation share within 25 %{ground} | {scores['delta1']:.3f} |
| made with | torch {torch.__version__.split('+')[0]}, `depth_ros train config.yaml` |

The validation frames come from the same source as the training frames, from other scenes.
Scores on other images: `depth_ros eval --data FOLDER --model THIS_FOLDER`.
"""
    write_text(out / CARD, text)
