# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The folder that `depth_ros train` leaves for a network: weights, and what they are for."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from depth_ros.models.protocol import ModelError, required_library
from depth_ros.models.weights.stated import stated_facts
from depth_ros.models.weights.verify import WEIGHTS, check_safetensors, folder_named
from depth_ros.types import DepthKind

KEY = 'network'  # of the metadata of the weights
LARGEST_SIDE = 4096  # pixels


@dataclass(frozen=True)
class RunFacts:
    """What a run leaves beside its weights, as JSON in their metadata."""

    family: str
    variant: str
    shape: dict[str, Any]  # what differs from the variant
    width: int  # of the network's input in training, pixels
    height: int
    kind: str
    focal: float = 0.0  # pixels of that input; 0 where it was not one camera
    depth_range: tuple[float, float] | None = None  # metres
    caution: str = ''
    more: dict[str, Any] = field(default_factory=dict)  # for the adapter

    def dumped(self) -> dict[str, str]:
        """Return the metadata for the weights."""
        return {KEY: json.dumps(dataclasses.asdict(self))}


def is_run_of(family: str, name: str) -> bool:
    """Return whether a name is a folder with weights that a run of this family has left."""
    return _stated(folder_named(name) / WEIGHTS).get('family') == family


def read_run(folder: Path) -> tuple[RunFacts, Mapping[str, Any]]:
    """Return the facts and the tensors in the folder of a run."""
    required_library('safetensors', f'model {str(folder)!r}', 'safetensors')
    from safetensors.torch import load_file

    path = folder / WEIGHTS
    check_safetensors(path)
    try:
        facts = RunFacts(**_stated(path))
        if facts.depth_range is not None:
            near, far = (float(end) for end in facts.depth_range)
            facts = dataclasses.replace(facts, depth_range=(near, far))
        if not all(1 <= side <= LARGEST_SIDE for side in (facts.width, facts.height)):
            raise ValueError(f'its input is {facts.width}x{facts.height}')
        DepthKind(facts.kind)
    except (TypeError, ValueError) as error:
        raise ModelError(
            f'{path} does not say what its weights are for ({error}); '
            'use what `depth_ros train` wrote'
        ) from error
    return facts, load_file(path)


def _stated(path: Path) -> dict[str, Any]:
    """Return what the weights say of the network that they are for; empty where nothing."""
    facts = stated_facts(path).get(KEY, {})
    return facts if isinstance(facts, dict) else {}
