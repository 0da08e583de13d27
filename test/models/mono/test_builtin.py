# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The network that ships with the package: what it may weigh, what it is worth, what it admits."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('torch')
pytest.importorskip('safetensors')

from depth_ros.cli.main import main
from depth_ros.geometry.planes import plane_depth
from depth_ros.lab.eval.layouts import open_datasets
from depth_ros.lab.eval.protocol import make_protocol
from depth_ros.lab.eval.runner import Contestant, evaluate
from depth_ros.lab.synthetic import make_scene, render
from depth_ros.models.mono import builtin
from depth_ros.models.mono.builtin_weights import read_network
from depth_ros.models.protocol import ModelError
from depth_ros.models.registry import catalogue, create_model
from depth_ros.types import Camera, DepthError, DepthKind, Ground, Known, View

REPOSITORY = Path(__file__).resolve().parents[3]
REAL = (
    'rgbd_nyu', 'posed_7scenes', 'posed_rgbd_slambook', 'rgbd_kitti', 'lidar_kitti',
    'stereo_motorcycle', 'stereo_eth3d_terrace',
)  # fmt: skip
CAMERA = Camera.pinhole(320, 240, 230.0)
SEEDS = range(7_700_000, 7_700_008)  # of no training or validation set


@pytest.fixture(scope='module')
def model():
    return create_model('builtin', {'runtime': 'opencv'})


@pytest.fixture(scope='module')
def views():
    kinds = ('room', 'corridor', 'street', 'warehouse')
    scenes = [make_scene(kinds[seed % len(kinds)], seed) for seed in SEEDS]
    return [render(scene, CAMERA, scene.start) for scene in scenes]


def test_it_is_small():
    counted = sum(p.numel() for p in read_network(builtin.SHIPPED).parameters())
    assert counted <= 6_000_000
    assert catalogue()['builtin'].parameters == round(counted, -5)
    assert sum(path.stat().st_size for path in builtin.SHIPPED.iterdir()) <= 25e6


def test_it_gives_metres_and_how_far_to_trust_them(model, views):
    prediction = model.predict([View(views[0].image, CAMERA)])
    assert prediction.kind is DepthKind.METRIC
    assert prediction.values.shape == prediction.confidence.shape == (240, 320)
    assert prediction.values.min() > 0
    assert 0 <= prediction.confidence.min() < prediction.confidence.max() <= 1


def test_the_sky_is_infinite_and_walls_are_not(model, views):
    alike = []
    for view in views:
        depth = model.predict([View(view.image, CAMERA)]).values
        assert not np.isnan(depth).any()
        alike.append((np.isposinf(depth) == np.isposinf(view.depth)).mean())
    assert np.mean(alike) > 0.97


def relative_error(depth, truth):
    known = np.isfinite(truth) & np.isfinite(depth)
    scale = np.median(truth[known]) / np.median(depth[known])
    return np.mean(np.abs(depth[known] * scale - truth[known]) / truth[known])


def test_it_sees_more_than_a_plane_does(model, views):
    """On unseen scenes, scales corrected, against the tilted plane of docs/eval.md."""
    ramp = create_model('plane', {'normal_y': 0.112, 'normal_z': 0.136})
    errors = {name: [] for name in ('ours', 'ramp')}
    for view in views:
        for name, what in (('ours', model), ('ramp', ramp)):
            depth = what.predict([View(view.image, CAMERA)]).values
            errors[name].append(relative_error(depth, view.depth))
    assert np.mean(errors['ours']) < 0.75 * np.mean(errors['ramp'])


def test_where_it_is_sure_it_is_right_more_often(model, views):
    within, sure = [], []
    for view in views:
        prediction = model.predict([View(view.image, CAMERA)])
        known = np.isfinite(view.depth)
        ratio = prediction.values[known] / view.depth[known]
        within.append((ratio < 1.25) & (ratio > 0.8))
        sure.append(prediction.confidence[known])
    within, sure = np.concatenate(within), np.concatenate(sure)
    low, high = np.quantile(sure, [0.3, 0.7])
    assert within[sure > high].mean() > within[sure < low].mean() + 0.1


def test_the_same_image_through_a_longer_lens_is_farther_away(model, views):
    """Twice the focal length makes the same image of twice the distance, more or less."""
    short = model.predict([View(views[0].image, CAMERA)]).values
    long = model.predict([View(views[0].image, Camera.pinhole(320, 240, 460.0))]).values
    seen = np.isfinite(long) & np.isfinite(short)
    assert 1.2 < np.median(long[seen] / short[seen]) < 3.5


def within_a_quarter(depth, truth):
    known = np.isfinite(truth)
    ratio = depth[known] / truth[known]  # infinite where the sky is claimed
    return ((ratio < 1.25) & (ratio > 0.8)).mean()


def test_who_knows_the_ground_is_right_more_often(model, views):
    """Without any scaling, on unseen scenes."""
    shares = {'known': [], 'unknown': []}
    for view in views:
        for name, ground in (('known', Ground.below_pose(view.pose)), ('unknown', None)):
            depth = model.predict([View(view.image, CAMERA, Known(ground=ground))]).values
            shares[name].append(within_a_quarter(depth, view.depth))
    assert np.mean(shares['known']) > np.mean(shares['unknown']) + 0.05


def test_a_mount_is_a_ground(model, views):
    mount = {'camera_height': 0.8, 'camera_pitch': 0.3, 'camera_roll': -0.1}
    mounted = create_model('builtin', {'runtime': 'opencv', **mount})
    view = View(views[0].image, CAMERA)
    given = View(views[0].image, CAMERA, Known(ground=Ground.below_mount(*mount.values())))
    np.testing.assert_array_equal(mounted.predict([view]).values, model.predict([given]).values)
    assert 'camera_height' in model.info.caution
    assert 'camera_height' not in mounted.info.caution
    # What is known of one image goes before what was said of all.
    other = View(views[0].image, CAMERA, Known(ground=Ground.below_mount(0.4)))
    np.testing.assert_array_equal(mounted.predict([other]).values, model.predict([other]).values)


@pytest.mark.parametrize('name', ['camera_pitch', 'camera_roll'])
def test_a_mount_without_its_height_is_refused(name):
    with pytest.raises(ModelError, match=f'{name} is 0.2, but camera_height is 0'):
        create_model('builtin', {name: 0.2})


def scores_of(heading, card):
    """Return AbsRel and the share within 25 % that the card gives below a heading."""
    text = card[card.index(heading) :]
    return [float(v) for v in re.findall(r'\| builtin \| ([0-9.]+) \| ([0-9.]+) \|', text)[0]]


def test_real_images_score_what_the_card_says(real_data):
    data = open_datasets([real_data(name) for name in REAL])
    contestant = Contestant('builtin', lambda: create_model('builtin', {'device': 'cpu'}))
    report = evaluate(data, [contestant], make_protocol('full', alignment='median'))
    card = (builtin.SHIPPED / builtin.CARD).read_text()
    absolute, within = scores_of('**Real images**', card)
    result = report.models[0]
    assert len(result.measured) == 15
    # Processors without bfloat16 round otherwise.
    assert result.mean('abs_rel') == pytest.approx(absolute, abs=0.01)
    assert result.mean('delta1') == pytest.approx(within, abs=0.02)


def test_it_is_honest(model, capsys, tmp_path):
    caution = model.info.caution
    assert 'rendered images only' in caution
    assert 'depth_ros fetch ' + 'depth-anything-v2-metric-indoor-small' in caution
    card = (builtin.SHIPPED / builtin.CARD).read_text()
    (percent,) = re.findall(r'wrong by (\d+) %', caution)
    real = scores_of('**Real images**', card)[0]
    assert round(100 * real) == int(percent)
    assert 'depth_ros eval' in card
    from PIL import Image

    Image.new('RGB', (64, 48), (90, 120, 60)).save(tmp_path / 'a.png')
    out = ['--out', str(tmp_path / 'out')]
    assert main(['infer', str(tmp_path / 'a.png'), '--focal', '60', *out]) == 0
    assert caution in capsys.readouterr().err


@pytest.mark.parametrize('missing', ['torch', 'safetensors'])
def test_without_its_libraries_it_says_what_to_install(missing, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ModelError, match=f'runtime torch needs {missing}.*pip install torch'):
        create_model('builtin', {'runtime': 'torch'})


def test_it_needs_no_torch():
    """With NumPy and OpenCV alone, as `pip install '.[core]'` has it."""
    code = (
        'import sys\n'
        "for name in ('torch', 'safetensors', 'onnxruntime', 'openvino', 'transformers'):\n"
        '    sys.modules[name] = None\n'
        'import numpy as np\n'
        'from depth_ros.models.registry import create_model\n'
        'from depth_ros.types import Camera, View\n'
        "model = create_model('builtin')\n"
        'view = View(np.zeros((96, 128, 3), np.uint8), Camera.pinhole(128, 96, 100.0))\n'
        'print(model.info.runtime, model.predict([view]).values.shape)'
    )
    result = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert result.stdout == 'opencv (96, 128)\n', result.stderr


@pytest.mark.parametrize('runtime', ['onnxruntime', 'openvino', 'torch'])
def test_every_runtime_gives_the_same_numbers(runtime, model, views):
    pytest.importorskip(runtime)
    other = create_model('builtin', {'runtime': runtime, 'precision': 'float32', 'device': 'cpu'})
    assert (model.info.runtime, other.info.runtime) == ('opencv', runtime)
    for view in views[:2]:
        given = [View(view.image, CAMERA, Known(ground=Ground.below_pose(view.pose)))]
        ours, theirs = model.predict(given), other.predict(given)
        np.testing.assert_allclose(theirs.values, ours.values, rtol=1e-3)
        np.testing.assert_allclose(theirs.confidence, ours.confidence, atol=1e-3)


def test_a_runtime_that_computes_something_else_is_refused(monkeypatch, tmp_path):
    shutil.copytree(builtin.SHIPPED, tmp_path / 'copy')
    path = tmp_path / 'copy' / 'check.npy'
    right = np.load(path)
    for wrong in (right * 1.01, right[:, :-1], right * np.nan):
        np.save(path, wrong)
        with pytest.raises(ModelError, match=r'opencv computes copy wrongly.*set runtime to ano'):
            create_model(str(tmp_path / 'copy'), {'runtime': 'opencv'})
    path.write_bytes(b'no array')
    with pytest.raises(DepthError, match=r'check\.npy.*again'):
        create_model(str(tmp_path / 'copy'), {'runtime': 'opencv'})
    path.write_bytes(b'0' * (2 << 20))
    with pytest.raises(DepthError, match=r'check\.npy.*again'):
        create_model(str(tmp_path / 'copy'), {'runtime': 'opencv'})


def test_weights_without_an_exported_form_say_what_is_missing(tmp_path):
    shutil.copytree(builtin.SHIPPED, tmp_path / 'copy')
    (tmp_path / 'copy' / 'model.onnx').unlink()
    with pytest.raises(ModelError, match=r'model\.onnx is missing.*set runtime to torch'):
        create_model(str(tmp_path / 'copy'), {'runtime': 'opencv'})
    assert create_model(str(tmp_path / 'copy')).info.runtime == 'torch'


@pytest.mark.parametrize('runtime', ['opencv', 'onnxruntime'])
def test_a_number_format_that_a_runtime_lacks_is_refused(runtime):
    with pytest.raises(ModelError, match=f'{runtime} computes in float32.*bfloat16'):
        create_model('builtin', {'runtime': runtime, 'precision': 'bfloat16'})


def test_the_bare_floor_is_where_the_mount_says(model):
    ground = Ground.below_mount(0.6, 0.3)
    depth = np.full((240, 320), 5.0, np.float32)
    floor = builtin.with_bare_ground(depth, np.full_like(depth, 50.0), CAMERA, ground)
    truth = plane_depth(CAMERA, tuple(ground.down.tolist()), ground.height)
    below = np.isfinite(truth)
    np.testing.assert_allclose(floor[below], truth[below], rtol=1e-4)
    np.testing.assert_array_equal(floor[~below], depth[~below])
    untouched = builtin.with_bare_ground(depth, np.full_like(depth, -50.0), CAMERA, ground)
    np.testing.assert_allclose(untouched, depth, rtol=1e-6)


def test_weights_that_are_missing_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(builtin, 'SHIPPED', tmp_path)
    with pytest.raises(ModelError, match=r'model\.safetensors'):
        create_model('builtin')


@pytest.mark.parametrize(
    'facts',
    [
        {},
        {'layout': '{"deep": 8}', 'size': '[192, 128]'},
        {'layout': '{}', 'size': '192'},
        {'layout': '{}', 'size': '[100000, 100000]'},
        {'layout': '{}', 'size': '[0, 128]'},
        {'layout': '{}', 'size': '[Infinity, NaN]'},
        {'layout': '{"deep": 1024}', 'size': '[192, 128]'},
    ],
    ids=str,
)
def test_files_that_hold_another_network_are_refused(facts, tmp_path):
    from safetensors.torch import load_file, save_file

    save_file(load_file(builtin.SHIPPED / builtin.WEIGHTS), tmp_path / builtin.WEIGHTS, facts)
    with pytest.raises(ModelError, match='does not hold a network of depth_ros'):
        read_network(tmp_path)
