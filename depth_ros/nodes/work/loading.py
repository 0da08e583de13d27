# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Load the model a node is asked for, or the one it may use instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from depth_ros.models.protocol import DepthModel
from depth_ros.models.registry import create_model
from depth_ros.pipeline import Pipeline
from depth_ros.threads import use
from depth_ros.types import DepthError, quoted


@dataclass(frozen=True)
class Loaded:
    """A model, one pipeline around it for each camera, and what the diagnostics say about it."""

    model: DepthModel
    pipelines: Sequence[Pipeline]
    facts: Mapping[str, str]
    fallback: str = ''  # which model is used instead of which, and why


def load(
    threads: int,
    name: str,
    fallback: str,
    options: Callable[[], Mapping[str, Any]],
    fallback_options: Callable[[], Mapping[str, Any]],
    make_pipelines: Callable[[DepthModel], Sequence[Pipeline]],
) -> Loaded:
    """Return the named model or its fallback, in pipelines; raises with the reasons of both."""
    try:
        return _load(threads, name, options, make_pipelines)
    except Exception as error:
        if not fallback:
            raise
        why = sentence_of(error, 'it cannot be loaded')
    try:
        loaded = _load(threads, fallback, fallback_options, make_pipelines)
    except Exception as error:
        too = sentence_of(error, 'it cannot be loaded')
        raise DepthError(
            f'model {quoted(name, 300)} cannot be used: {why}; nor can its fallback '
            f'{quoted(fallback, 300)}: {too}'
        ) from error
    instead = f'model {quoted(fallback, 300)} is used instead of {quoted(name, 300)}: {why}'
    return Loaded(loaded.model, loaded.pipelines, loaded.facts, instead)


def _load(
    threads: int,
    name: str,
    options: Callable[[], Mapping[str, Any]],
    make_pipelines: Callable[[DepthModel], Sequence[Pipeline]],
) -> Loaded:
    model = create_model(name, options())
    use(threads)  # of what the model has imported
    try:
        pipelines = make_pipelines(model)
    except Exception:
        model.close()
        raise
    return Loaded(model, pipelines, model.info.facts)


def sentence_of(error: BaseException, what: str) -> str:
    """Return one line for the log; `what` names the failure where the error is not ours."""
    text = ' '.join(str(error).split())
    if isinstance(error, DepthError):
        return text
    if isinstance(error, MemoryError) or type(error).__name__ == 'OutOfMemoryError':
        return f'{what}: out of memory; use smaller images or a smaller model'
    return f'{what}: {type(error).__name__}' + (f': {text}' if text else '')
