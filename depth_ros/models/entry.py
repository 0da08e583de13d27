# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One line of the catalogue: what is known about a published checkpoint before it is fetched."""

from __future__ import annotations

from dataclasses import dataclass

from depth_ros.models.base import ModelInfo
from depth_ros.models.revisions import REVISIONS
from depth_ros.types import DepthKind


@dataclass(frozen=True)
class Entry:
    """
    A published checkpoint.

    `kind` and `depth_range` are compared with the configuration where that says them, and stand
    in for it where it does not. `licence` is that of the weights; `commercial` is False unless
    it is known to allow commercial use.
    """

    repository: str
    kind: DepthKind
    licence: str
    commercial: bool
    description: str
    size: int  # side of the network's input, pixels
    multiple: int
    parameters: int  # of the published weights, rounded
    depth_range: tuple[float, float] | None = None  # metres
    training_focal: float = 0.0  # pixels of the network's input; 0 where it is not known
    revision: str = ''  # empty: what revisions.py says, else the main branch

    @property
    def pinned(self) -> str:
        """The commit, branch or tag to load."""
        return self.revision or REVISIONS.get(self.repository, 'main')

    def info(self, name: str, family: str, prompt: bool = False) -> ModelInfo:
        """Return the ModelInfo that stands in the catalogue."""
        return ModelInfo(
            name=name,
            kind=self.kind,
            licence=self.licence,
            commercial=self.commercial,
            description=self.description,
            details={
                'repository': self.repository,
                'revision': self.pinned,
                'family': family,
                'size': self.size,
                'multiple': self.multiple,
                'parameters': self.parameters,
                'depth_range': self.depth_range,
                'training_focal': self.training_focal,
                'prompt': prompt,  # whether it takes a depth image beside the picture
            },
        )
