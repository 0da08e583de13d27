# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The motion between images is found in the images, and its length in the depth."""

from dataclasses import replace

import drives
import numpy as np
import pytest
import torch

from depth_ros.lab.train.networks import batches, self_supervised
from depth_ros.lab.train.networks.choice import make_task
from depth_ros.lab.train.networks.clips import Clip, read_clips
from depth_ros.lab.train.networks.followed import followed
from depth_ros.lab.train.networks.trainer import NetworkTrainer
from depth_ros.models.mono.builtin import CARD
from depth_ros.types import DepthError

CONFIG = drives.configuration('builtin', 'nowhere', learn='video', width=96, height=72)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return drives.write_rough_drive(tmp_path_factory.mktemp('drive'))


@pytest.fixture(scope='module')
def drive(folder):
    return read_clips([folder], 96, 72)[0]


def motions(clip, index):
    return [
        np.linalg.inv(clip.poses[place]) @ clip.poses[index] for place in (index - 1, index + 1)
    ]


def degrees_between(a, b):
    return np.degrees(np.arccos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1)))


def found_in(clip):
    images, cameras = zip(*(clip.original(index) for index in range(6)))
    assert images[0].shape[:2] > clip.images[0].shape[:2]  # as recorded
    found = {
        i: followed(images[i], (images[i - 1], images[i + 1]), cameras[i]) for i in range(1, 5)
    }
    assert None not in found.values()
    return found


def test_turn_direction_and_lengths_are_those_of_the_drive(drive):
    turns, directions, ratios, scales = [], [], [], []
    for index, found in found_in(drive).items():
        lengths = []
        for motion, true in zip(found.motions, motions(drive, index)):
            turn = motion[:3, :3] @ true[:3, :3].T
            turns.append(np.degrees(np.arccos(min((np.trace(turn) - 1) / 2, 1))))
            directions.append(degrees_between(motion[:3, 3], true[:3, 3]))
            lengths.append(np.linalg.norm(true[:3, 3]) / np.linalg.norm(motion[:3, 3]))
        ratios.append(lengths[1] / lengths[0])
        shares = drive.depth[index] / found.image(drive.camera)
        scales.append(np.nanmedian(shares) / lengths[0])
    assert np.median(turns) < 0.3
    assert np.median(directions) < 5
    assert np.median(ratios) == pytest.approx(1, abs=0.1)
    assert np.median(scales) == pytest.approx(1, abs=0.1)


def test_what_shows_no_motion_is_not_learned_from(drive):
    before, image = drive.images[1:3]
    blank = np.full_like(image, 90)
    assert followed(blank, (blank, blank), drive.camera) is None
    assert followed(image, (image, image), drive.camera) is None  # it stands
    assert followed(image, (before, blank), drive.camera) is None
    stands = Clip('stands', drive.camera, 0.75, np.stack([image] * 4))
    with pytest.raises(DepthError, match='none of 2 images shows how the camera moved'):
        batches.Batches([stands], CONFIG).batch(0)
    images = np.concatenate([stands.images, drive.images])
    both = batches.Batches([Clip('both', drive.camera, 0.75, images)], CONFIG)
    for number in range(3):  # only where it moves
        batch = both.batch(number)
        assert all(motion is not None for motion in batch.motions)
        assert batch.corners.isfinite().flatten(1).any(1).all()


def test_by_odometry_too_only_what_moves_is_learned_from(drive):
    poses = drive.poses[[0, 0, 0, 0, 1, 2, 3]]
    images = drive.images[[0, 0, 0, 0, 1, 2, 3]]
    known = replace(CONFIG, odometry=True)
    clip = Clip('stands first', drive.camera, 0.75, images, poses=poses)
    assert batches.Batches([clip], known).places == [(0, 3), (0, 4), (0, 5)]
    stands = replace(clip, images=images[:3], poses=poses[:3])
    with pytest.raises(DepthError, match='the camera stands in all images'):
        batches.Batches([stands], known)
    with pytest.raises(DepthError, match='odometry needs'):
        batches.Batches([replace(clip, poses=None)], known)


@pytest.mark.parametrize('flip', [False, True], ids=['plain', 'mirrored'])
def test_the_loss_does_not_depend_on_the_unit_of_the_depth(drive, flip):
    index, found = next(iter(found_in(drive).items()))
    taken = batches.take(drive, index, CONFIG, found)
    depth = drive.depth[index]
    if flip:
        taken, depth = batches.mirrored(taken, swapped=False), depth[:, ::-1]
    batch = batches.collated([taken], 'video')
    true = torch.from_numpy(np.nan_to_num(depth, nan=50.0, posinf=50.0).clip(0.5, 50))[None]

    def loss(depth):
        sized = self_supervised.sized_motions(depth, batch)
        return self_supervised.explained(depth, batch, sized)

    unit = torch.ones((), requires_grad=True)
    losses = [loss(scale * unit * true) for scale in (0.5, 1.0, 2.0)]
    assert [float(value.detach()) for value in losses] == pytest.approx(
        [float(losses[1])] * 3, rel=1e-3
    )
    losses[1].backward()
    assert abs(float(unit.grad)) < 1e-4
    # What does depend on it is the shape: a wall is no ground.
    assert float(losses[1].detach()) < 0.8 * float(loss(torch.full_like(true, 3.0)))


def test_the_network_that_ships_learns_from_video_alone(folder, tmp_path):
    more = {'learn': 'video', 'steps': 2, 'rate': 1e-5, 'still': True}
    config = drives.configuration('builtin', folder, **more)
    task = make_task(config, [str(folder)], [str(folder)])
    scores = NetworkTrainer(config, task, tmp_path).run()
    assert scores[-1][1] == pytest.approx(scores[0][1], rel=0.2)  # nothing spoils it at once
    assert scores[-1][1] != scores[0][1]
    assert '| began with | builtin |' in (tmp_path / CARD).read_text()
