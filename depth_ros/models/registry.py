# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Find a model by name.

Every module of this package that defines FAMILY is offered; none of them imports a heavy library
until a model of it is made, so listing all of them is cheap.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import importlib
import os
import pkgutil
from collections.abc import Mapping
from typing import Any

from depth_ros.models import mono, multi_view, stereo
from depth_ros.models.mono import hf
from depth_ros.models.options import check_options
from depth_ros.models.protocol import DepthModel, Family, ModelError, ModelInfo
from depth_ros.types import quoted

# Models that run where `model` is not set.
DEFAULT_MONO = 'builtin'
DEFAULT_STEREO = 'sgbm'
DEFAULT_VIEWS = 'da3-small'


@functools.cache
def families() -> tuple[Family, ...]:
    """Return every family that a module of the model rooms defines."""
    found: list[Family] = []
    for package in (mono, hf, stereo, multi_view):
        for module in sorted(m.name for m in pkgutil.iter_modules(package.__path__)):
            loaded = importlib.import_module(f'{package.__name__}.{module}')
            found += [value for value in vars(loaded).values() if isinstance(value, Family)]
    return tuple(found)


def catalogue() -> dict[str, ModelInfo]:
    """Return every named model."""
    return {name: info for family in families() for name, info in family.names.items()}


def family_of(name: str) -> Family:
    """Return the family that makes the named model; a hub id or a folder counts as a name."""
    for family in families():
        if name in family.names:
            return family
    # A family without names takes any checkpoint of a library, so it comes last.
    for family in sorted(families(), key=lambda family: not family.names):
        if family.accepts(name):
            return family
    if name and os.path.isdir(name):
        raise ModelError(
            f'folder {quoted(name, 300)} holds no model, expected a configuration beside its '
            'weights; give a folder that `save_pretrained` or `depth_ros train` wrote'
        )
    near = difflib.get_close_matches(name[:100], catalogue(), n=3)
    hint = f'did you mean {" or ".join(near)}?' if near else 'see `depth_ros models`'
    raise ModelError(
        f'model {quoted(name)} is not known: expected a name of the catalogue, a hub id such as '
        f'owner/name, or an existing folder; {hint}'
    )


def create_model(name: str, options: Mapping[str, Any] | None = None) -> DepthModel:
    """Make a model; options it does not know are refused by name."""
    family = family_of(name)
    options = dict(options or {})
    known = {f.name for f in dataclasses.fields(family.config)}
    unknown = sorted(set(options) - known)
    if unknown:
        raise ModelError(
            f'model {quoted(name)} has no option {quoted(unknown[0])}; it takes '
            f'{", ".join(sorted(known)) or "none"}'
        )
    check_options(family.config, options)
    return family.create(name, family.config(**options))
