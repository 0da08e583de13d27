# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The catalogue against the families that stand behind it, and the commands that show it."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys

import pytest

from depth_ros.cli import fetch, models
from depth_ros.models import registry
from depth_ros.models.mono.hf.model import TransformersOptions, adapters
from depth_ros.models.mono.hf.revisions import REVISIONS
from depth_ros.models.protocol import ModelError
from depth_ros.models.weights import hub
from depth_ros.models.weights.source import Hub
from depth_ros.types import DepthKind

OTHERS = ('depth_anything_3',)  # on the hub, but of a family of their own
NAMES = {
    n: i
    for n, i in registry.catalogue().items()
    if isinstance(i.source, Hub) and i.family not in OTHERS
}
FAMILIES = {
    'depth_anything': 3 + 3 + 6,
    'dpt': 8 + 8,
    'zoedepth': 3,
    'depth_pro': 1,
    'glpn': 2,
    'prompt_depth_anything': 3,
}


def test_every_family_has_its_members():
    counted = {f: sum(i.family == f for i in NAMES.values()) for f in FAMILIES}
    assert counted == FAMILIES


def test_every_family_of_transformers_has_an_adapter():
    auto = pytest.importorskip('transformers.models.auto.modeling_auto')
    assert set(auto.MODEL_FOR_DEPTH_ESTIMATION_MAPPING_NAMES) <= set(adapters())


@pytest.mark.parametrize('name', NAMES)
def test_an_entry_is_complete_and_agrees_with_its_family(name):
    info = NAMES[name]
    assert info.name == name
    assert hub.is_hub_id(info.source.repository)
    assert info.family in adapters()
    assert info.parameters > 1e6
    assert info.licence
    assert not info.commercial or info.licence in ('Apache-2.0', 'MIT')
    assert info.input_size % info.input_multiple == 0
    reach = info.depth_range
    if info.kind is not DepthKind.METRIC:
        assert reach is None
        assert not info.training_focal
    elif reach is not None:
        assert 0 <= reach[0] < reach[1]
    assert registry.family_of(name).config is TransformersOptions


@pytest.mark.parametrize('name', NAMES)
def test_the_kind_is_what_a_configuration_of_that_member_says(name):
    """The published settings, as far as they bear on the meaning, through the family itself."""
    transformers = pytest.importorskip('transformers')
    info = NAMES[name]
    adapter = adapters()[info.family]
    published = {
        'depth_anything': {
            'depth_estimation_type': 'metric' if 'metric' in name else 'relative',
            'max_depth': {'indoor': 20, 'outdoor': 80}.get(name.split('-')[-2], 1),
        },
        'dpt': {'backbone_config': {'model_type': 'dinov2'}, 'add_projection': True}
        if 'dinov2' in name
        else {},
        'glpn': {'max_depth': 10 if 'nyu' in name else 80},
        'zoedepth': {
            'bin_configurations': [
                {'n_bins': 64, 'min_depth': 0.001, 'max_depth': reach}
                for place, reach in (('nyu', 10.0), ('kitti', 80.0))
                if place in name
            ]
        },
        'depth_pro': {},
        'prompt_depth_anything': {'depth_estimation_type': 'metric'},
    }[info.family]
    config = transformers.CONFIG_MAPPING[info.family](**published)
    made = adapter(config, {})
    assert made.kind() in (info.kind, None)
    assert made.kind() is not None or 'dinov2' in name
    assert made.depth_range() in (info.depth_range, None)


def run_models(capsys, *arguments):
    parser = argparse.ArgumentParser()
    models.add_arguments(parser)
    assert models.run(parser.parse_args(arguments)) == 0
    return capsys.readouterr().out


def test_models_in_json_is_the_catalogue(capsys):
    rows = json.loads(run_models(capsys, '--json'))
    assert [row['name'] for row in rows] == sorted(registry.catalogue())
    for row in rows:
        assert row['kind'] in {kind.value for kind in DepthKind}
        assert isinstance(row['on_this_machine'], bool)


def test_models_marks_what_excludes_commercial_use(capsys):
    lines = run_models(capsys, 'depth-anything-v2-large', 'depth-anything-v2-small').splitlines()
    large, small = (next(x for x in lines if s in x) for s in ('2-large', '2-small'))
    assert 'CC-BY-NC-4.0 *' in large
    assert '*' not in small
    assert any(line.startswith('*') for line in lines)


def test_models_that_match_nothing_are_an_error(capsys):
    with pytest.raises(ModelError, match='no name contains'):
        run_models(capsys, 'nonsense')


def test_listing_models_imports_nothing_heavy():
    code = (
        'import sys\n'
        'from depth_ros.models.registry import catalogue\n'
        'catalogue()\n'
        'print({"torch", "transformers", "huggingface_hub", "openvino"} & set(sys.modules))'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == 'set()'


def test_fetch_of_a_folder_verifies_it(tmp_path):
    pytest.importorskip('torch')
    import tiny_checkpoints as tiny

    folder = tiny.write_checkpoint(tmp_path, tiny.glpn())
    assert 'whole' in fetch.fetch(str(folder))
    with (folder / 'model.safetensors').open('ab') as file:
        file.write(b'x')
    with pytest.raises(ModelError, match='corrupt'):
        fetch.fetch(str(folder))


def test_fetch_compares_the_bytes_with_the_name_the_cache_gives_them(tmp_path):
    """A flipped bit leaves every size as it was."""
    pytest.importorskip('torch')
    import hashlib

    import tiny_checkpoints as tiny

    folder = tiny.write_checkpoint(tmp_path, tiny.glpn())
    weights = folder / 'model.safetensors'
    data = bytearray(weights.read_bytes())
    blob = tmp_path / hashlib.sha256(data).hexdigest()
    weights.rename(blob)
    weights.symlink_to(blob)
    assert 'whole' in fetch.fetch(str(folder))
    data[-1] ^= 1
    blob.write_bytes(data)
    with pytest.raises(ModelError, match='SHA-256'):
        fetch.fetch(str(folder))


def test_fetch_knows_what_is_part_of_the_package_and_what_is_nothing():
    assert 'nothing to fetch' in fetch.fetch('sgbm')
    with pytest.raises(ModelError, match='not known'):
        fetch.fetch('nonsense')


def test_pins_are_commits_of_repositories_in_the_catalogue():
    listed = {i.source.repository: i.source.revision for i in NAMES.values()}
    assert set(REVISIONS) <= set(listed)
    for repository, revision in REVISIONS.items():
        assert re.fullmatch(r'[0-9a-f]{40}|refs/pr/[0-9]+', revision), repository
        assert listed[repository] == revision
    assert {listed[name] for name in set(listed) - set(REVISIONS)} == {'main'}
