# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The sizes in which Depth Anything 3 exists, and how an official configuration is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from depth_ros.types import DepthError

PATCH = 14


@dataclass(frozen=True)
class Backbone:
    """
    A DINOv2 vision transformer, with or without attention across views.

    Of the three `_from` indices, None means in no block: `across_from` is the block from which
    every odd block attends over all views, `normalised_from` the first with normalised queries
    and keys, `rotated_from` the first with rotary positions. `outputs` are the blocks whose
    tokens the head reads. `joined` joins the last per-view tokens to them, which doubles their
    channels.
    """

    width: int
    depth: int
    heads: int
    outputs: tuple[int, int, int, int]
    gated: bool = False
    across_from: int | None = None
    normalised_from: int | None = None
    rotated_from: int | None = None
    joined: bool = False

    def __post_init__(self) -> None:
        if self.width % self.heads or self.width // self.heads % 4:
            raise DepthError(
                f'a width of {self.width} in {self.heads} heads gives heads of '
                f'{self.width / self.heads:g} channels, expected a multiple of 4; '
                'change the width or the number of heads'
            )
        if len(self.outputs) != 4 or list(self.outputs) != sorted(set(self.outputs)):
            raise DepthError(
                f'the output blocks are {self.outputs}, expected four in ascending order'
            )
        if not 0 <= self.outputs[0] <= self.outputs[-1] < self.depth:
            raise DepthError(
                f'the output blocks are {self.outputs}, expected indices below the depth, '
                f'{self.depth}'
            )

    @property
    def channels(self) -> int:
        """Channels of the tokens that the head reads."""
        return self.width * (2 if self.joined else 1)


@dataclass(frozen=True)
class Head:
    """The convolutional head: 'rays' predicts depth, confidence and rays; 'sky' depth and sky."""

    kind: Literal['rays', 'sky']
    width: int
    stages: tuple[int, int, int, int]


@dataclass(frozen=True)
class Configuration:
    """One network. `cameras` adds the camera encoder and decoder."""

    backbone: Backbone
    head: Head
    cameras: bool


@dataclass(frozen=True)
class NestedConfiguration:
    """An any-view network and the metric one that gives it its scale."""

    any_view: Configuration
    metric: Configuration


_VITS = Backbone(384, 12, 6, (2, 5, 8, 11))
_VITB = Backbone(768, 12, 12, (2, 5, 8, 11))
_VITL = Backbone(1024, 24, 16, (4, 11, 17, 23))
_VITG = Backbone(1536, 40, 24, (9, 19, 29, 39), gated=True)
_BACKBONES = {'vits': _VITS, 'vitb': _VITB, 'vitl': _VITL, 'vitg': _VITG}


def _any_view(
    base: Backbone, outputs: tuple[int, int, int, int], start: int, head: Head
) -> Configuration:
    backbone = replace(
        base,
        outputs=outputs,
        across_from=start,
        normalised_from=start,
        rotated_from=start,
        joined=True,
    )
    return Configuration(backbone, head, cameras=True)


_LARGE = (256, 512, 1024, 1024)
_SMALL_CONFIGURATION = _any_view(_VITS, (5, 7, 9, 11), 4, Head('rays', 64, (48, 96, 192, 384)))
_BASE_CONFIGURATION = _any_view(_VITB, (5, 7, 9, 11), 4, Head('rays', 128, (96, 192, 384, 768)))
_LARGE_CONFIGURATION = _any_view(_VITL, (11, 15, 19, 23), 8, Head('rays', 256, _LARGE))
_GIANT_CONFIGURATION = _any_view(_VITG, (19, 27, 33, 39), 13, Head('rays', 256, _LARGE))
_MONO_CONFIGURATION = Configuration(_VITL, Head('sky', 256, _LARGE), cameras=False)

CONFIGURATIONS: Mapping[str, Configuration | NestedConfiguration] = MappingProxyType(
    {
        'da3-small': _SMALL_CONFIGURATION,
        'da3-base': _BASE_CONFIGURATION,
        'da3-large': _LARGE_CONFIGURATION,
        'da3-giant': _GIANT_CONFIGURATION,
        'da3mono-large': _MONO_CONFIGURATION,
        'da3metric-large': _MONO_CONFIGURATION,
        'da3nested-giant-large': NestedConfiguration(_GIANT_CONFIGURATION, _MONO_CONFIGURATION),
    }
)

_NOT_BUILT = ('gs_head', 'gs_adapter')  # Gaussian splats, which depth does not need


def named_configuration(name: str) -> Configuration | NestedConfiguration:
    """Return the configuration of an official network by its name."""
    try:
        return CONFIGURATIONS[name]
    except KeyError:
        raise DepthError(
            f'Depth Anything 3 has no configuration {name!r}; '
            f'expected one of {", ".join(CONFIGURATIONS)}'
        ) from None


def official_configuration(config: Mapping[str, Any]) -> Configuration | NestedConfiguration:
    """
    Return the configuration that an official one (the authors' YAML or JSON) describes.

    Entries for Gaussian splats are passed over. An entry that this implementation does not know
    is an error, because it would change the numbers.
    """
    config = _plain(config, 'config')
    if 'anyview' in config or 'metric' in config:
        _only(config, {'anyview', 'metric'}, 'nested')
        return NestedConfiguration(_single(config['anyview']), _single(config['metric']))
    return _single(config)


def _single(config: Mapping[str, Any]) -> Configuration:
    config = {k: v for k, v in _plain(config, 'config').items() if k not in _NOT_BUILT}
    _only(config, {'net', 'head', 'cam_enc', 'cam_dec'}, 'network')
    backbone = _backbone(_plain(config.get('net'), 'net'))
    head_class = config.get('head', {}).get('__object__', {}).get('name')
    head = _plain(config.get('head'), 'head')
    _only(head, {'dim_in', 'output_dim', 'features', 'out_channels'}, 'head')
    rays = head_class == 'DualDPT' if head_class else head.get('output_dim') == 2
    _same(head, 'dim_in', backbone.channels)
    _same(head, 'output_dim', 2 if rays else 1)
    stages = tuple(int(c) for c in head.get('out_channels', _LARGE))
    if len(stages) != 4:
        raise DepthError(f'out_channels of the head are {stages}, expected four numbers')
    cameras = config.get('cam_dec') is not None
    if cameras:
        encoder, decoder = _plain(config.get('cam_enc'), 'cam_enc'), _plain(config['cam_dec'])
        _only(encoder, {'dim_out'}, 'cam_enc')
        _only(decoder, {'dim_in'}, 'cam_dec')
        _same(encoder, 'dim_out', backbone.width)
        _same(decoder, 'dim_in', backbone.channels)
    kind: Literal['rays', 'sky'] = 'rays' if rays else 'sky'
    return Configuration(backbone, Head(kind, int(head.get('features', 256)), stages), cameras)


def _backbone(net: Mapping[str, Any]) -> Backbone:
    starts = {'alt_start', 'qknorm_start', 'rope_start'}
    sizes = {'embed_dim', 'depth', 'num_heads'}
    _only(net, {'name', 'out_layers', 'cat_token', *starts, *sizes}, 'net')
    if net.get('name') not in _BACKBONES:
        raise DepthError(
            f'the backbone is {net.get("name")!r}, expected one of {", ".join(_BACKBONES)}'
        )
    base = _BACKBONES[net['name']]
    return Backbone(
        width=int(net.get('embed_dim', base.width)),
        depth=int(net.get('depth', base.depth)),
        heads=int(net.get('num_heads', base.heads)),
        outputs=tuple(net['out_layers']),
        gated=base.gated,
        across_from=_start(net, 'alt_start'),
        normalised_from=_start(net, 'qknorm_start'),
        rotated_from=_start(net, 'rope_start'),
        joined=bool(net.get('cat_token', True)),
    )


def _start(net: Mapping[str, Any], key: str) -> int | None:
    value = int(net.get(key, -1))
    return None if value < 0 else value


def _plain(section: Any, name: str = 'section') -> dict[str, Any]:
    if not isinstance(section, Mapping):
        raise DepthError(
            f'{name} is {section!r}, expected a mapping; give the whole configuration'
        )
    return {key: value for key, value in section.items() if key != '__object__'}


def _only(section: Mapping[str, Any], known: set[str], name: str) -> None:
    unknown = sorted(set(section) - known)
    if unknown:
        raise DepthError(
            f'{name} has {", ".join(unknown)}, expected only {", ".join(sorted(known))}; '
            'this network is not one of Depth Anything 3 as published'
        )


def _same(section: Mapping[str, Any], key: str, expected: int) -> None:
    if int(section.get(key, expected)) != expected:
        raise DepthError(
            f'{key} is {section[key]}, expected {expected} for this backbone and head; '
            'give the configuration that belongs to the checkpoint'
        )
