# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Options of models on the command line, read from the models' own declarations."""

from __future__ import annotations

import argparse
import dataclasses
import typing
from collections.abc import Sequence
from typing import Any

from depth_ros.models.protocol import DepthModel
from depth_ros.models.registry import create_model, family_of
from depth_ros.types import DepthError, quoted


def add_option_argument(parser: argparse.ArgumentParser) -> None:
    """Add --option NAME=VALUE, to be given as often as needed."""
    parser.add_argument(
        '--option',
        action='append',
        default=[],
        metavar='NAME=VALUE',
        help='an option of the model, such as disparity_range=192; may be repeated',
    )


def parse_options(model: str, given: Sequence[str]) -> dict[str, Any]:
    """Turn NAME=VALUE strings into the types that the model's options declare."""
    config = family_of(model).config
    types = typing.get_type_hints(config)
    options: dict[str, Any] = {}
    for item in given:
        name, equals, text = item.partition('=')
        if not equals:
            raise DepthError(f'option {quoted(item)} has no value; write NAME=VALUE')
        known = [f.name for f in dataclasses.fields(config)]
        if name not in known:
            raise DepthError(
                f'model {quoted(model)} has no option {quoted(name)}; it takes '
                f'{", ".join(known) or "none"}'
            )
        options[name] = _convert(name, text, types[name])
    return options


def _convert(name: str, text: str, kind: Any) -> Any:
    if kind is bool:
        if text.lower() not in ('true', 'false', '1', '0', 'yes', 'no'):
            raise DepthError(f'option {name} is {quoted(text)}, expected true or false')
        return text.lower() in ('true', '1', 'yes')
    if kind in (int, float):
        try:
            return kind(text)
        except (ValueError, OverflowError) as error:
            raise DepthError(
                f'option {name} is {quoted(text)}, expected {kind.__name__}'
            ) from error
    return text


def make_model(name: str, given: Sequence[str]) -> DepthModel:
    """Make the model with the options from the command line."""
    return create_model(name, parse_options(name, given))
