# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
True and steady metres: the fit, the sources and the filters, on rendered scenes and real frames.

    python bench/scale.py [fit] [sources] [steady] [--data FOLDER] [--trials 20]

Predictions are made from the truth by an unknown affine map of inverse depth, with noise, blur
and local bias, so that the true scale is known. Real frames are read from FOLDER, in the layout
of the tests' data (posed_7scenes, posed_rgbd_slambook, rgbd_nyu, rgbd_kitti, lidar_kitti); sets
that are absent are left out, and named.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / 'test' / 'metric')]

from relative_maps import abs_rel, relative, sampled, scale_error  # noqa: E402

from depth_ros.geometry.poses import pose_of  # noqa: E402
from depth_ros.lab.eval.boundary import boundary_f1  # noqa: E402
from depth_ros.lab.eval.ground import ground_in_truth  # noqa: E402
from depth_ros.lab.synthetic import (  # noqa: E402
    Renderer,
    body_pose,
    camera_pose,
    lidar,
    make_scene,
    trajectory,
)
from depth_ros.metric.fit import FitError, apply_fit, fit_affine  # noqa: E402
from depth_ros.metric.source import fit_source  # noqa: E402
from depth_ros.metric.sources.cloud import Cloud, CloudSource, cloud_points  # noqa: E402
from depth_ros.metric.sources.ground import GroundSource, Mount  # noqa: E402
from depth_ros.metric.sources.motion import MotionSource, Sight  # noqa: E402
from depth_ros.metric.temporal import TemporalFilter  # noqa: E402
from depth_ros.types import Camera, DepthError, DepthKind, Prediction  # noqa: E402

INVERSE, FACTOR = DepthKind.AFFINE_INVERSE, DepthKind.SCALE_INVARIANT
FLAWS = {'noise': 0.02, 'blur': 1.0, 'bias': 0.03}
CAMERA = Camera.pinhole(320, 240, 260.0)
SCENES = (('home', 1), ('corridor', 1), ('street', 1), ('room', 2))


class Shot(NamedTuple):
    """An image with its true depth."""

    image: np.ndarray
    depth: np.ndarray
    camera: Camera
    pose: np.ndarray | None = None


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('parts', nargs='*', help='fit, sources, steady; all where none is given')
    parser.add_argument('--data', type=Path, default=ROOT.parent / 'shared' / 'data')
    parser.add_argument('--trials', type=int, default=20)
    arguments = parser.parse_args()
    parts = arguments.parts or ['fit', 'sources', 'steady']
    if 'fit' in parts:
        measure_fit(arguments.data, arguments.trials)
    if 'sources' in parts:
        measure_sources(arguments.data)
    if 'steady' in parts:
        measure_steady(arguments.data)


# -- what is looked at -----------------------------------------------------------------------


def drive(kind: str, seed: int, count: int = 8) -> list[Shot]:
    """Return a camera's way through a rendered scene."""
    scene = make_scene(kind, seed)
    renderer = Renderer(scene)
    shots = []
    for pose in trajectory(scene, np.random.default_rng(seed), count):
        view = renderer.render(CAMERA, pose)
        shots.append(Shot(view.image, view.depth, CAMERA, view.pose))
    return shots


def metres(path: Path, unit: float) -> np.ndarray:
    stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if stored is None:
        raise DepthError(f'{path} cannot be read')
    return np.where((stored > 0) & (stored < 65535), stored / unit, np.nan).astype(np.float32)


def colour(path: Path) -> np.ndarray:
    stored = cv2.imread(str(path))
    if stored is None:
        raise DepthError(f'{path} cannot be read')
    return cv2.cvtColor(stored, cv2.COLOR_BGR2RGB)


def read(data: Path, name: str) -> list[Shot]:
    """Return the frames of a real set; none, and a word, where it is absent."""
    folder = data / name
    if not folder.is_dir():
        print(f'  ({name} is not there)')
        return []
    return list({
        'posed_7scenes': _seven_scenes,
        'posed_rgbd_slambook': _slambook,
        'rgbd_nyu': _nyu,
        'rgbd_kitti': _kitti,
    }[name](folder))  # fmt: skip


def _seven_scenes(folder: Path) -> Iterator[Shot]:
    camera = Camera.pinhole(640, 480, 585.0, cx=320.0, cy=240.0)
    for path in sorted(folder.glob('*.color.jpg')):
        stem = path.name.removesuffix('.color.jpg')
        depth = metres(folder / f'{stem}.depth.png', 1000)
        yield Shot(colour(path), depth, camera, np.loadtxt(folder / f'{stem}.pose.txt'))


def _slambook(folder: Path) -> Iterator[Shot]:
    camera = Camera.pinhole(640, 480, 518.0, 519.0, 325.5, 253.5)
    for index, row in enumerate(np.loadtxt(folder / 'pose.txt'), 1):
        image = colour(folder / f'color_{index}.png')
        depth = metres(folder / f'depth_{index}.png', 1000)
        yield Shot(image, depth, camera, pose_of(row[:3], row[3:]))


def _nyu(folder: Path) -> Iterator[Shot]:
    camera = Camera.pinhole(640, 480, 518.86, 519.47, 325.58, 253.74)
    for name in ('00000', '00050'):
        depth = metres(folder / f'sync_depth_{name}.png', 1000)
        yield Shot(colour(folder / f'rgb_{name}.jpg'), depth, camera)


def _kitti(folder: Path) -> Iterator[Shot]:
    camera = Camera.pinhole(1242, 375, 707.05, cx=604.08, cy=180.51)
    for path in folder.glob('rgb_*.png'):
        depth = metres(folder / path.name.replace('rgb', 'depth'), 256)
        yield Shot(colour(path), depth, camera)


def predicted(shot: Shot, kind: DepthKind, seed: int) -> Prediction:
    values, _ = relative(shot.depth, np.random.default_rng(seed), kind, **FLAWS)
    return Prediction(kind, values, shot.camera, 'bench')


# -- 1. the fit ------------------------------------------------------------------------------


def measure_fit(data: Path, trials: int) -> None:
    """200 points with 30 % outliers against the fit that sees every pixel."""
    print('fit: 200 points, 30 % outliers, AbsRel against the fit to every pixel')
    sets = {f'{kind} {seed}': [drive(kind, seed, 1)[0]] for kind, seed in SCENES}
    sets |= {
        name: read(data, name)
        for name in ('posed_7scenes', 'posed_rgbd_slambook', 'rgbd_nyu', 'rgbd_kitti')
    }
    ratios: dict[str, list[float]] = {}
    for name, shots in sets.items():
        for shot in shots:
            ratios.setdefault(name, []).extend(_trials(shot, trials))
    for name, found in ratios.items():
        print(f'  {name}: {_share(found)}')
    print(f'  all: {_share([r for found in ratios.values() for r in found])}')
    shot, rng = sets['home 1'][0], np.random.default_rng(0)
    values = predicted(shot, INVERSE, 0).values
    points = sampled(shot.depth, 1000, rng, 0.3)
    spent = []
    for _ in range(100):
        start = time.process_time()
        fit_affine(values, INVERSE, *points)
        spent.append(time.process_time() - start)
    print(f'  1000 points: {1e3 * np.median(spent):.2f} ms of processor time a frame (bar: 2)')


def _trials(shot: Shot, trials: int) -> Iterator[float]:
    for seed in range(trials):
        prediction = predicted(shot, INVERSE, seed)
        rng = np.random.default_rng(1000 + seed)
        rows, columns = np.nonzero(np.isfinite(shot.depth) & np.isfinite(prediction.values))
        every = fit_affine(prediction.values, INVERSE, rows, columns, shot.depth[rows, columns])
        oracle = abs_rel(apply_fit(every, prediction.values), shot.depth)
        try:
            fit = fit_affine(prediction.values, INVERSE, *sampled(shot.depth, 200, rng, 0.3))
            yield abs_rel(apply_fit(fit, prediction.values), shot.depth) / oracle
        except FitError:
            yield float('inf')


def _share(ratios: list[float]) -> str:
    share = np.mean(np.array(ratios) <= 1.05)
    return (
        f'{share:.1%} of {len(ratios)} trials within 1.05 (bar: 95 %), median '
        f'{np.median(ratios):.3f}, 95th percentile {np.percentile(ratios, 95):.3f}'
    )


# -- 2. the sources --------------------------------------------------------------------------


def measure_sources(data: Path) -> None:
    """The error of scale of each source."""
    print('sources: median error of scale')
    for kind in (INVERSE, FACTOR):
        for name in ('posed_7scenes', 'posed_rgbd_slambook'):
            _say(f'motion, {name}, {kind.value}', _by_motion(read(data, name), kind), 5)
    roads = read(data, 'rgbd_kitti')
    for name, kind, attitude in (
        ('attitude unknown', FACTOR, None),
        ('pitch 0 given', FACTOR, (0.0, 0.0)),
        ('pitch 0 given', INVERSE, (0.0, 0.0)),
        ('attitude of the road', FACTOR, _attitude(roads)),
        ('attitude of the road', INVERSE, _attitude(roads)),
    ):
        errors = _by_ground(roads, kind, 1.65, attitude)
        _say(f'ground, rgbd_kitti, {kind.value}, {name}', errors, 7)
    _say('cloud, lidar_kitti, affine_inverse', _by_kitti_cloud(data), 2)
    drives = [(kind, seed, drive(kind, seed)) for kind, seed in SCENES]
    for kind in (INVERSE, FACTOR):
        errors = [e for *_, shots in drives for e in _by_motion(shots, kind)]
        _say(f'motion, rendered, {kind.value}', errors, 1)
        errors = [e for name, seed, _ in drives for e in _rendered_ground(name, seed, kind)]
        _say(f'ground, rendered, {kind.value}', errors, 2)
        errors = [e for name, seed, shots in drives for e in _by_cloud(name, seed, shots, kind)]
        _say(f'cloud, rendered, {kind.value}', errors, 1)


def _say(what: str, errors: list[float | None], bar: float) -> None:
    known = [100 * abs(e) for e in errors if e is not None]
    if not errors:
        return
    median = f'{np.median(known):.2f} %' if known else '-'
    largest = f'{max(known):.2f} %' if known else '-'
    print(f'  {what}: {median} (bar: {bar:g} %), largest {largest}, {len(known)} of {len(errors)} '
          'frames with a fit')  # fmt: skip


def _error(source: object, reading: object, shot: Shot, prediction: Prediction) -> float | None:
    try:
        fit = fit_source(source, reading, prediction)  # type: ignore[arg-type]
    except FitError:
        return None
    return scale_error(apply_fit(fit, prediction.values), shot.depth)


def _by_motion(shots: list[Shot], kind: DepthKind) -> list[float | None]:
    """The first frame shows no motion and is left out."""
    source, errors = MotionSource(), []
    for index, shot in enumerate(shots):
        sight = Sight(shot.image, shot.pose, 0.5 * index)  # type: ignore[arg-type]
        errors.append(_error(source, sight, shot, predicted(shot, kind, index)))
    return errors[1:]


def _attitude(shots: list[Shot]) -> tuple[float, float] | None:
    """Return pitch and roll of the camera by the road that is seen in the truth."""
    ground = ground_in_truth(shots[0].depth, shots[0].camera) if shots else None
    if ground is None:
        return None
    x, y, z = ground.down.tolist()
    return float(np.arcsin(z)), float(np.arctan2(x, y))


def _by_ground(
    shots: list[Shot], kind: DepthKind, height: float, attitude: tuple[float, float] | None
) -> list[float | None]:
    pitch, roll = attitude or (None, None)
    return [
        _error(GroundSource(), Mount(height, pitch, roll), shot, predicted(shot, kind, seed))
        for shot in shots
        for seed in range(10)
    ]


def _rendered_ground(name: str, seed: int, kind: DepthKind) -> list[float | None]:
    """A camera one metre above the floor that looks down a little, in several directions."""
    scene = make_scene(name, seed)
    renderer, errors = Renderer(scene), []
    forward = scene.start[:3, 2]
    ahead = float(np.arctan2(forward[1], forward[0]))
    for index, turn in enumerate((-0.3, 0.0, 0.3)):
        pose = camera_pose((*scene.start[:2, 3], 1.0), ahead + turn, 0.25)
        view = renderer.render(CAMERA, pose)
        shot = Shot(view.image, view.depth, CAMERA)
        mount = Mount(1.0, 0.25, 0.0)
        errors.append(_error(GroundSource(), mount, shot, predicted(shot, kind, index)))
    return errors


def _by_cloud(name: str, seed: int, shots: list[Shot], kind: DepthKind) -> list[float | None]:
    """A LiDAR of 16 rings above the camera."""
    scene, errors = make_scene(name, seed), []
    for index, shot in enumerate(shots):
        assert shot.pose is not None
        body = body_pose(shot.pose)
        body[2, 3] += 0.15
        sweep = lidar(scene, body, noise=0.02, rng=np.random.default_rng(index))
        sensor_to_camera = np.linalg.inv(shot.pose) @ body
        cloud = Cloud(sweep.points, sensor_to_camera)
        errors.append(_error(CloudSource(), cloud, shot, predicted(shot, kind, index)))
    return errors


def _by_kitti_cloud(data: Path) -> list[float | None]:
    """One half of a real sweep is the truth, filled in between; the other half is the cloud."""
    folder = data / 'lidar_kitti'
    if not folder.is_dir():
        print('  (lidar_kitti is not there)')
        return []
    numbers = {
        line.split(':')[0]: np.array(line.split(':')[1].split(), float)
        for line in (folder / 'calib_000001.txt').read_text().splitlines()
        if line.strip()
    }
    to_camera, rectify = np.eye(4), np.eye(4)
    to_camera[:3] = numbers['Tr_velo_to_cam'].reshape(3, 4)
    rectify[:3, :3] = numbers['R0_rect'].reshape(3, 3)
    p = numbers['P2'].reshape(3, 4)
    shift = np.eye(4)
    shift[:3, 3] = np.linalg.solve(p[:, :3], p[:, 3])
    to_image = shift @ rectify @ to_camera
    camera = Camera.pinhole(1242, 375, p[0, 0], p[1, 1], p[0, 2], p[1, 2])
    points = np.fromfile(folder / 'velodyne_000001.bin', np.float32).reshape(-1, 4)[:, :3]
    errors = []
    for seed in range(10):
        order = np.random.default_rng(seed).permutation(len(points))
        truth = cloud_points(Cloud(points[order[::2]], to_image), camera)
        rows, columns = (np.rint(a).astype(int) for a in (truth.rows, truth.columns))
        sparse = np.full((375, 1242), np.nan, np.float32)
        sparse[rows, columns] = truth.metres
        dense = _nearest_filled(sparse)
        values, _ = relative(dense, np.random.default_rng(seed), INVERSE, noise=0.02, bias=0.03)
        prediction = Prediction(INVERSE, values, camera, 'bench')
        cloud = Cloud(points[order[1::2]], to_image)
        shot = Shot(values, sparse, camera)
        errors.append(_error(CloudSource(), cloud, shot, prediction))
    return errors


def _nearest_filled(sparse: np.ndarray) -> np.ndarray:
    known = np.isfinite(sparse)
    _, labels = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    by_label = np.zeros(int(labels.max()) + 1, np.float32)
    by_label[labels[known]] = sparse[known]
    return by_label[labels]


# -- 3. steady in time -----------------------------------------------------------------------


def measure_steady(data: Path) -> None:
    """Noisy metres before and after the filter over frames."""
    print('steady: change from frame to frame, AbsRel and edge F1, before -> after')
    moving = drive('corridor', 1, 14)
    # Close frames of a moving camera, as a camera of 30 Hz shows them.
    for mode in ('still', 'pose', 'flow'):
        _steady(f'rendered, standing, {mode}', [moving[0]] * 14, mode)
    for mode in ('pose', 'flow'):
        _steady(f'rendered, moving, {mode}', moving, mode)
    for name in ('posed_7scenes', 'posed_rgbd_slambook'):
        shots = read(data, name)
        if shots:
            _steady(f'{name}, first frame again and again, pose', [shots[0]] * 14, 'pose')
            _steady(f'{name}, as posed, pose', shots, 'pose')


def _steady(what: str, shots: list[Shot], mode: str) -> None:
    rng, step = np.random.default_rng(0), TemporalFilter()
    changes, errors, edges = [], [], []
    last: tuple[np.ndarray, np.ndarray] | None = None
    standing = all(shot is shots[0] for shot in shots)
    for index, shot in enumerate(shots):
        slow: np.ndarray = rng.normal(0, 0.02, (9, 12))
        slow = cv2.resize(slow, shot.depth.shape[::-1], interpolation=cv2.INTER_CUBIC)
        noise = np.exp(slow + rng.normal(0, 0.02, shot.depth.shape))
        depth = (shot.depth * noise).astype(np.float32)
        made = step.step(depth, shot.camera, shot.image, shot.pose, mode=mode)
        if last is not None and index >= len(shots) // 2:
            changes.append([_change(depth, last[0]), _change(made, last[1])])
            errors.append([abs_rel(depth, shot.depth), abs_rel(made, shot.depth)])
            edges.append([boundary_f1(depth, shot.depth), boundary_f1(made, shot.depth)])
        last = depth, made
    before, after = np.mean(changes, axis=0)
    text = f'change {before / after:.1f} times smaller, ' if standing else ''
    (wrong, less), (sharp, still) = np.mean(errors, axis=0), np.mean(edges, axis=0)
    print(f'  {what}: {text}AbsRel {wrong:.4f} -> {less:.4f}, edge F1 {sharp:.3f} -> {still:.3f}')


def _change(one: np.ndarray, other: np.ndarray) -> float:
    good = np.isfinite(one) & np.isfinite(other)
    return float(np.mean(np.abs(np.log(one[good] / other[good]))))


if __name__ == '__main__':
    main()
