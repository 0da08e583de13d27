# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The parameters of the depth node in Nav2's tutorial for depth models, as parameters of mono_depth.

The tutorial (docs.nav2.org, tutorials/docs/depth_ai_integration) runs the node depth_anything_v3
of ros2-depth-anything-v3-trt. A file that was written for it is read as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from depth_ros.files.reading import read_text
from depth_ros.types import DepthError, quoted

NODE = 'depth_anything_v3'
MODEL = 'da3-metric-large'
COMPRESSED = '/compressed'
LARGEST = 1 << 20  # bytes of a parameter file


class Translated(NamedTuple):
    """Parameters of mono_depth, and a sentence for each given one that has no effect."""

    parameters: dict[str, Any]
    notes: tuple[str, ...]


def _precision(value: Any) -> dict[str, Any]:
    known = {'fp16': 'auto', 'fp32': 'float32'}
    if value not in known:
        raise DepthError(f'precision is {quoted(value)}, expected fp16 or fp32; correct the file')
    return {'precision': known[value]}


def _stride(value: Any) -> dict[str, Any]:
    if type(value) is not int or value < 1:
        raise DepthError(
            f'point_cloud_downsample_factor is {quoted(value)}, expected an integer from 1 up; '
            'correct the file'
        )
    return {'decimation_x': value, 'decimation_y': value}


def _colour(value: Any) -> dict[str, Any]:
    if type(value) is not bool:
        raise DepthError(
            f'colorize_point_cloud is {quoted(value)}, expected true or false; correct the file'
        )
    return {'points_fields': 'xyzrgb' if value else 'xyz'}


def _threshold(value: Any) -> dict[str, Any]:
    if type(value) not in (int, float):
        raise DepthError(f'sky_threshold is {quoted(value)}, expected a number; correct the file')
    return {'sky_threshold': float(value)}


_MEANING: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    'precision': _precision,
    'sky_threshold': _threshold,
    'point_cloud_downsample_factor': _stride,
    'colorize_point_cloud': _colour,
}
_VIEWED = 'the coloured image on ~/output/depth_image_debug is computed while it has a subscriber'
_WITHOUT_EFFECT = {
    'onnx_path': f'the model is {MODEL} from its official weights; model:=NAME chooses another',
    'sky_depth_cap': 'sky is +Inf in the depth image and no point in the cloud',
    'enable_debug': _VIEWED,
    'debug_colormap': _VIEWED,
    'debug_colormap_min_depth': _VIEWED,
    'debug_colormap_max_depth': _VIEWED,
    'debug_filepath': 'no files are written; record the topic',
    'write_colormap': 'no files are written; record the topic',
    'republish_sync_source': 'depth has the stamp of its image; subscribe to the image',
}
# Values that ask for what happens anyway deserve no word.
_AS_IT_IS = {'enable_debug': False, 'write_colormap': False, 'republish_sync_source': False}


def translated(given: Mapping[str, Any]) -> Translated:
    """Return parameters of mono_depth; names that are its own already pass as they are."""
    # What the documentation of the tutorial's node states for a file that is silent.
    result: dict[str, Any] = {'model': MODEL, 'decimation_x': 2, 'decimation_y': 2}
    notes: dict[str, list[str]] = {}
    for name, value in given.items():
        if name in _MEANING:
            result |= _MEANING[name](value)
        elif name not in _WITHOUT_EFFECT:
            result[name] = value
        elif value != _AS_IT_IS.get(name, object()):
            notes.setdefault(_WITHOUT_EFFECT[name], []).append(name)
    sentences = (f'{", ".join(names)} has no effect: {why}' for why, names in notes.items())
    return Translated(result, tuple(sentences))


def read_tutorial_parameters(path: str | Path) -> dict[str, Any]:
    """Return what a parameter file gives the node depth_anything_v3, by its name or /**."""
    text = read_text(Path(path), 'give the YAML of parameters', LARGEST)
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        line = ' '.join(str(error).split())
        raise DepthError(f'{path} is no YAML ({line[:200]}); correct the file') from error
    found: dict[str, Any] = {}
    content = content if isinstance(content, dict) else {}
    for key, value in content.items():
        if str(key) == '/**' or str(key).rsplit('/', 1)[-1] == NODE:
            given = value.get('ros__parameters') if isinstance(value, dict) else None
            found |= given if isinstance(given, dict) else {}
    if not found:
        raise DepthError(
            f'{path} has no parameters for {NODE}, expected {NODE}: ros__parameters: as in the '
            'tutorial; correct the name of the node'
        )
    return found


def split_transport(image: str) -> tuple[str, str]:
    """Return the base of an image topic and its transport, which the last part names."""
    if image.endswith(COMPRESSED):
        return image.removesuffix(COMPRESSED), 'compressed'
    return image, 'raw'
