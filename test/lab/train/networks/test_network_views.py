# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth Anything 3 learns from views with depth and poses, and from single images with depth."""

from dataclasses import replace

import cv2
import drives
import numpy as np
import pytest
import torch

from depth_ros.lab.synthetic.render.view import Renderer
from depth_ros.lab.synthetic.scene.worlds import plane_scene
from depth_ros.lab.train.augment import Sample
from depth_ros.lab.train.networks import views_loss
from depth_ros.lab.train.networks.choice import make_task
from depth_ros.lab.train.networks.scenes import OneView, collated
from depth_ros.lab.train.networks.trainer import NetworkTrainer
from depth_ros.models.multi_view.depth_anything_3_network import scene_of
from depth_ros.models.networks.depth_anything_3.camera import cameras_of, inverse_pose
from depth_ros.models.networks.depth_anything_3.network import Scene
from depth_ros.models.networks.depth_anything_3.preprocess import preprocess_views
from depth_ros.models.networks.depth_anything_3.ray_pose import cameras_of_rays
from depth_ros.models.protocol import ModelError
from depth_ros.models.registry import create_model
from depth_ros.types import Camera, DepthError, DepthKind, View

CPU = torch.device('cpu')
ALONE = {'width': 32, 'depth': 4, 'heads': 2, 'outputs': [0, 1, 2, 3]}
ACROSS = ALONE | {'across_from': 1, 'normalised_from': 1, 'rotated_from': 1}
HEAD = {'width': 8, 'stages': [8, 8, 8, 8]}
SHAPES = {
    'da3-small': {'backbone': ACROSS, 'head': HEAD},
    'da3-metric-large': {'backbone': ALONE, 'head': HEAD},
    'da3-mono-large': {'backbone': ALONE, 'head': HEAD},
}


def configuration(name, folder, **more):
    values = {'shape': SHAPES[name], 'width': 56, 'height': 42, 'views': 3, 'max_depth': 30.0}
    return drives.configuration(name, folder, **(values | more))


def made(name, folder, **more):
    return make_task(configuration(name, folder, **more), [str(folder)], [str(folder)])


def exact(truth, reference):
    """Return the prediction that is right in every number."""
    size = (truth.depth.shape[-2], truth.depth.shape[-1])
    extrinsics, intrinsics = cameras_of(truth.encoding, size)
    sure = torch.ones_like(truth.depth)
    return Scene(
        depth=truth.depth,
        confidence=sure,
        rays=truth.rays,
        ray_confidence=torch.ones_like(truth.rays[..., 0]),
        extrinsics=extrinsics,
        intrinsics=intrinsics,
        encoding=truth.encoding,
        reference=reference,
    )


@pytest.fixture(scope='module')
def batch(recording):
    return made('da3-small', recording, colour=0.0).scenes.batch(0)


@pytest.mark.parametrize('reference', [None, 2], ids=['first', 'another'])
def test_the_truth_of_the_rays_is_that_of_the_cameras(batch, reference):
    chosen = None if reference is None else torch.full((len(batch.depth),), reference)
    truth = views_loss.truth_of(batch, chosen, (24, 32), 30.0)
    size = (batch.depth.shape[-2], batch.depth.shape[-1])
    found = cameras_of_rays(truth.rays, None, size)
    extrinsics, intrinsics = cameras_of(truth.encoding, size)
    torch.testing.assert_close(found.extrinsics, extrinsics, atol=2e-3, rtol=0)
    torch.testing.assert_close(found.intrinsics, intrinsics, rtol=2e-3, atol=1e-3)
    # The world is the reference, and the points lie in the mean at distance 1.
    first = truth.poses[:, reference or 0]
    torch.testing.assert_close(first, torch.eye(4).expand_as(first), atol=1e-5, rtol=0)
    assert truth.points[truth.known].norm(dim=-1).mean() == pytest.approx(1, rel=0.05)
    errors = views_loss.camera_errors(extrinsics, truth, torch.ones(len(extrinsics)))
    assert errors.rotation.max() < 0.1
    assert errors.position.max() < 1e-3


def test_points_of_two_views_lie_on_one_surface():
    """What one view sees of a wall, another one sees at the same place of the world."""
    camera = Camera.pinhole(56, 42, 50.0)
    renderer = Renderer(plane_scene((0.2, 0.1, 1.0), 2.0, seed=3))
    poses = np.stack([np.eye(4)] * 2)
    poses[1, :3, :3] = cv2.Rodrigues(np.array([0.05, 0.2, 0.1]))[0]
    poses[1, :3, 3] = -0.3, 0.1, 0.5
    views = [renderer.render(camera, pose, antialias=1) for pose in poses]
    batch = collated(
        [
            [
                OneView(Sample(view.image, view.depth.astype(np.float32), camera), pose)
                for view, pose in zip(views, poses, strict=True)
            ]
        ]
    )
    truth = views_loss.truth_of(batch, torch.tensor([1]), (42, 56), 30.0)
    points = truth.points[0, 0][truth.known[0, 0]] * truth.unit[0]
    pixels = points @ batch.K[0, 1].T  # of the reference, whose camera is the world
    u, v = (pixels[:, :2] / pixels[:, 2:]).round().long().unbind(1)
    inside = (points[:, 2] > 0) & (u >= 0) & (u < 56) & (v >= 0) & (v < 42)
    depth = batch.depth[0, 1][v[inside], u[inside]]
    assert len(depth) > 500
    assert (points[inside, 2] / depth - 1).abs().max() < 0.02
    assert (batch.depth[0, 0] / batch.depth[0, 1] - 1).abs().median() > 0.1


def test_the_truth_costs_nothing_and_every_part_counts(batch):
    truth = views_loss.truth_of(batch, None, (42, 56), 30.0)
    right = exact(truth, None)
    least = views_loss.objective(right, truth)
    assert least < 1e-4
    worse = {
        'depth': truth.depth * 1.1,
        'rays': truth.rays + 0.05,
        'encoding': truth.encoding + 0.05,
    }
    for name, value in worse.items():
        assert views_loss.objective(right._replace(**{name: value}), truth) > least + 0.01


def test_confidence_is_honest_where_it_costs_least():
    error, mask = torch.full((1, 8, 8), 0.05), torch.ones(1, 8, 8, dtype=torch.bool)
    costs = {
        c: float(views_loss.trusted(error, torch.full((1, 8, 8), c), mask))
        for c in (1.0, 2.0, 4.0, 8.0, 16.0)
    }
    assert min(costs, key=costs.get) == views_loss.SURE / 0.05


def test_poses_of_a_batch_are_relative_and_exact(recording):
    task = made('da3-small', recording)
    scene = task.scenes.starts[0]
    frames = [task.scenes.reader[index] for index in scene]
    found = task.scenes._scene(scene, None)
    for frame, view in zip(frames, found, strict=True):
        np.testing.assert_allclose(view.pose, frame.pose)
        assert view.sample.image.shape == (42, 56, 3)
    learned = task.scenes.batch(3)
    again = made('da3-small', recording).scenes.batch(3)
    torch.testing.assert_close(learned.images, again.images)
    torch.testing.assert_close(learned.poses[:, 0], torch.eye(4).expand(2, 4, 4))


@pytest.mark.parametrize('known', [False, True], ids=['unknown', 'known'])
def test_every_part_learns_and_the_camera_encoder_where_cameras_are_known(recording, known):
    task = made('da3-small', recording)
    task.train(0.0)
    task.loss_together(task.scenes.batch(0), known).backward()
    learns = {k for k, p in task.network.named_parameters() if p.grad is not None}
    encoder = {k for k, _ in task.network.named_parameters() if k.startswith('cam_enc.')}
    assert encoder
    assert bool(encoder & learns) is known
    for part in ('backbone.', 'head.scratch.output_conv2.', 'head.scratch.output_conv2_aux.3.'):
        assert any(key.startswith(part) for key in learns)
    assert any(key.startswith('cam_dec.') for key in learns)


def test_the_objective_falls(recording, tmp_path):
    config = configuration('da3-small', recording, rate=2e-3, colour=0.0, steps=12)
    task = make_task(config, [str(recording)], [str(recording)])
    trainer = NetworkTrainer(config, task, tmp_path)
    losses = [trainer.one_step() for _ in range(config.steps)]
    assert np.mean(losses[-3:]) < 0.7 * np.mean(losses[:2])
    trainer._score(lambda words: None)
    trainer.save()
    again = NetworkTrainer(config, make_task(config, [str(recording)], [str(recording)]), tmp_path)
    assert again.step == config.steps
    for one, other in zip(again.modules.parameters(), trainer.modules.parameters()):
        torch.testing.assert_close(one, other)


def test_several_views_of_what_is_left_are_those_of_the_network(recording, tmp_path):
    task = made('da3-small', recording)
    task.leave(tmp_path)
    frames = [task.scenes.reader[index] for index in task.scenes.starts[0]]
    views = [View(frame.image, frame.camera) for frame in frames]
    options = {'device': 'cpu', 'precision': 'float32', 'input_size': 56}
    model = create_model('da3-small', {'weights': str(tmp_path), **options})
    found = model.predict(views)
    task.modules.eval()
    images = preprocess_views([view.image for view in views], longest=56).images
    with torch.inference_mode():
        expected = scene_of(task.network, torch.from_numpy(images))
    assert found.values.shape == expected['depth'].shape[-2:]
    np.testing.assert_allclose(found.values, expected['depth'][0].numpy(), rtol=1e-4)
    # The folder is a model by itself, at the size that it was trained at.
    by_name = create_model(str(tmp_path), {'device': 'cpu', 'precision': 'float32'})
    np.testing.assert_allclose(by_name.predict(views).values, found.values, rtol=1e-4)


@pytest.mark.parametrize('name', ['da3-metric-large', 'da3-mono-large'])
def test_networks_of_one_view_learn_from_depth(name, recording, tmp_path):
    config = configuration(name, recording, rate=3e-3, steps=25, batch=4, validate_every=25)
    task = make_task(config, [str(recording)], [str(recording)])
    scores = NetworkTrainer(config, task, tmp_path).run()
    assert scores[-1][1] < 0.8 * scores[0][1]
    model = create_model(name, {'weights': str(tmp_path), 'device': 'cpu', 'input_size': 56})
    frame = task.scenes.reader[0]
    found = model.predict([View(frame.image, frame.camera)])
    known = np.isfinite(frame.depth) & (frame.depth < 30) & np.isfinite(found.values)
    ratio = found.values[known] / frame.depth[known]
    if name == 'da3-metric-large':
        assert found.kind is DepthKind.METRIC
        assert 0.5 < np.median(ratio) < 2  # metres
    else:
        assert found.kind is DepthKind.SCALE_INVARIANT


def test_the_sky_learns_only_where_it_is_known(recording):
    fixed = made('da3-metric-large', recording)
    sky = [p for k, p in fixed.network.named_parameters() if 'sky_output' in k]
    assert sky
    assert not any(p.requires_grad for p in sky)
    data = {'folders': [str(recording)], 'unseen': [str(recording)], 'unknown_is_sky': True}
    free = made('da3-metric-large', recording, data=data)
    assert all(p.requires_grad for p in free.network.parameters())


def test_metres_follow_the_focal_length(recording):
    """Twice the focal length at the same depth is half the output of the metric network."""
    task = made('da3-metric-large', recording)
    batch = task.scenes.batch(0)
    depth = batch.depth[:, 0].nan_to_num(1.0)

    def loss(K, factor):
        stretch = (K[:, 0, 0, 0] + K[:, 0, 1, 1])[:, None, None] / 600
        answer = Scene((factor * depth / stretch)[:, None], sky=torch.zeros_like(depth)[:, None])
        task.network = lambda images: answer
        return float(task.loss_alone(replace(batch, K=K)))

    twice = batch.K * torch.tensor([[2.0, 1, 2], [1, 2, 2], [1, 1, 1]])
    assert loss(batch.K, 1.0) < 1e-3
    assert loss(twice, 1.0) < 1e-3
    assert loss(twice, 2.0) > 0.3


@pytest.mark.parametrize(
    ('more', 'words'),
    [
        ({'width': 60}, 'multiples of 14'),
        ({'learn': 'video'}, 'learns from depth'),
        ({'views': 9}, 'no sequence has 9 views'),
        ({'network': 'da3-nested'}, 'two networks'),
    ],
)
def test_what_cannot_be_trained_is_refused(recording, more, words):
    config = replace(configuration('da3-small', recording), **more)
    with pytest.raises(DepthError, match=words):
        make_task(config, [str(recording)], [str(recording)])


def test_a_run_begins_with_another_one(recording, tmp_path):
    first = made('da3-small', recording)
    first.leave(tmp_path)
    again = made('da3-small', recording, start=str(tmp_path), shape={})
    assert again.network.configuration == first.network.configuration
    for one, other in zip(first.network.parameters(), again.network.parameters(), strict=True):
        torch.testing.assert_close(one, other)
        assert other.requires_grad


@pytest.mark.parametrize(
    'words', ['"shape": {"depths": 1}', '"shape": 3', '"input_size": "wide"', '"input_size": 9e9']
)
def test_what_a_run_states_is_checked(recording, tmp_path, words):
    made('da3-small', recording).leave(tmp_path)
    (tmp_path / 'config.json').write_text('{"model_name": "da3-small", ' + words + '}')
    with pytest.raises(ModelError):
        create_model('da3-small', {'weights': str(tmp_path), 'device': 'cpu'})


def test_poses_are_needed_for_several_views(recording, tmp_path):
    import shutil

    shutil.copytree(recording, tmp_path / 'copy')
    for path in (tmp_path / 'copy').rglob('poses.txt'):
        path.unlink()
    with pytest.raises(DepthError, match='has no pose'):
        made('da3-small', tmp_path / 'copy').scenes.batch(0)
    assert made('da3-mono-large', tmp_path / 'copy').scenes.batch(0).poses.shape == (2, 1, 4, 4)


def larger(batch, factor):
    """Return the same scenes, all lengths of which are multiplied."""
    poses = batch.poses.clone()
    poses[..., :3, 3] *= factor
    return replace(batch, depth=factor * batch.depth, poses=poses)


@pytest.mark.parametrize('factor', [0.1, 7.0])
@pytest.mark.parametrize('reference', [None, 1], ids=['first', 'another'])
def test_a_scene_of_any_size_has_one_truth(batch, factor, reference):
    chosen = None if reference is None else torch.full((len(batch.depth),), reference)
    once = views_loss.truth_of(batch, chosen, (24, 32), 30.0)
    grown = views_loss.truth_of(larger(batch, factor), chosen, (24, 32), factor * 30.0)
    assert views_loss.objective(exact(once, chosen), grown) < 1e-4
    torch.testing.assert_close(grown.unit, factor * once.unit)


@pytest.mark.parametrize('factor', [0.1, 7.0])
def test_the_measures_of_the_truth_are_zero_in_any_unit_and_any_world(recording, batch, factor):
    task = made('da3-small', recording, colour=0.0)
    truth = views_loss.truth_of(batch, None, (24, 32), 30.0)
    right = exact(truth, None)
    world = torch.eye(4)[:3]
    world[:, :3] = torch.from_numpy(cv2.Rodrigues(np.array([0.3, -0.2, 0.1]))[0])
    world[:, 3] = torch.tensor([1.0, 2.0, 3.0])
    poses = right.extrinsics.clone()
    poses[..., 3] = factor * (poses[..., 3] + poses[..., :3] @ world[:, 3])
    poses[..., :3] = poses[..., :3] @ world[:, :3]
    scene = right._replace(extrinsics=poses, depth=factor * right.depth)
    for error, rotation, position, distance in task._rows(scene, batch):
        assert error < 1e-4
        assert rotation < 0.1
        assert position < 1e-3 * distance


def test_the_position_is_as_wrong_as_it_is_far_off(recording, batch):
    """One of the other views is off by a tenth of the unit; the mean is that over them all."""
    task = made('da3-small', recording, colour=0.0)
    truth = views_loss.truth_of(batch, None, (24, 32), 30.0)
    right = exact(truth, None)
    moved = truth.encoding.clone()
    moved[:, 1, 0] += 0.1
    size = (truth.depth.shape[-2], truth.depth.shape[-1])
    scene = right._replace(extrinsics=cameras_of(moved, size)[0])
    others = truth.poses.shape[1] - 1
    for _, rotation, position, distance in task._rows(scene, batch):
        assert rotation < 0.1
        assert position == pytest.approx(0.1 / others, rel=0.01)
        assert distance > 0


def test_cameras_that_stay_in_the_world_are_off_by_their_whole_distance(batch):
    truth = views_loss.truth_of(batch, None, (6, 8), 30.0)
    still = inverse_pose(torch.eye(4).expand(*truth.poses.shape))
    errors = views_loss.camera_errors(still, truth, torch.ones(len(batch.depth)))
    torch.testing.assert_close(errors.position, errors.distance)
    assert (errors.distance > 0).all()


def test_a_camera_that_turns_in_place_counts(batch):
    turned = batch.poses[:, :2].clone()
    turned[:, 1] = torch.eye(4)
    turned[:, 1, :3, :3] = torch.from_numpy(cv2.Rodrigues(np.array([0.0, 0.5, 0.0]))[0])
    pair = replace(
        batch, images=batch.images[:, :2], depth=batch.depth[:, :2], K=batch.K[:, :2], poses=turned
    )
    truth = views_loss.truth_of(pair, None, (6, 8), 30.0)
    still = inverse_pose(torch.eye(4).expand(*truth.poses.shape))
    errors = views_loss.camera_errors(still, truth, torch.ones(len(batch.depth)))
    degrees = torch.full_like(errors.rotation, np.degrees(0.5))
    torch.testing.assert_close(errors.rotation, degrees, atol=0.05, rtol=0)
    # Away from its place is wrong also where the true distance is 0.
    away = still + torch.tensor([0, 0, 0, 1.0])
    away[:, 0] = still[:, 0]
    wrong = views_loss.camera_errors(away, truth, torch.ones(len(batch.depth)))
    assert (errors.position < 1e-5).all()
    assert (wrong.position > 1).all()


def test_the_field_of_view_learns_from_random_weights(recording):
    """Its last layer is rectified: from below 0 it would never learn."""
    for seed in range(8):
        task = made('da3-small', recording, seed=seed)
        found = task.network(task.scenes.batch(0).images)
        assert (found.encoding[..., 7:] > 0).all()
