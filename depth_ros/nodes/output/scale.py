# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
`~/scale`: what makes metres of the prediction, and how sure that is.

No standard message has the fields of a scale. DiagnosticArray has a header, a level, the name of
the source, a sentence and named values, which plotting tools read as numbers.
"""

from __future__ import annotations

from typing import Any

from depth_ros.messages.diagnostics import ERROR, OK, STALE, WARN, message_type, status_array
from depth_ros.nodes.output.output import Output
from depth_ros.pipeline import DepthFrame


def build(frame: DepthFrame, header: Any, settings: Any) -> Any:
    """Return the scale of a frame; None where no source is asked for it."""
    state = frame.scale
    if state is None:
        return None
    estimate = state.estimate
    if estimate is None:
        return status_array(header, ERROR, 'scale', state.problem, '', {})
    fit = estimate.fit
    values = {
        'scale': f'{fit.scale:.9g}',
        'shift': f'{fit.shift:.9g}',
        'covariance scale scale': f'{fit.covariance[0, 0]:.6g}',
        'covariance scale shift': f'{fit.covariance[0, 1]:.6g}',
        'covariance shift shift': f'{fit.covariance[1, 1]:.6g}',
        'uncertainty': f'{fit.uncertainty:.6g}',
        'residual': f'{fit.residual:.6g}',
        'inliers': str(state.inliers),
        'points': str(state.points),
        'age': f'{estimate.age:.6g}',
        'source': estimate.source,
        'kind': fit.kind.value,
        'suspect': str(int(estimate.suspect)),
        'jumped': str(int(estimate.jumped)),
    }
    level, text = OK, f'the scale of source {estimate.source}'
    if estimate.suspect or state.problem:
        level, text = WARN, state.problem or text
    if not state.fresh:
        level = STALE
    return status_array(header, level, 'scale', text, estimate.source, values)


def _output() -> Output | None:
    kind = message_type()
    if kind is None:
        return None
    return Output(
        'scale',
        kind,
        build,
        'scale and shift with covariance, source, inliers and age; level ERROR: none is known',
        'no source of the scale is chosen, so ~/scale stays empty; set scale.source',
        views=(1,),
    )


OUTPUT = _output()
