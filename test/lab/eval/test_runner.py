# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Models over frames: exact models come out exact, and what fails costs itself alone."""

import html.parser
import json
import math
import re
from pathlib import Path

import cv2
import layout_folders as folders
import numpy as np
import pytest

from depth_ros.geometry.planes import plane_depth
from depth_ros.lab.eval.frames import DataSet, Frame, Layout, Source
from depth_ros.lab.eval.layouts import open_dataset
from depth_ros.lab.eval.page import Book
from depth_ros.lab.eval.protocol import Protocol
from depth_ros.lab.eval.runner import Contestant, FrameResult, ModelResult, Report, evaluate
from depth_ros.lab.eval.table import failures, group_rows, notes, report_to_json, text_table
from depth_ros.models.registry import create_model
from depth_ros.types import Camera, Ground

CAMERA = Camera.pinhole(60, 40, 50.0)
TILT = {'normal_y': 0.3, 'normal_z': 1.0, 'distance': 2.0}


def contestant(name, label=None, **options):
    return Contestant(label or name, lambda: create_model(name, options), options)


def plane_set(tmp_path, count=3, bad=()):
    """Frames of the tilted plane that the model `plane` knows; some cannot be read."""
    normal = np.array([0, TILT['normal_y'], TILT['normal_z']])
    length = float(np.linalg.norm(normal))
    depth = plane_depth(CAMERA, tuple((normal / length).tolist()), TILT['distance'])
    image = np.full((40, 60, 3), 90, np.uint8)

    def load(number):
        if number in bad:
            raise OSError(f'frame {number} is damaged')
        return Frame(f'{number:03d}', image, CAMERA, depth)

    sources = tuple(Source(f'{i:03d}', lambda i=i: load(i)) for i in range(count))
    return DataSet(tmp_path, Layout('made', 'in memory', lambda root: sources), sources)


def test_the_exact_model_has_no_error(tmp_path):
    model = evaluate(plane_set(tmp_path), [contestant('plane', **TILT)], Protocol()).models[0]
    assert model.mean('abs_rel') < 1e-6
    assert model.mean('delta1') == 1
    assert model.coverage == 1
    assert model.alignments == ['none']
    assert len(model.measured) == 3


def test_the_wrong_plane_has_the_error_of_its_distance(tmp_path):
    wrong = {**TILT, 'distance': 2.5}
    model = evaluate(plane_set(tmp_path), [contestant('plane', **wrong)], Protocol()).models[0]
    assert model.mean('abs_rel') == pytest.approx(0.25, rel=1e-5)
    aligned = evaluate(
        plane_set(tmp_path), [contestant('plane', **wrong)], Protocol(alignment='median')
    ).models[0]
    assert aligned.mean('abs_rel') < 1e-6
    assert aligned.frames[0].fits['depth'].scale == pytest.approx(0.8)


def test_the_relative_plane_is_exact_after_its_alignment(tmp_path):
    model = evaluate(
        plane_set(tmp_path), [contestant('inverse_plane', **TILT)], Protocol()
    ).models[0]
    assert model.alignments == ['inverse']
    assert model.mean('abs_rel') < 1e-5


def test_a_bad_frame_costs_that_frame_and_is_reported(tmp_path):
    report = evaluate(plane_set(tmp_path, 4, bad=(1,)), [contestant('plane', **TILT)], Protocol())
    model = report.models[0]
    assert [f.name for f in model.measured] == ['000', '002', '003']
    assert model.mean('abs_rel') < 1e-6
    assert failures(report) == ['plane: frame 001: frame 1 is damaged']
    assert re.search(r'frames +3/4', text_table(report))


def test_a_model_that_cannot_be_made_costs_that_model(tmp_path):
    report = evaluate(
        plane_set(tmp_path),
        [contestant('no_such_model'), contestant('plane', **TILT)],
        Protocol(),
    )
    assert 'no_such_model' in report.models[0].error
    assert report.models[0].frames == []
    assert len(report.models[1].measured) == 3
    assert failures(report)[0].startswith('no_such_model: not run')


def test_a_stereo_model_without_pairs_fails_by_the_frame(tmp_path):
    model = evaluate(plane_set(tmp_path), [contestant('sgbm')], Protocol()).models[0]
    assert model.measured == []
    assert 'needs a pair' in model.failed[0].error
    assert math.isnan(model.mean('abs_rel'))


def test_a_model_that_asks_for_the_ground_gets_it(tmp_path):
    """Floors at heights of their own: exact where the height is known, wrong elsewhere."""
    image = np.zeros((40, 60, 3), np.uint8)

    def load(number):
        ground = Ground.below_mount((0.3, 0.9, 0.9)[number], 0.6)
        depth = plane_depth(CAMERA, tuple(ground.down.tolist()), ground.height)
        return Frame(str(number), image, CAMERA, depth, ground=ground if number < 2 else None)

    sources = tuple(Source(str(i), lambda i=i: load(i)) for i in range(3))
    data = DataSet(tmp_path, Layout('made', '', lambda root: sources), sources)
    floor = [contestant('floor', camera_height=0.9, camera_pitch=0.6)]
    blind, aware = (evaluate(data, floor, Protocol(), ground=g) for g in ('nothing', 'known'))
    errors = [[f.metrics['abs_rel'] for f in r.models[0].frames] for r in (blind, aware)]
    np.testing.assert_allclose(errors, [[2, 0, 0], [0, 0, 0]], atol=1e-6)
    assert 'ground known in 2 frames' in text_table(aware)
    assert 'ground known' not in text_table(blind)
    assert (report_to_json(blind)['grounds'], report_to_json(aware)['grounds']) == (None, 2)


def test_a_ground_that_no_frame_knows_is_found_in_the_truth(tmp_path):
    ground = Ground.below_mount(0.9, 0.6)
    depth = plane_depth(CAMERA, tuple(ground.down.tolist()), ground.height)
    frame = Frame('0', np.zeros((40, 60, 3), np.uint8), CAMERA, depth)
    sources = (Source('0', lambda: frame),)
    data = DataSet(tmp_path, Layout('made', '', lambda root: sources), sources)
    wrong = [contestant('floor', camera_height=5.0, camera_pitch=0.6)]
    known, seen = (evaluate(data, wrong, Protocol(), ground=g) for g in ('known', 'seen'))
    assert (known.grounds, seen.grounds) == (0, 1)
    assert [report_to_json(report)['ground'] for report in (known, seen)] == ['known', 'seen']
    assert 'ground known in 1 frames, taken from the truth' in text_table(seen)
    assert known.models[0].mean('abs_rel') > 1
    assert seen.models[0].mean('abs_rel') < 1e-3
    assert frame.ground is None


def test_limit_takes_the_first(tmp_path):
    report = evaluate(plane_set(tmp_path, 5), [contestant('plane')], Protocol(), limit=2)
    assert [f.name for f in report.models[0].frames] == ['000', '001']


def test_what_does_not_compare_is_said(tmp_path):
    report = evaluate(
        plane_set(tmp_path),
        [contestant('plane', **TILT), contestant('inverse_plane', **TILT)],
        Protocol(),
    )
    assert any('aligned differently' in note for note in notes(report))
    assert '*' not in text_table(report)
    same = evaluate(
        plane_set(tmp_path), [contestant('plane', **TILT), contestant('plane', 'b')], Protocol()
    )
    assert notes(same) == []


def test_common_pixels_take_the_advantage_of_leaving_out(tmp_path):
    """The floor is empty above the horizon, where the plane is most wrong."""
    rows = np.arange(40, dtype=np.float32)[:, None]
    truth = np.broadcast_to(np.where(rows < 25, 8.0, 2.0), (40, 60)).astype(np.float32)
    image = np.zeros((40, 60, 3), np.uint8)
    sources = (Source('a', lambda: Frame('a', image, CAMERA, truth)),)
    data = DataSet(tmp_path, Layout('made', '', lambda root: sources), sources)
    models = [contestant('plane'), contestant('floor')]
    own, shared = (evaluate(data, models, Protocol(), common=c) for c in (False, True))
    given = own.models[1].coverage
    assert own.models[0].coverage == 1
    assert 0 < given < 1
    assert shared.models[1].mean('abs_rel') == own.models[1].mean('abs_rel')
    assert shared.models[0].mean('abs_rel') < own.models[0].mean('abs_rel')
    # 2 m is exact in the last 15 rows and wrong by 3/4 in those of the first 25 that floor gives.
    lines = round(given * 40)
    assert shared.models[0].mean('abs_rel') == pytest.approx(0.75 * (lines - 15) / lines)
    assert [m.coverage for m in shared.models] == [1, given]
    assert [m.frames[0].pixels for m in shared.models] == [lines * 60] * 2
    assert 'every model gives' in text_table(shared)
    assert any('--common' in note for note in notes(own))
    assert notes(shared) == []


def test_a_frame_without_common_pixels_fails_for_all(tmp_path):
    looking_up = {'normal_y': -1.0, 'normal_z': 0.0, 'distance': 1.0}
    report = evaluate(
        plane_set(tmp_path, 1),
        [contestant('floor'), contestant('plane', **looking_up)],
        Protocol(),
        common=True,
    )
    assert all('given by every model' in model.failed[0].error for model in report.models)


def test_table_marks_the_best_and_names_the_rules(tmp_path):
    report = evaluate(
        plane_set(tmp_path),
        [contestant('plane', 'good', **TILT), contestant('plane', 'bad')],
        Protocol(max_depth=9.0),
    )
    table = text_table(report)
    row = next(line for line in table.splitlines() if line.startswith('AbsRel'))
    assert row.count('*') == 1
    assert row.index('*') < row.index(row.split()[-1])
    assert '0 to 9 m' in table
    assert re.search(r'alignment +none +none', table)


def grouped_set(tmp_path):
    """Two rooms, four metres deep, and a hall of eight; the second room cannot be read."""
    image = np.zeros((40, 60, 3), np.uint8)

    def load(name, metres):
        if name == 'room_8/0':
            raise OSError('damaged')
        return Frame(name, image, CAMERA, np.full((40, 60), metres, np.float32))

    depths = {'room_7/0': 4.0, 'room_7/1': 4.0, 'room_8/0': 4.0, 'hall_1/0': 8.0}
    sources = tuple(Source(n, lambda n=n, z=z: load(n, z)) for n, z in depths.items())
    return DataSet(tmp_path, Layout('made', '', lambda root: sources), sources)


def test_each_group_of_frames_is_reported_by_itself(tmp_path):
    models = [contestant('plane', 'near', distance=4.0), contestant('plane', 'far', distance=8.0)]
    report = evaluate(grouped_set(tmp_path), models, Protocol())
    lines = text_table(report, groups=True).splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip() == 'AbsRel ↓')
    assert [line.split() for line in lines[start + 1 : start + 3]] == [
        ['hall', '(1)', '0.5', '0', '*'],
        ['room', '(3)', '0', '*', '1'],
    ]
    assert 'hall' not in text_table(report)
    groups = report_to_json(report)['groups']
    assert [g['label'] for g in groups['room']] == ['near', 'far']
    assert [g['metrics']['abs_rel'] for g in groups['room']] == [0, 1]
    assert [(g['measured'], g['failed']) for g in groups['room']] == [(2, 1), (2, 1)]
    page = Book(4, 0).html(report, groups=True)
    assert '<td>&emsp;hall (1)</td><td>0.5</td><td class=best>0</td>' in page
    assert 'hall (1)' not in Book(4, 0).html(report)


def test_frames_of_one_group_are_not_reported_twice(tmp_path):
    report = evaluate(plane_set(tmp_path), [contestant('plane', **TILT)], Protocol())
    assert text_table(report, groups=True).endswith('All frames are of one group.')
    assert report_to_json(report)['groups'] == {}


def test_groups_of_which_nothing_was_measured_are_not_called_one(tmp_path):
    report = evaluate(grouped_set(tmp_path), [contestant('sgbm')], Protocol())
    assert 'one group' not in text_table(report, groups=True)
    assert report_to_json(report)['groups']['hall'][0]['failed'] == 1


def test_a_metric_that_a_group_does_not_have_is_not_reported():
    frames = [
        FrameResult('mono/0', {'abs_rel': 0.5, 'epe': math.nan}),
        FrameResult('pair/0', {'abs_rel': 0.1, 'epe': 2.0}),
    ]
    data = DataSet(Path('made'), Layout('made', '', lambda root: ()), ())
    report = Report(data, Protocol(), [ModelResult('some', {}, frames=frames)])
    assert [name for name, _ in group_rows(report)] == [
        'EPE [px] ↓',
        '  pair (1)',
        'AbsRel ↓',
        '  mono (1)',
        '  pair (1)',
    ]


@pytest.mark.parametrize(
    ('name', 'group'),
    [
        ('clutter_900005/000000', 'clutter'),
        ('nyu/00045', 'nyu'),
        ('set2/room_7/3', 'set2'),
        ('seq-01/frame-000200', 'seq'),
        ('2011_09_26/03', '2011_09'),
        ('_7/1', '_7'),
        ('17/1', '17'),
        ('000200', ''),
    ],
)
def test_group_is_the_first_folder_without_its_number(name, group):
    data = DataSet(Path('made'), Layout('made', '', lambda root: ()), ())
    assert data.group_of(name) == group


def test_sets_given_by_name_are_groups_as_they_are_called():
    names = {
        'kitti_2012/0': 'kitti_2012',
        'kitti_2015/0': 'kitti_2015',
        'a/b/3': 'a/b',
        'a/3': 'a',
    }
    layout = Layout('made', '', lambda root: ())
    data = DataSet(Path('made'), layout, (), parts=('kitti_2012', 'kitti_2015', 'a', 'a/b'))
    assert {name: data.group_of(name) for name in names} == names


def test_json_is_strict_and_holds_every_frame(tmp_path):
    report = evaluate(
        plane_set(tmp_path, 3, bad=(2,)),
        [contestant('plane', **TILT), contestant('sgbm')],
        Protocol(),
    )
    text = json.dumps(report_to_json(report), allow_nan=False)
    plane, sgbm = json.loads(text)['models']
    assert plane['metrics']['abs_rel'] < 1e-6
    assert plane['measured'] == 2
    assert plane['failed'] == 1
    assert plane['frames'][2] == {'name': '002', 'error': 'frame 2 is damaged'}
    assert plane['options'] == TILT
    assert sgbm['metrics']['abs_rel'] is None
    assert json.loads(text)['protocol']['max_depth'] is None


class Links(html.parser.HTMLParser):
    """Collects what a page refers to and whether its elements close."""

    def __init__(self):
        super().__init__()
        self.sources, self.open, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.sources += [v for k, v in attrs if k in ('src', 'href')]
        if tag not in ('meta', 'img', 'br'):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def page_of(data, contestants, images=2):
    book = Book(len(data.sources), images)
    page = book.html(evaluate(data, contestants, Protocol(), watch=book.watch))
    found = Links()
    found.feed(page)
    assert found.open == []
    return found


def decode(source):
    head, data = source.split(',', 1)
    import base64

    return head, cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)


def test_page_shows_image_truth_prediction_and_error_and_needs_nothing_else(tmp_path):
    found = page_of(
        plane_set(tmp_path, 5, bad=(3,)),
        [contestant('plane', 'a<b', **TILT), contestant('plane', 'other')],
    )
    assert len(found.sources) == 2 * (2 + 2 * 2)  # two frames: image, truth, and two per model
    assert all(source.startswith('data:image/') for source in found.sources)
    for source in found.sources:
        assert decode(source)[1].shape == (40, 60, 3)
    text = ' '.join(found.text)
    assert 'a<b' in text  # escaped in the page
    assert 'frame 3 is damaged' in text


def test_error_image_has_the_colour_of_the_error(tmp_path):
    from depth_ros.lab.eval.drawing import NO_PREDICTION, NO_TRUTH, STEP_COLORS, draw_error
    from depth_ros.lab.eval.measure import Measurement

    truth = np.array([[10, 10, 10, 10, np.nan]] * 2, np.float32)
    values = np.array([[10.05, 10.3, 15, np.nan, 10]] * 2, np.float32)
    frame = Frame('a', np.zeros((2, 5, 3), np.uint8), Camera.pinhole(5, 2, 5.0), truth)
    image = draw_error(frame, Measurement('none', {}, 1.0, 8, depth=values))
    expected = [STEP_COLORS[0], STEP_COLORS[2], STEP_COLORS[5], NO_PREDICTION, NO_TRUTH]
    np.testing.assert_array_equal(image[0], expected)


@pytest.mark.parametrize(
    'write', [folders.opencv, folders.kitti_object, folders.middlebury], ids=lambda f: f.__name__
)
def test_page_of_disparity_of_sparse_truth_and_of_both(write, tmp_path):
    write(tmp_path)
    data = open_dataset(tmp_path)
    model = contestant('inverse_plane', normal_x=0.3)
    found = page_of(data, [model], images=1)
    assert len(found.sources) == 4


def test_a_page_without_images_still_has_the_table(tmp_path):
    found = page_of(plane_set(tmp_path), [contestant('plane', **TILT)], images=0)
    assert found.sources == []
    assert any('AbsRel' in t for t in found.text)
