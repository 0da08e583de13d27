# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a pipeline asks for the metres of a prediction."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from depth_ros.metric.scaler import ScaleState
from depth_ros.types import Prediction, View


class Adjusted(NamedTuple):
    """A prediction in metres, or as it was where they are not known."""

    prediction: Prediction
    scale: ScaleState | None = None


class Adjuster(Protocol):
    """What gives predictions their metres from something beside the image."""

    def adjust(self, prediction: Prediction, view: View, stamp: float) -> Adjusted:
        """
        Return the prediction in metres where they are known.

        The image and camera of the view are those of the prediction; the stamp is in seconds.
        """
        ...

    def forget(self) -> None:
        """Start afresh: time jumped."""
        ...

    def close(self) -> None:
        """Free what it holds."""
        ...
