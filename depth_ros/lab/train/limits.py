# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the values of a configuration may be, by name; anything else is refused before work."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from depth_ros.lab.synthetic.scene.worlds import kinds
from depth_ros.types import DepthError, quoted

NEAREST = 0.05  # metres; nearer depth does not count in the losses
_STEPS = (0, 1_000_000_000)
_SHARE = (0, 1)

# Smallest and largest value; of a text, its length.
RANGES: Mapping[str, tuple[float, float]] = {
    'name': (1, 100),
    'steps': (1, _STEPS[1]),
    'batch': (1, 65536),
    'width': (32, 4096),
    'height': (32, 4096),
    'early_steps': _STEPS,
    'rate': (1e-12, 10),
    'end_rate': _SHARE,
    'weight_decay': (0, 10),
    'warm_up': _STEPS,
    'clip': (1e-9, 1e9),
    'workers': (0, 1024),
    'seed': (0, 1 << 62),
    'save_seconds': (0, 1e6),
    'validate_every': (1, _STEPS[1]),
    'data.frames': (0, 4_999_999),  # seeds of the two sets would meet
    'data.validation_frames': (1, 4_999_999),
    'data.render_width': (8, 8192),
    'data.render_height': (8, 8192),
    'data.handheld': _SHARE,
    'data.glances': _SHARE,
    'data.spread': (0, 10),
    'data.antialias': (1, 16),
    'data.seed': (0, 1_000_000_000),
    'data.max_depth': (2 * NEAREST, math.inf),
    'augment.zoom': (1, 100),
    'augment.roll': (0, math.pi),
    'augment.ground': _SHARE,
    'augment.colour': (0, 5),
    'augment.grey': _SHARE,
    'augment.swap': _SHARE,
    'augment.light': (0, 5),
    'augment.texture': (0, 5),
    'augment.features': (0, 5),
    'augment.blur': _SHARE,
    'augment.noise': (0, 1),
    'augment.jpeg': _SHARE,
    'loss.scale_invariant': (0, 1e6),
    'loss.variance_focus': _SHARE,
    'loss.gradient': (0, 1e6),
    'loss.likelihood': (0, 1e6),
    'loss.bare': (0, 1e6),
    'loss.sky': (0, 1e6),
    'encoder_rate': _SHARE,
}
CHOICES: Mapping[str, tuple[str, ...]] = {
    'optimiser': ('adamw', 'muon'),
    'precision': ('auto', 'float32', 'bfloat16'),
}
LARGEST_AREA = 2048 * 2048  # pixels of the network's input, as it is read again


def check(config: Any) -> None:
    """Refuse a configuration that cannot be learned by, with the name of what is wrong."""
    for name, value in _values(config):
        place = RANGES.get(name)
        if place is not None:
            size = len(value) if isinstance(value, str) else value
            if not place[0] <= size <= place[1]:  # NaN is refused too
                what = 'characters' if isinstance(value, str) else _words(place)
                bounds = f'{place[0]:g} to {place[1]:g} ' if isinstance(value, str) else ''
                raise DepthError(f'{name} is {quoted(value)}, expected {bounds}{what}')
        if name in CHOICES and value not in CHOICES[name]:
            raise DepthError(
                f'{name} is {quoted(value)}, expected one of {", ".join(CHOICES[name])}'
            )
    _check_name(config.name)
    unknown = sorted(set(config.data.kinds) - set(kinds()))
    if unknown:
        raise DepthError(
            f'data.kinds has {quoted(unknown[0])}, expected some of {", ".join(kinds())}'
        )
    if not all(config.data.folders):
        raise DepthError('data.folders has an empty name, expected folders of data sets')
    if config.width * config.height > LARGEST_AREA:
        raise DepthError(
            f'width times height is {config.width * config.height}, expected at most '
            f'{LARGEST_AREA}; choose a smaller input'
        )
    loss = config.loss
    if not loss.scale_invariant + loss.gradient + loss.likelihood > 0:
        raise DepthError(
            'all losses of depth are 0, so that nothing would be learned; set '
            'loss.scale_invariant, loss.gradient or loss.likelihood'
        )


def _check_name(name: str) -> None:
    if '/' in name or '\\' in name or name in ('.', '..') or not name.isprintable():
        raise DepthError(
            f'name is {quoted(name)}, expected the name of a folder in runs/; use --out for '
            'another place'
        )


def _words(place: tuple[float, float]) -> str:
    low, high = place
    if place == _SHARE:
        return 'a share from 0 to 1'
    if low == 1 and high >= 1000:
        return f'more than 0, at most {high:g}'
    return f'{low:g} or more' if math.isinf(high) else f'{low:g} to {high:g}'


def _values(config: Any) -> Iterator[tuple[str, Any]]:
    for name, value in vars(config).items():
        yield name, value
    for part in ('data', 'augment', 'loss'):
        for name, value in vars(getattr(config, part)).items():
            yield f'{part}.{name}', value
