# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Every parameter of the nodes, as lists that documentation, launch files and the nodes read.

The options of a model come from its own dataclass, those of an output from its own file; both
join the lists by themselves.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from depth_ros.models.registry import DEFAULT_MONO, DEFAULT_STEREO, family_of
from depth_ros.nodes.output.output import outputs_of
from depth_ros.nodes.parameters.scaling import LIVE_MOUNT, SCALING
from depth_ros.nodes.parameters.spec import ANY, ParameterSpec, Value, configured
from depth_ros.pipeline import MEDIAN_SIZES, RECTIFY_MODES, TEMPORAL_MODES, Options

_OPTIONS = Options()


def _model(default: str, what: str) -> tuple[ParameterSpec, ...]:
    return (
        configured(
            'model',
            default,
            f'the {what}: a name of `depth_ros models`, a hub id, a folder',
            per_camera=False,
        ),
        configured(
            'fallback',
            '',
            'model used when `model` cannot be loaded; empty for none',
            per_camera=False,
        ),
        configured(
            'threads',
            0,
            'processor threads that the model may use; 0 is all',
            range=(0, 1024),
            per_camera=False,
        ),
        ParameterSpec(
            'autostart',
            True,
            'configure and activate by itself at start',
            read_only=True,
            per_camera=False,
        ),
    )


_CAMERAS = (
    ParameterSpec(
        'cameras',
        '',
        'names of several cameras that share the model; empty: one camera without a name',
        read_only=True,
        names=True,
        per_camera=False,
    ),
    configured(
        'max_batch',
        0,
        'cameras whose waiting images share a forward pass; 0: all on a GPU, 1 on a CPU',
        range=(0, 64),
        per_camera=False,
    ),
)

_INPUT = (
    configured(
        'image_transport',
        'raw',
        'how images arrive: sensor_msgs/Image, or CompressedImage on <image>/compressed',
        choices=('raw', 'compressed'),
    ),
    ParameterSpec(
        'image_decimation',
        1,
        'every pixel of the input is the mean of n x n pixels of the image, for cameras of 4K and '
        'more: memory and time are those of the smaller image, which every output then has',
        choices=(1, 2, 4, 8),
    ),
    configured(
        'rectify',
        _OPTIONS.rectify,
        'undistort the input: where D and R ask for it and the topic is not called image_rect, '
        'always, or never (rectified already)',
        choices=RECTIFY_MODES,
    ),
    ParameterSpec(
        'max_age',
        0.0,
        'seconds after which an image is too old to be worth working on; 0 takes any',
        range=(0.0, ANY),
    ),
)

_SYNC = (
    configured('approximate_sync', False, 'pair left and right by nearest stamps, not equal'),
    configured(
        'approximate_sync_tolerance_seconds',
        0.01,
        'largest difference of the stamps of a pair when approximate_sync is set',
        range=(0.0, 10.0),
    ),
    configured(
        'queue_size', 10, 'images of one eye kept until the other arrives', range=(1, 1000)
    ),
)

_DEPTH = (
    ParameterSpec(
        'min_depth',
        _OPTIONS.min_depth,
        'metres; nearer depth is published as -Inf',
        range=(0.0, ANY),
    ),
    ParameterSpec(
        'max_depth',
        _OPTIONS.max_depth,
        'metres; farther depth is published as +Inf',
        range=(0.0, ANY),
    ),
    ParameterSpec(
        'edge_threshold',
        _OPTIONS.edge_threshold,
        'relative jump in depth from which pixels between two surfaces are removed; 0 keeps them',
        range=(0.0, ANY),
    ),
    ParameterSpec(
        'min_confidence',
        _OPTIONS.min_confidence,
        'pixels of lower confidence become NaN, where the model tells one',
        range=(0.0, 1.0),
    ),
    ParameterSpec(
        'median_size',
        _OPTIONS.median_size,
        'pixels, side of the median filter of depth; 0 turns it off',
        choices=MEDIAN_SIZES,
    ),
    ParameterSpec(
        'max_speckle',
        _OPTIONS.max_speckle,
        'patches of depth of at most so many pixels are removed; 0 keeps them',
        range=(0, 1_000_000),
    ),
    ParameterSpec(
        'max_hole',
        _OPTIONS.max_hole,
        'holes in depth of at most so many pixels are filled; 0 leaves them',
        range=(0, 100_000),
    ),
    ParameterSpec(
        'region',
        _OPTIONS.region,
        'part of the image that counts, in pixels as it arrives: x,y,width,height, or the path of '
        'a mask image, black where it does not; the rest becomes NaN; empty: the whole image',
    ),
)


def _temporal(modes: tuple[str, ...], meaning: str) -> tuple[ParameterSpec, ...]:
    return (
        ParameterSpec(
            'temporal',
            _OPTIONS.temporal,
            f'how depth is averaged over frames: off; {meaning}flow, by optical flow; still, for '
            'a camera that does not move',
            choices=modes,
        ),
        ParameterSpec(
            'temporal_memory',
            _OPTIONS.temporal_memory,
            'frames that are averaged at most, where `temporal` is not off',
            range=(0.0, 1000.0),
        ),
    )


_SCALE = (
    ParameterSpec(
        'scale',
        _OPTIONS.scale,
        'makes metres of a relative model: 1/Z = scale * value + shift; 0: not known',
        range=(0.0, ANY),
    ),
    ParameterSpec('shift', _OPTIONS.shift, 'in 1/m, with `scale`', range=(-ANY, ANY)),
)

_PROMPT = (
    ParameterSpec(
        'prompt_tolerance',
        0.2,
        'seconds between an image and the depth image on `prompt`, for models that take one',
        range=(0.0, ANY),
    ),
    configured(
        'prompt_transport',
        'raw',
        'how the depth image on `prompt` arrives: sensor_msgs/Image, or CompressedImage on '
        '<prompt>/compressedDepth',
        choices=('raw', 'compressedDepth'),
    ),
)


def _of_outputs(views: int) -> list[ParameterSpec]:
    return [spec for output in outputs_of(views) for spec in output.parameters]


MONO: tuple[ParameterSpec, ...] = (
    *_model(DEFAULT_MONO, 'model of one view'),
    *_CAMERAS,
    *_INPUT,
    *_PROMPT,
    *_DEPTH,
    *_temporal(TEMPORAL_MODES, 'pose, by odometry; '),
    *_SCALE,
    *SCALING,
    *LIVE_MOUNT,
    *_of_outputs(1),
)
_REFINE = (
    configured(
        'refine',
        '',
        'a model of one view whose sharp prediction of the left image gets the metres of the '
        'match: holes are filled, edges stay; empty for none',
    ),
)
STEREO: tuple[ParameterSpec, ...] = (
    *_model(DEFAULT_STEREO, 'model of two views'),
    *_REFINE,
    *_CAMERAS,
    *_INPUT,
    *_SYNC,
    *_DEPTH,
    *_temporal(('off', 'flow', 'still'), ''),
    *_of_outputs(2),
)


def model_options(name: str) -> tuple[ParameterSpec, ...]:
    """Return the parameters that the named model adds; raises ModelError for an unknown name."""
    specs = []
    for field in dataclasses.fields(family_of(name).config):
        meta = field.metadata
        specs.append(
            ParameterSpec(
                field.name,
                field.default,  # type: ignore[arg-type]
                str(meta.get('help', '')),
                live=bool(meta.get('live')),
                range=meta.get('range'),
                choices=tuple(meta['choices']) if meta.get('choices') else None,
            )
        )
    return tuple(specs)


def pipeline_options(values: Mapping[str, Value]) -> Options:
    """Return the settings of the pipeline from parameter values."""
    names = {field.name for field in dataclasses.fields(Options)}
    return Options(**{k: v for k, v in values.items() if k in names})  # type: ignore[arg-type]
