# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Every model by name, and every option of every model refused where it is wrong."""

import dataclasses
import math
import subprocess
import sys

import pytest

from depth_ros.models.options import check_options, option
from depth_ros.models.protocol import ModelError
from depth_ros.models.registry import catalogue, create_model, families, family_of

# Families that know models by hub id only have no name to make one by.
FIELDS = [
    pytest.param(family, field, id=f'{next(iter(family.names))}-{field.name}')
    for family in families()
    if family.names
    for field in dataclasses.fields(family.config)
]
BOUNDED = [p for p in FIELDS if p.values[1].metadata['range'] or p.values[1].metadata['choices']]
ANALYTIC = ['floor', 'inverse_plane', 'plane', 'sgbm']  # made without weights


def first_name(family) -> str:
    return next(iter(family.names))


def test_names_belong_to_one_family_each():
    names = [name for family in families() for name in family.names]
    assert len(names) == len(set(names))
    assert set(ANALYTIC) <= set(names)
    assert all(info.name == name for name, info in catalogue().items())


def test_listing_models_imports_nothing_heavy():
    code = (
        'import sys; from depth_ros.models.registry import catalogue; catalogue();'
        "print(*{'torch', 'transformers', 'rclpy', 'scipy'} & set(sys.modules))"
    )
    listing = subprocess.run([sys.executable, '-c', code], capture_output=True, check=True)
    assert listing.stdout.split() == []


@pytest.mark.parametrize(
    ('name', 'hint'),
    [
        ('sgmb', 'sgbm'),  # letters swapped
        ('flor', 'floor'),  # one missing
        ('inverse-plane', 'inverse_plane'),
        ('', 'depth_ros models'),  # nothing near
        ('0123456789', 'depth_ros models'),
    ],
)
def test_unknown_names_get_a_hint(name, hint):
    with pytest.raises(ModelError, match='not known.*' + hint):
        family_of(name)


def test_a_folder_without_a_model_is_not_said_to_be_missing(tmp_path):
    with pytest.raises(ModelError, match='holds no model, expected a configuration beside'):
        family_of(str(tmp_path))


@pytest.mark.parametrize('name', ANALYTIC)
def test_unknown_options_are_named_with_those_that_exist(name):
    with pytest.raises(ModelError, match='no_such_option') as refusal:
        create_model(name, {'no_such_option': 1})
    known = [f.name for f in dataclasses.fields(family_of(name).config)]
    assert all(field in str(refusal.value) for field in known)


@pytest.mark.parametrize(('family', 'field'), FIELDS)
def test_every_option_explains_itself(family, field):
    assert field.metadata.get('help')
    check_options(family.config, {field.name: field.default})  # its default is allowed


@pytest.mark.parametrize(('family', 'field'), FIELDS)
def test_a_wrong_type_is_refused(family, field):
    with pytest.raises(ModelError, match=field.name):
        create_model(first_name(family), {field.name: object()})


@pytest.mark.parametrize(('family', 'field'), BOUNDED)
def test_a_value_out_of_range_is_refused(family, field):
    bounds, choices = field.metadata['range'], field.metadata['choices']
    wrong = []
    if choices is not None:
        wrong.append('no such choice' if isinstance(field.default, str) else 12345)
    if bounds is not None:
        wrong += [type(bounds[0])(b) for b in (bounds[0] - 1, bounds[1] + 1) if math.isfinite(b)]
        if isinstance(field.default, float):
            wrong.append(math.nan)
    for value in wrong:
        with pytest.raises(ModelError, match=f'{field.name} is'):
            create_model(first_name(family), {field.name: value})


@dataclasses.dataclass(frozen=True)
class Options:
    gain: float = option(1.0, 'a float', range=(0.0, 2.0))
    count: int = option(1, 'an int', range=(0, 9))
    flag: bool = option(False, 'a switch')
    mode: str = option('a', 'a choice', choices=('a', 'b'))
    path: str | None = option(None, 'anything, or not given')


@pytest.mark.parametrize(
    'values',
    [{'gain': 2}, {'gain': 0.0}, {'count': 9}, {'flag': True}, {'mode': 'b'}, {'path': 'x'}, {}],
    ids=str,
)
def test_values_within_bounds_pass(values):
    check_options(Options, values)


@pytest.mark.parametrize(
    'values',
    [
        {'gain': math.nan},
        {'gain': math.inf},
        {'gain': '1'},
        {'gain': True},  # a switch is no number
        {'count': 1.5},
        {'count': True},
        {'count': -1},
        {'flag': 1},
        {'flag': 'true'},
        {'mode': 'c'},
        {'mode': 1},
    ],
    ids=str,
)
def test_values_that_do_not_fit_are_refused(values):
    with pytest.raises(ModelError, match=next(iter(values))):
        check_options(Options, values)
