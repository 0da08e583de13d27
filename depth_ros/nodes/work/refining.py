# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
A sharp prediction of the left image in the metres of the stereo match.

Where the two do not go together the match is published as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from depth_ros.metric.adjusting import Adjusted
from depth_ros.metric.sources.stereo import StereoOptions, refine_with_stereo
from depth_ros.models.protocol import DepthModel, ModelError
from depth_ros.types import DepthError, Prediction, View, quoted


class Refining:
    """The adjuster of a stereo pipeline, around a model of one image."""

    def __init__(
        self,
        model: DepthModel,
        warn: Callable[[str], None],
        options: StereoOptions | None = None,
    ) -> None:
        if model.info.views not in (0, 1):
            model.close()
            raise ModelError(
                f'refine names {quoted(model.info.name)}, which takes {model.info.views} images, '
                'expected a model of one image'
            )
        self._model, self._warn = model, warn
        self._options = options or StereoOptions()

    def adjust(self, prediction: Prediction, view: View, stamp: float) -> Adjusted:
        """Return the refined match; the match itself where it cannot be refined."""
        try:
            mono = self._model.predict([view])
            refined, _, _ = refine_with_stereo(mono, prediction, self._options)
        except DepthError as error:
            self._warn(f'the match is published without refinement: {error}')
            return Adjusted(prediction)
        timings = {**prediction.timings, 'refine': sum(mono.timings.values())}
        return Adjusted(replace(refined, timings=timings))

    def forget(self) -> None:
        """Do nothing: frames are refined one by one."""

    def close(self) -> None:
        """Unload the model."""
        self._model.close()
