# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One entry of the catalogue: what is known about a published checkpoint before it is fetched."""

from __future__ import annotations

from dataclasses import dataclass

from depth_ros.models.protocol import ModelInfo
from depth_ros.models.weights.source import Source
from depth_ros.types import DepthKind


@dataclass(frozen=True)
class Entry:
    """
    A published checkpoint.

    `kind` and `depth_range` are compared with the configuration where that says them, and stand
    in for it where it does not. `licence` is that of the weights; `commercial` is False unless
    it is known to allow commercial use. `suits` says for which scenes and distances the weights
    are, `cost` what a prediction takes, as measured.
    """

    source: Source
    kind: DepthKind
    licence: str
    commercial: bool
    description: str
    size: int  # side of the network's input, pixels; 0 is that of the image
    multiple: int
    parameters: int  # of the published weights, rounded
    views: int = 1
    depth_range: tuple[float, float] | None = None  # metres
    training_focal: float = 0.0  # pixels of the network's input; 0 where it is not known
    caution: str = ''
    suits: str = ''
    cost: str = ''

    def info(self, name: str, family: str, takes_depth: bool = False) -> ModelInfo:
        """Return the ModelInfo that stands in the catalogue."""
        return ModelInfo(
            name=name,
            kind=self.kind,
            views=self.views,
            licence=self.licence,
            commercial=self.commercial,
            description=self.description,
            family=family,
            parameters=self.parameters,
            input_size=self.size,
            input_multiple=self.multiple,
            depth_range=self.depth_range,
            training_focal=self.training_focal,
            takes_depth=takes_depth,
            source=self.source,
            caution=self.caution,
            suits=self.suits,
            cost=self.cost,
        )


def licence_words(info: ModelInfo | None) -> str:
    """Return in plain words what the licence of the weights allows."""
    if info is None:
        return 'the licence of these weights is not known to depth_ros; read it on their page'
    if info.commercial:
        return f'licence of the weights: {info.licence}; commercial use is allowed'
    return (
        f'licence of the weights: {info.licence}; commercial use is excluded, or not known to be '
        'allowed'
    )
