# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`depth_ros bench`: a table and JSON of what was measured, and sentences for what cannot be."""

import json
import math

import pytest

from depth_ros.cli import bench, bench_machine
from depth_ros.cli.main import main


def rows_of(text):
    """Return the rows of the tables in a text, each as a mapping from its heading."""
    rows, heading = [], []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip('|').split('|')]
        if not line.startswith('|'):
            heading = []
        elif not heading:
            heading = cells
        elif cells[0] != '---':
            assert len(cells) == len(heading)
            rows.append(dict(zip(heading, cells)))
    return rows


def test_every_model_has_a_row_with_its_figures(capsys):
    arguments = [
        'bench',
        '--model',
        'floor',
        '--model',
        'sgbm',
        '--size',
        '192x64',
        '--frames',
        '4',
    ]
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert text.startswith('processor: ')
    assert ', load: ' in text
    rows = rows_of(text)
    assert [row['model'] for row in rows] == ['`floor`', '`sgbm`']
    for row in rows:
        assert (row['runs'], row['image']) == ('cpu', '192x64')
        assert float(row['load (s)']) >= 0
        assert 0 < float(row['median (ms)']) <= float(row['p99 (ms)'])
        assert float(row['peak memory (MB)']) > 20
        power = row['power (W)']
        assert power == 'not readable' or float(power) > 0


def test_json_has_the_same_figures_by_name(capsys):
    arguments = ['bench', '--model', 'floor', '--size', '64x48', '--frames', '2', '--json']
    arguments += ['--option', 'camera_height=0.5']
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert found['image'] == '64x48'
    assert {'processor', 'cores', 'load', 'memory', 'system'} <= set(found['machine'])
    ((row),) = found['models']
    assert set(row) == {'model', 'alone'}
    assert set(bench.MODEL_COLUMNS) <= set(row['alone'])
    assert math.isclose(row['alone']['fps'], 1e3 / row['alone']['median_ms'], rel_tol=0.9)


@pytest.mark.parametrize(
    ('arguments', 'sentence'),
    [
        (['--size', '640'], "size is '640', expected WIDTHxHEIGHT"),
        (['--size', '0x480'], "size is '0x480', expected WIDTHxHEIGHT"),
        (['--model', 'florr'], 'florr'),
        (['--model', 'floor', '--option', 'height=1'], "has no option 'height'"),
        (['--frames', '0'], 'frames and rate must be above 0'),
        (['--rate', 'nan'], 'frames and rate must be above 0'),
        (
            ['--model', 'floor', '--option', 'camera_height=-1'],
            'cannot be measured: camera_height',
        ),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(arguments, sentence, capsys):
    assert main(['bench', *arguments]) == 2
    error = capsys.readouterr().err.strip()
    assert sentence in error
    assert '\n' not in error


def test_power_is_that_of_the_counters(tmp_path, monkeypatch):
    monkeypatch.setattr(bench_machine, 'nvidia', lambda field: '')
    assert bench_machine.PowerMeter(tmp_path).watts() is None
    clock = iter([0.0, 2.0])
    monkeypatch.setattr(bench_machine.time, 'monotonic', lambda: next(clock))
    files = [tmp_path / 'powercap' / f'intel-rapl:{i}' / 'energy_uj' for i in range(2)]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_text('1000000\n')
    meter = bench_machine.PowerMeter(tmp_path)
    for file in files:
        file.write_text('11000000\n')
    assert meter.watts() == pytest.approx(10.0)  # two packages, 10 J each in 2 s


def test_power_of_a_board_and_of_a_gpu_is_added(tmp_path, monkeypatch):
    sensor = tmp_path / 'hwmon' / 'hwmon0' / 'power1_input'
    sensor.parent.mkdir(parents=True)
    sensor.write_text('4500000\n')
    monkeypatch.setattr(bench_machine, 'nvidia', lambda field: '30.5')
    assert bench_machine.PowerMeter(tmp_path).watts() == pytest.approx(35.0)


@pytest.mark.ros
def test_a_node_is_measured_with_the_model(capsys):
    pytest.importorskip('rclpy')
    arguments = ['bench', '--model', 'floor', '--size', '64x48', '--frames', '3', '--node']
    assert main(arguments) == 0
    alone, node = rows_of(capsys.readouterr().out)
    assert (alone['model'], node['model'], node['node']) == ('`floor`', '`floor`', 'mono_depth')
    assert float(node['start to first depth (s)']) > 0
    assert 0 < float(node['median age (ms)']) <= float(node['p99 age (ms)'])
    assert float(node['peak memory (MB)']) > 20
