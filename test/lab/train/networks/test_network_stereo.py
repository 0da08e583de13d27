# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Stereo networks learn from pairs, and what training leaves is a model of the catalogue."""

import json
from dataclasses import replace

import cv2
import drives
import numpy as np
import pytest
import torch

from depth_ros.lab.eval.frames import Frame
from depth_ros.lab.train.networks import pairs, stereo
from depth_ros.lab.train.networks.choice import make_task, pair_family_of
from depth_ros.lab.train.networks.reader import Reader
from depth_ros.lab.train.networks.trainer import NetworkTrainer
from depth_ros.models.registry import create_model
from depth_ros.models.stereo.pair import PairNetwork
from depth_ros.types import Camera, DepthError, View

CPU = torch.device('cpu')
RAFT = {'hidden_dims': [32, 32, 32], 'encoder_widths': [16, 24, 32], 'feature_dim': 32}
RAFT |= {'motion_dim': 32, 'head_dim': 32}
IGEV = {'hidden_dims': [32, 32, 32], 'encoder_widths': [16, 24, 32], 'motion_dim': 32}
IGEV |= {'head_dim': 32, 'backbone_width': 0.25}
RANGES = {'s_disp_range': 16, 'm_disp_range': 16, 'l_disp_range': 32}
SMALL = {
    'anynet': {'maxdisplist': [3, 3, 3]},
    'raft-stereo-realtime': RAFT,
    'raft-stereo-rvc': RAFT,
    'psmnet-sceneflow': {'maxdisp': 16, 'width': 8, 'blocks': [1, 1, 1, 1]},
    'aanet-sceneflow': {'max_disp': 24, 'width': 4, 'num_fusions': 2, 'num_deform_blocks': 1},
    'aanet-plus-sceneflow': {'max_disp': 24, 'width': 4, 'num_fusions': 2, 'num_deform_blocks': 1},
    'leastereo-sceneflow': {'maxdisp': 24, 'fea_filter_multiplier': 2, 'mat_filter_multiplier': 2},
    'lightstereo-s-sceneflow': {'maxdisp': 16, 'backbone_width': 0.25},
    'lightstereo-m-kitti': {
        'maxdisp': 16,
        'backbone_width': 0.25,
        'aggregation_blocks': [1, 1, 1],
    },
    'igev-stereo-sceneflow': IGEV | {'max_disp': 32},
    'igev-plusplus-sceneflow': IGEV | RANGES | {'max_disp': 128, 'geometry_dim': 24},
    'rt-igev-plusplus-sceneflow': {'max_disp': 32, 'hidden_dim': 32, 'backbone_width': 0.25},
}
STEPS = 2  # of recurrent networks
SIDES = {'psmnet-sceneflow': 256}


def configuration(name, folder, **more):
    recurrent = name.startswith(('raft', 'igev', 'rt-'))
    values = {
        'shape': SMALL[name],
        'width': SIDES.get(name, 96),
        'height': SIDES.get(name, 96),
        'iterations': STEPS if recurrent else 0,
        'batch': 1,
        'colour': 0.0,
    }
    return drives.configuration(name, folder, **(values | more))


@pytest.fixture(scope='session')
def steps(tmp_path_factory):
    """Return a folder with pairs that any matcher can solve: textures at two distances."""
    folder = tmp_path_factory.mktemp('steps')
    drives.write_pairs(folder, count=4)
    return str(folder)


def test_pairs_are_those_of_the_files(steps):
    reader = Reader([steps])
    assert len(reader) == 4
    pair = pairs.pair_of(reader[1])
    known = np.isfinite(pair.disparity)
    assert known.any()
    # What the left image shows at x, the right one shows at x - d.
    y, x = np.nonzero(known)
    other = x - np.rint(pair.disparity[y, x]).astype(int)
    seen = other >= 0
    apart = np.abs(pair.left[y, x].astype(int) - pair.right[y, other].astype(int))[seen]
    assert np.median(apart) == 0


def some_pair(height=40, width=60):
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (height, width, 3), np.uint8)
    return pairs.Pair(image, np.roll(image, -3, 1), np.full((height, width), 3, np.float32))


def test_a_part_keeps_the_disparity():
    made = pairs.cut(some_pair(), 32, 24, np.random.default_rng(1))
    assert made.left.shape == made.right.shape == (24, 32, 3)
    np.testing.assert_array_equal(made.left[:, 3:], made.right[:, :-3])
    assert (made.disparity == 3).all()


def test_a_small_pair_is_enlarged_with_its_disparity():
    made = pairs.cut(some_pair(), 120, 64, None)
    assert made.left.shape == (64, 120, 3)
    np.testing.assert_allclose(made.disparity, 6, rtol=1e-6)


def test_a_pair_upside_down_and_in_other_colours_is_still_one():
    config = replace(drives.configuration('anynet', 'x'), flip=True, colour=0.5)
    for seed in range(4):
        made = pairs.varied(some_pair(), config, np.random.default_rng(seed))
        np.testing.assert_array_equal(made.left[:, 3:], made.right[:, :-3])


def test_disparity_of_depth_counts_columns_of_the_files():
    left = Camera.pinhole(8, 4, 10.0, cx=3.0)
    right = Camera.pinhole(8, 4, 10.0, cx=5.0, baseline=0.5)
    image = np.zeros((4, 8, 3), np.uint8)
    depth = np.full((4, 8), 1.0, np.float32)
    depth[0] = np.nan
    frame = Frame('f', image, left, depth, image, right)
    disparity = pairs.pair_of(frame).disparity
    assert np.isnan(disparity[0]).all()
    np.testing.assert_allclose(disparity[1:], 10 * 0.5 - 2.0)


@pytest.mark.parametrize('layout', ['middlebury', 'kitti'])
def test_published_layouts_are_read(tmp_path, layout):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (96, 128, 3), np.uint8)
    moved = np.roll(image, -4, 1)
    if layout == 'middlebury':
        scene = tmp_path / 'Chair'
        scene.mkdir()
        for name, eye in (('im0', image), ('im1', moved)):
            cv2.imwrite(str(scene / f'{name}.png'), eye[..., ::-1])
        values = np.full((96, 128), 4, '<f4')
        (scene / 'disp0.pfm').write_bytes(b'Pf\n128 96\n-1\n' + values.tobytes())
        K = '[100 0 64; 0 100 48; 0 0 1]'
        calibration = f'cam0={K}\ncam1={K}\nbaseline=100\nwidth=128\nheight=96\nvmin=1\nvmax=9\n'
        (scene / 'calib.txt').write_text(calibration)
    else:
        for name in ('image_2', 'image_3', 'disp_occ_0'):
            (tmp_path / name).mkdir()
        for name, eye in (('image_2', image), ('image_3', moved)):
            cv2.imwrite(str(tmp_path / name / '000000_10.png'), eye[..., ::-1])
        truth = np.full((96, 128), 4 * 256, np.uint16)
        cv2.imwrite(str(tmp_path / 'disp_occ_0' / '000000_10.png'), truth)
    config = configuration('anynet', tmp_path)
    task = make_task(config, [str(tmp_path)], [str(tmp_path)])
    assert task.images == 1
    batch = task.pairs.batch(0)
    assert batch.left.shape == (1, 96, 96, 3)
    assert (batch.disparity == 4).all()


def test_a_batch_depends_on_its_number_alone(steps):
    config = replace(configuration('anynet', steps), colour=0.3)
    first, second = (pairs.Pairs(Reader([steps]), config) for _ in range(2))
    first.batch(0)
    for one, other in zip(vars(first.batch(5)).values(), vars(second.batch(5)).values()):
        torch.testing.assert_close(one, other, equal_nan=True)
    assert not torch.equal(first.batch(5).left, first.batch(6).left)


def test_frames_are_read_when_needed_and_few_are_kept(steps):
    reader = Reader([steps], kept=1)
    for _ in range(2):
        for index in range(len(reader)):
            reader[index]
    assert len(reader._kept) == 1
    whole = Reader([steps])
    assert whole[2] is whole[2]


@pytest.mark.parametrize('name', SMALL)
def test_a_step_moves_every_network_and_what_is_left_is_a_model(name, steps, tmp_path):
    config = configuration(name, steps, steps=1)
    task = make_task(config, [steps], [steps])
    before = {k: v.clone() for k, v in task.network.named_parameters()}
    trainer = NetworkTrainer(config, task, tmp_path / 'run')
    assert np.isfinite(trainer.one_step())
    moved = [not torch.equal(v, before[k]) for k, v in task.network.named_parameters()]
    # LEAStereo has published parameters that its searched paths do not use.
    assert np.mean(moved) > 0.85
    task.leave(tmp_path / 'run')

    frame = task.pairs.reader[0]
    views = [View(frame.image, frame.camera), View(frame.right, frame.right_camera)]
    options = {'device': 'cpu', 'precision': 'float32'}
    if config.iterations:
        options['iterations'] = STEPS
    by_option = create_model(name, {'weights': str(tmp_path / 'run'), **options})
    by_name = create_model(str(tmp_path / 'run'), options)
    found = by_option.predict(views).values
    np.testing.assert_array_equal(found, by_name.predict(views).values)
    task.modules.eval()
    if by_name._plan(views).input == frame.image.shape[:2]:
        more = (STEPS,) if config.iterations else ()
        batch = pairs.collated([pairs.pair_of(frame)])
        with torch.inference_mode():
            expected = task.network(*task._inputs(batch), *more).disparity[0, 0]
        np.testing.assert_allclose(found, expected.numpy(), atol=2e-3)


def test_anynet_learns_to_match(steps, tmp_path):
    config = configuration('anynet', steps, steps=30, batch=2, rate=5e-3, validate_every=30)
    trainer = NetworkTrainer(config, make_task(config, [steps], [steps]), tmp_path / 'run')
    scores = trainer.run()
    assert scores[-1][1] < scores[0][1] / 2
    # The same command goes on from the last state, and has nothing left to do.
    again = NetworkTrainer(config, make_task(config, [steps], [steps]), tmp_path / 'run')
    assert again.step == 30
    assert again.run() == scores
    assert 'end-point error' in (tmp_path / 'run' / 'README.md').read_text()


def test_a_run_begins_with_another_one(steps, tmp_path):
    config = configuration('anynet', steps, steps=2)
    NetworkTrainer(config, make_task(config, [steps], [steps]), tmp_path / 'first').run()
    start = {'start': str(tmp_path / 'first'), 'shape': {}}
    again = make_task(configuration('anynet', steps, **start), [steps], [steps])
    first = make_task(config, [steps], [steps])
    NetworkTrainer(config, first, tmp_path / 'first')
    assert again.network.config == first.network.config
    for key, value in again.network.state_dict().items():
        torch.testing.assert_close(value, first.network.state_dict()[key])
    again.leave(tmp_path)
    assert stereo.read_shape(tmp_path, 'anynet') == SMALL['anynet']
    with pytest.raises(DepthError, match='shape is that of the weights'):
        make_task(configuration('anynet', steps, start=str(tmp_path)), [steps], [steps])


def test_the_factor_of_old_weights_is_kept(steps):
    config = configuration('psmnet-sceneflow', steps)
    old = replace(config, network='psmnet-sceneflow-2018')
    task = make_task(old, [steps], [steps])
    assert task.factor == pytest.approx(1.17)
    truth = task.pairs.batch(0)

    class Exact(torch.nn.Module):
        def forward(self, left, right):
            disparity = truth.disparity[:, None].nan_to_num() / 1.17
            return PairLike(disparity, (disparity,))

    task.network = Exact()
    assert task.loss_of(truth) < 1e-5


class PairLike:
    def __init__(self, disparity, stages):
        self.disparity, self.stages = disparity, stages


@pytest.mark.parametrize(
    ('more', 'words'),
    [
        ({'width': 100}, 'multiples of 16'),
        ({'learn': 'video'}, 'learns from disparity'),
        ({'shape': {'depths': 3}}, 'shape.depths is not known'),
        ({'shape': {'growth_rate': [1]}}, 'shape of anynet: .* expected one value per stage'),
        ({'network': 'anynett'}, 'expected builtin'),
    ],
)
def test_what_cannot_be_trained_is_refused(steps, more, words):
    config = replace(configuration('anynet', steps), **more)
    with pytest.raises(DepthError, match=words):
        make_task(config, [steps], [steps])


def test_frames_without_a_right_eye_are_refused(tmp_path):
    folder = drives.write_drives(tmp_path, sequences=1, frames=2, stereo=False)
    task = make_task(configuration('anynet', folder), [str(folder)], [str(folder)])
    with pytest.raises(DepthError, match='no right image'):
        task.pairs.batch(0)


def test_later_stages_and_steps_count_more():
    truth, mask = torch.zeros(1, 4, 6), torch.ones(1, 4, 6, dtype=torch.bool)
    right, wrong = torch.zeros(1, 1, 4, 6), torch.full((1, 1, 4, 6), 3.0)
    coarse = torch.full((1, 1, 2, 3), 1.0)  # 2 px at full size
    assert stereo.at_full_size(coarse, (4, 6)).eq(2).all()
    early = stereo.stages_loss([wrong, right], (0.3, 1.0), truth, mask)
    late = stereo.stages_loss([right, wrong], (0.3, 1.0), truth, mask)
    assert early == pytest.approx(0.3 * 2.5)
    assert late == pytest.approx(2.5)
    first, last = (
        stereo.steps_loss(steps, 0, truth, mask) for steps in ([wrong, right], [right, wrong])
    )
    assert 0 < first < last
    assert stereo.steps_loss([wrong, right, right], 1, truth, mask) == pytest.approx(2.5)
    mask[:] = False
    assert stereo.steps_loss([wrong, wrong], 0, truth, mask) == 0


def test_every_stereo_network_of_the_catalogue_has_a_loss():
    for name in SMALL:
        family = pair_family_of(name)
        network = family.build(name, family.config(), SMALL[name])
        assert isinstance(network, PairNetwork)
        recurrent = hasattr(network.module, 'predictions')
        assert recurrent != (family.names[name].family in stereo.STAGES)


def test_metadata_says_what_the_weights_are_for(steps, tmp_path):
    task = make_task(configuration('anynet', steps), [steps], [steps])
    task.leave(tmp_path)
    from safetensors import safe_open

    with safe_open(tmp_path / 'model.safetensors', 'pt') as file:
        facts = {key: json.loads(value) for key, value in file.metadata().items()}
    assert facts == {'model': 'anynet', 'shape': SMALL['anynet']}
