# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`depth_ros models`: a table of many, everything that matters of one."""

import json

import pytest

from depth_ros.cli.main import main
from depth_ros.models.registry import catalogue
from depth_ros.models.stereo.measured import cost_of, suits_of


def test_one_name_is_shown_with_what_it_suits_and_costs(capsys):
    assert main(['models', 'anynet-sceneflow']) == 0
    info = catalogue()['anynet-sceneflow']
    lines = capsys.readouterr().out.splitlines()
    assert f'suits: {info.suits}' in lines
    assert f'cost: {info.cost}' in lines
    assert f'description: {info.description}' in lines


def test_a_caution_is_shown_with_its_model(capsys):
    assert main(['models', 'fcrn']) == 0
    assert f'caution: {catalogue()["fcrn-nyu"].caution}' in capsys.readouterr().out.splitlines()


def test_a_table_of_several_stays_a_table(capsys):
    assert main(['models', 'anynet']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + 3
    assert not any(line.startswith('suits') for line in lines)
    weights = catalogue()['anynet-sceneflow'].parameters
    assert 0 < weights < 100_000
    assert all(f'  {weights / 1e6:.2f} M  ' in line for line in lines[1:])


def test_programs_get_the_same(capsys):
    assert main(['models', 'anynet-sceneflow', '--json']) == 0
    (row,) = json.loads(capsys.readouterr().out)
    info = catalogue()['anynet-sceneflow']
    assert (row['suits'], row['cost'], row['caution']) == (info.suits, info.cost, None)


@pytest.mark.parametrize(
    ('description', 'word'),
    [
        ('X trained on Scene Flow (rendered)', 'rendered'),
        ('X trained on Scene Flow (rendered) and KITTI 2015', 'roads'),
        ('X trained on Scene Flow, other rendered sets and ETH3D', 'grey'),
        ('X trained on something else', ''),
    ],
)
def test_the_set_that_weights_were_tuned_on_decides(description, word):
    assert word in suits_of(description)
    assert bool(suits_of(description)) == bool(word)


def test_variants_have_their_own_cost():
    assert len({cost_of(f'raft-stereo-{x}') for x in ('realtime', 'sceneflow')}) == 2
    assert len({cost_of(f'aanet-{x}kitti2015') for x in ('', 'plus-')}) == 2
    assert cost_of('raft-stereo-eth3d') == cost_of('raft-stereo-sceneflow')
    assert cost_of('a network that was not measured') == ''
