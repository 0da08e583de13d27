# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One small model for each network of the registry: how to write it, and what it must return."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tiny_da3

from depth_ros.models.registry import family_of
from depth_ros.types import DepthKind

Made = tuple[str, dict[str, Any]]  # a name and options, as create_model takes them


@dataclass(frozen=True)
class Small:
    """A way to make a model with few or no weights."""

    make: Callable[[Path, pytest.MonkeyPatch], Made]
    kind: DepthKind
    views: int = 1
    registered: str = ''  # the catalogue name; a folder stands for it where it is empty
    rounding: float = 2e-4  # of the spread of the values, between a batch and single images


def _built_in(name: str, **options: Any) -> Callable[..., Made]:
    return lambda folder, patch: (name, options)


def _transformers(family: str, kind: DepthKind | None) -> Callable[..., Made]:
    def make(folder: Path, patch: pytest.MonkeyPatch) -> Made:
        pytest.importorskip('transformers')
        import tiny_checkpoints

        made = tiny_checkpoints.FAMILIES[family]()
        name = str(tiny_checkpoints.write_checkpoint(folder / family, made))
        stated = {} if kind is None else {'kind': kind.value}
        return name, {'precision': 'float32', 'device': 'cpu', **stated}

    return make


def _classic(name: str) -> Callable[..., Made]:
    def make(folder: Path, patch: pytest.MonkeyPatch) -> Made:
        import official_files
        from exact_matcher import write_weights

        from depth_ros.models.weights.official import skeleton_of

        official_files.make_narrow(patch, name)
        state = official_files.fill(skeleton_of(family_of(name).official, name, {}))
        weights = write_weights(folder / name, name, state)
        return name, {'weights': str(weights), 'precision': 'float32', 'device': 'cpu'}

    return make


def _stereo(name: str) -> Callable[..., Made]:
    def make(folder: Path, patch: pytest.MonkeyPatch) -> Made:
        from pair_networks import few, filled_folder

        weights = filled_folder(folder / name, name)
        return name, {
            'weights': str(weights),
            'precision': 'float32',
            'device': 'cpu',
            **few(name),
        }

    return make


def _depth_anything_3(name: str) -> Callable[..., Made]:
    def make(folder: Path, patch: pytest.MonkeyPatch) -> Made:
        path = tiny_da3.write(folder / name, name)
        return str(path), {'input_size': 84, 'precision': 'float32', 'device': 'cpu'}

    return make


METRIC, INVERSE = DepthKind.METRIC, DepthKind.AFFINE_INVERSE
ANALYTIC = {
    'builtin': Small(_built_in('builtin'), METRIC, registered='builtin'),
    'builtin-relative': Small(
        _built_in('builtin-relative'), INVERSE, registered='builtin-relative'
    ),
    'floor': Small(_built_in('floor', camera_height=0.5), METRIC, registered='floor'),
    'plane': Small(_built_in('plane'), METRIC, registered='plane'),
    'inverse_plane': Small(_built_in('inverse_plane'), INVERSE, registered='inverse_plane'),
    'sgbm': Small(
        _built_in('sgbm', disparity_range=16), DepthKind.DISPARITY, 2, registered='sgbm'
    ),
}
TRANSFORMERS = {
    family: Small(_transformers(family, stated), kind)
    for family, kind, stated in (
        ('depth_anything_relative', INVERSE, None),
        ('depth_anything_metric', METRIC, None),
        ('prompt_depth_anything', METRIC, None),
        ('dpt_vit', INVERSE, None),
        ('dpt_hybrid', INVERSE, None),
        ('dpt_beit', INVERSE, None),
        ('dpt_swinv2', INVERSE, None),
        ('dpt_dinov2', METRIC, METRIC),
        ('zoedepth_one_head', METRIC, None),
        ('zoedepth_two_heads', METRIC, None),
        ('depth_pro', METRIC, None),
        ('glpn', METRIC, None),
        ('chmv2', METRIC, METRIC),
        ('tipsv2', METRIC, None),
    )
}
CLASSIC = {
    name: Small(_classic(name), kind, registered=name)
    for name, kind in (
        ('midas-v21-small', INVERSE),
        ('midas-v21-large', INVERSE),
        ('adabins-nyu', METRIC),
        ('bts-resnet50-nyu', METRIC),
        ('bts-resnet50-kitti', METRIC),
        ('fcrn-nyu', METRIC),
        ('densedepth-nyu', METRIC),
        ('densedepth-kitti', METRIC),
        ('fastdepth', METRIC),
        ('monodepth-kitti', DepthKind.SCALE_INVARIANT),
        ('monodepth-kitti-resnet50', DepthKind.SCALE_INVARIANT),
        ('monodepth2-mono-640x192', DepthKind.SCALE_INVARIANT),
        ('monodepth2-stereo-640x192', METRIC),
    )
}
# The names of the networks stand beside torch, without which there is nothing to sweep.
if importlib.util.find_spec('torch') is None:
    _PAIRS: Sequence[str] = ()
else:
    from pair_networks import NETWORKS as _NETWORKS

    _PAIRS = tuple(_NETWORKS)
# Random weights amplify what rounding leaves, in few pixels by much.
STEREO = {
    name: Small(_stereo(name), DepthKind.DISPARITY, 2, name, rounding=2e-2) for name in _PAIRS
}
SCALE_INVARIANT = DepthKind.SCALE_INVARIANT
SEVERAL = {
    name: Small(_depth_anything_3(name), kind, views, registered)
    for name, kind, views, registered in (
        (tiny_da3.RAYS, SCALE_INVARIANT, 0, 'da3-small'),
        (tiny_da3.MONO, SCALE_INVARIANT, 1, 'da3-mono-large'),
        (tiny_da3.METRIC, METRIC, 1, 'da3-metric-large'),
        (tiny_da3.NESTED, METRIC, 0, 'da3-nested'),
    )
}
NETWORKS: Mapping[str, Small] = {**TRANSFORMERS, **CLASSIC, **STEREO, **SEVERAL}
SMALL: Mapping[str, Small] = {**ANALYTIC, **NETWORKS}
