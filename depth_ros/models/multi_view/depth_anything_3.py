# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Depth Anything 3 (Lin and others, 2025): depth of one view, or depth and cameras of many.

docs/da3.md explains what each size is for.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

from depth_ros.models.engine.opening import open_runtime
from depth_ros.models.engine.runtime import Executable
from depth_ros.models.multi_view import depth_anything_3_weights as weights
from depth_ros.models.multi_view.depth_anything_3_model import (
    DepthAnything3Model,
    OneViewOptions,
    ViewsOptions,
)
from depth_ros.models.multi_view.depth_anything_3_network import executable
from depth_ros.models.networks.depth_anything_3.configurations import (
    CONFIGURATIONS,
    PATCH,
)
from depth_ros.models.networks.depth_anything_3.preprocess import LONGEST
from depth_ros.models.options import EngineOptions
from depth_ros.models.protocol import Family, ModelError, ModelInfo, required_library
from depth_ros.models.weights.catalogue import Entry, licence_words
from depth_ros.models.weights.source import Hub
from depth_ros.types import DepthKind

log = logging.getLogger(__name__)

FAMILY_NAME = 'depth_anything_3'
METRIC = 'da3metric-large'  # the only single-view configuration whose depth follows a focal length
_NOT_FOR_SALE = (
    'the weights of {name} are licensed under CC-BY-NC-4.0, which excludes commercial use; '
    'da3-small, da3-base, da3-mono-large and da3-metric-large allow it'
)


class _Published(NamedTuple):
    """What differs from one published checkpoint to the next."""

    repository: str
    official: str  # its configuration
    kind: DepthKind
    commercial: bool
    parameters: int
    description: str
    views: int = 0

    def entry(self, name: str) -> Entry:
        """Return what the catalogue states of it."""
        return Entry(
            source=Hub(f'depth-anything/{self.repository}'),
            kind=self.kind,
            licence='Apache-2.0' if self.commercial else 'CC-BY-NC-4.0',
            commercial=self.commercial,
            description=self.description,
            size=LONGEST,
            multiple=PATCH,
            parameters=self.parameters,
            views=self.views,
            caution='' if self.commercial else _NOT_FOR_SALE.format(name=name),
        )


_ANY, _OLD = 'depth and cameras of any number of views', 'use the 1.1 successor'
_SCALE, _METRES = DepthKind.SCALE_INVARIANT, DepthKind.METRIC
_LARGE = ('da3-large', _SCALE, False, 410_900_000)
_GIANT = ('da3-giant', _SCALE, False, 1_355_700_000)
_NESTED = ('da3nested-giant-large', _METRES, False, 1_689_800_000)
_PUBLISHED: Mapping[str, _Published] = {
    'da3-small': _Published('DA3-SMALL', 'da3-small', _SCALE, True, 34_300_000, f'{_ANY}, fast'),
    'da3-base': _Published('DA3-BASE', 'da3-base', _SCALE, True, 135_400_000, _ANY),
    'da3-large': _Published('DA3-LARGE', *_LARGE, f'{_ANY}; {_OLD}'),
    'da3-large-1.1': _Published('DA3-LARGE-1.1', *_LARGE, f'{_ANY}, accurate'),
    'da3-giant': _Published('DA3-GIANT', *_GIANT, f'{_ANY}; {_OLD}'),
    'da3-giant-1.1': _Published('DA3-GIANT-1.1', *_GIANT, f'{_ANY}, the most accurate'),
    'da3-nested': _Published(
        'DA3NESTED-GIANT-LARGE', *_NESTED, f'{_ANY}, in metres, with sky; {_OLD}'
    ),
    'da3-nested-1.1': _Published(
        'DA3NESTED-GIANT-LARGE-1.1', *_NESTED, f'{_ANY}, in metres, with sky'
    ),
    'da3-mono-large': _Published(
        *('DA3MONO-LARGE', 'da3mono-large', _SCALE, True, 334_200_000),
        'relative depth (not inverse) of one view, with sky',
        views=1,
    ),
    'da3-metric-large': _Published(
        *('DA3METRIC-LARGE', METRIC, _METRES, True, 334_200_000),
        "metres of one view by the camera's focal length, with sky",
        views=1,
    ),
}
ENTRIES: Mapping[str, Entry] = {name: facts.entry(name) for name, facts in _PUBLISHED.items()}
CONFIGURATION_OF: Mapping[str, str] = {n: facts.official for n, facts in _PUBLISHED.items()}
_INFOS = {name: entry.info(name, FAMILY_NAME) for name, entry in ENTRIES.items()}
_BY_REPOSITORY = {
    entry.source.repository.lower(): name
    for name, entry in ENTRIES.items()
    if isinstance(entry.source, Hub)
}


def _alias(name: str) -> str:
    """Return the catalogue's name for a hub id of the authors; other names as they are."""
    return _BY_REPOSITORY.get(name.lower(), name)


def _create(name: str, options: OneViewOptions) -> DepthAnything3Model:
    """Load a named model, or one of a folder that states its configuration."""
    required_library('torch', f'model {name!r}', 'torch safetensors')
    own = _alias(name)
    if own in _INFOS:
        info = dataclasses.replace(_INFOS[own], name=name)
        source = ENTRIES[own].source
        assert isinstance(source, Hub)
        files = weights.locate(options.weights, source, info)
        official = CONFIGURATION_OF[own]
        _refuse_other(files, official, name)
        stated = weights.stated_configuration(files)
        return _open(info, files, stated or CONFIGURATIONS[official], official, options)
    if options.weights:
        raise ModelError(
            f'{name} is a folder of weights and the option weights names others; give one of them'
        )
    files = weights.locate(name, None, ModelInfo(name, DepthKind.SCALE_INVARIANT))
    official = files.stated
    configuration = weights.stated_configuration(files)
    if configuration is None:
        raise ModelError(
            f'{name} states the configuration {official!r}, expected one of '
            f'{", ".join(CONFIGURATIONS)}; choose the model that the weights belong to'
        )
    info = ModelInfo(
        name,
        _kind(configuration, official),
        views=1 if _is_one_view(configuration) else 0,
        licence='unknown',
        commercial=False,
        family=FAMILY_NAME,
        input_size=LONGEST,
        input_multiple=PATCH,
    )
    return _open(info, files, configuration, official, options)


def _refuse_other(files: weights.Files, official: str, name: str) -> None:
    if files.stated and files.stated != official:
        raise ModelError(
            f'the weights state that they are {files.stated!r}, model {name!r} expects '
            f'{official!r}; choose the model that they belong to'
        )


def _is_one_view(configuration: Any) -> bool:
    return hasattr(configuration, 'head') and configuration.head.kind == 'sky'


def _kind(configuration: Any, official: str) -> DepthKind:
    """Return what the depth of a configuration is."""
    if hasattr(configuration, 'metric') or official == METRIC:
        return DepthKind.METRIC
    return DepthKind.SCALE_INVARIANT


def _open(
    info: ModelInfo,
    files: weights.Files,
    configuration: Any,
    official: str,
    options: OneViewOptions,
) -> DepthAnything3Model:
    if files.input_size and not options.input_size:
        options = dataclasses.replace(options, input_size=files.input_size)
    views_at_once = options.views_at_once if isinstance(options, ViewsOptions) else 4
    made: list[Executable] = []

    def load() -> Executable:
        exported = options.runtime != EngineOptions.runtime
        made.append(executable(files.weights, configuration, views_at_once, exported))
        return made[0]

    runtime = open_runtime(load, options)
    network = made[0].module.network
    info = dataclasses.replace(
        info,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        device=str(runtime.device),
        precision=runtime.precision,
        runtime=options.runtime,
    )
    log.info('%s: %s, %s, %s', info.name, info.kind.value, runtime.describe(), licence_words(info))
    return DepthAnything3Model(info, runtime, network, options, canonical=official == METRIC)


def _accepts(one_view: bool, name: str) -> bool:
    """Return whether a name is a hub id of the authors, or a folder, of a kind of network."""
    own = _alias(name)
    if own in _INFOS:
        return (_INFOS[own].views == 1) is one_view
    if not weights.is_folder(name):
        return False
    try:
        files = weights.of_folder(weights.verify.folder_named(name))
        configuration = weights.stated_configuration(files)
    except ModelError:
        return not one_view  # the sentence that says why comes when it is made
    return _is_one_view(configuration) is one_view


def _names(views: int) -> dict[str, ModelInfo]:
    return {name: info for name, info in _INFOS.items() if info.views == views}


FAMILY = Family(
    names=_names(0),
    config=ViewsOptions,
    create=_create,
    accepts=lambda name: _accepts(False, name),
)
ONE_VIEW_FAMILY = Family(
    names=_names(1),
    config=OneViewOptions,
    create=_create,
    accepts=lambda name: _accepts(True, name),
)
