# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`depth_ros infer` for several views of one scene: depth, cameras and one cloud of all."""

from __future__ import annotations

import argparse
import itertools
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from depth_ros.cli.model_options import make_model
from depth_ros.files.calibration import write_camera
from depth_ros.files.depth_colors import draw_depth, draw_relative
from depth_ros.files.gltf import Up, Viewpoint, write_glb
from depth_ros.files.images import read_image
from depth_ros.files.ply import write_ply
from depth_ros.files.poses import PoseFile, poses_of_images, read_poses, write_poses
from depth_ros.files.writing import make_folder, write_array, write_image, write_text
from depth_ros.geometry.depth_values import valid_or_nan
from depth_ros.geometry.fusion import Cloud, PosedDepth, disagreement, fused_cloud
from depth_ros.models.protocol import ModelError
from depth_ros.models.registry import DEFAULT_VIEWS
from depth_ros.pipeline import DepthFrame, Options, Pipeline
from depth_ros.types import Camera, DepthError, Image, Known, View

DOUBTFUL = 0.4  # share of the least confident pixels that stay out of the cloud, as its authors do
MOST = 1_000_000  # points
_NEIGHBOURS = 'median relative difference of neighbouring views'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only several views need."""
    views = parser.add_argument_group('several views of one scene')
    views.add_argument(
        '--poses',
        type=Path,
        help='camera-to-world poses of the views, TUM or KITTI format; makes metres of their unit',
    )
    views.add_argument(
        '--doubtful',
        type=float,
        default=DOUBTFUL,
        help='share of the least confident pixels left out of the cloud',
    )
    views.add_argument(
        '--max-points', type=int, default=MOST, help='of the cloud, drawn at random; 0 is all'
    )


def run(arguments: argparse.Namespace, camera: Camera | None, options: Options) -> int:
    """Infer, write the files, and state in a line what came out."""
    _check(arguments, camera)
    paths: list[Path] = arguments.image
    poses = None if arguments.poses is None else read_poses(arguments.poses)
    views = _views(paths, camera, poses)
    name = arguments.model or DEFAULT_VIEWS
    model = make_model(name, arguments.option)
    if model.info.views == 1:
        raise ModelError(
            f'model {name!r} takes one image, {len(paths)} were given; choose a model of any '
            f'number of views such as {DEFAULT_VIEWS}, or give one image'
        )
    frames = Pipeline(model, options).scene(views)
    posed = [_posed(frame) for frame in frames]
    cloud = fused_cloud(
        posed,
        doubtful=arguments.doubtful,
        edge_threshold=options.edge_threshold,
        most=arguments.max_points,
    )
    report = write_scene(arguments.out, paths, frames, posed, cloud, poses)
    report = {'model': name, **report}
    write_text(arguments.out / 'prediction.json', json.dumps(report, indent=2) + '\n')
    unit = 'm' if report['unit'] == 'm' else 'without scale'
    print(
        f'{name}: {len(frames)} views, {len(cloud.points)} points ({unit}), {_NEIGHBOURS} '
        f'{report["disagreement"] or float("nan"):.1%}; see {arguments.out}'
    )
    if model.info.caution:
        print(f'depth_ros infer: {model.info.caution}', file=sys.stderr)
    return 0


def _check(arguments: argparse.Namespace, camera: Camera | None) -> None:
    for name in ('right', 'prompt'):
        if getattr(arguments, name) is not None:
            raise DepthError(f'--{name} is for one image; leave it out, or give one image')
    if arguments.scale:
        raise DepthError(
            '--scale is for one image: the scale of several views comes from --poses; leave it out'
        )
    if arguments.poses is not None and camera is None:
        raise DepthError(
            '--poses needs the camera of the views; give --camera FILE, --focal PIXELS or '
            '--fov DEGREES'
        )
    if arguments.max_points < 0:
        raise DepthError(f'--max-points is {arguments.max_points}, expected 0 (all) or more')


def _views(paths: Sequence[Path], camera: Camera | None, poses: PoseFile | None) -> list[View]:
    known = [None] * len(paths) if poses is None else list(poses_of_images(poses, paths))
    views = []
    for path, pose in zip(paths, known):
        image = read_image(path)
        own = camera or assumed_camera(image)
        try:
            views.append(View(image, own, Known(pose=pose, camera=camera is not None)))
        except DepthError as error:
            raise DepthError(f'{path}: {error}') from error
    return views


def assumed_camera(image: Image) -> Camera:
    """Return a camera of the size of an image, for models that estimate it."""
    return Camera.pinhole(image.shape[1], image.shape[0], max(image.shape[:2]))


def _posed(frame: DepthFrame) -> PosedDepth:
    prediction = frame.prediction
    if prediction.pose is None:
        raise ModelError(
            f'model {prediction.model!r} returned no pose, expected one for each view; '
            f'choose a model such as {DEFAULT_VIEWS}'
        )
    depth = prediction.values if frame.depth is None else frame.depth
    return PosedDepth(depth, frame.camera, prediction.pose, frame.image, prediction.confidence)


def write_scene(
    out: Path,
    paths: Sequence[Path],
    frames: Sequence[DepthFrame],
    posed: Sequence[PosedDepth],
    cloud: Cloud,
    poses: PoseFile | None,
) -> dict[str, Any]:
    """Write everything about a scene but the report, and return that."""
    for folder in ('depth', 'confidence', 'cameras'):
        make_folder(out / folder)
    names = [f'{i:03d}_{re.sub(r"[^0-9A-Za-z._-]", "_", p.stem)}' for i, p in enumerate(paths)]
    rows = [_write_view(out, *parts) for parts in zip(names, paths, frames, posed)]
    matrices = np.stack([view.pose for view in posed])
    # Of given poses the stamps are known; otherwise the number of the view stands for one.
    stamps = _stamps(poses, matrices)
    write_poses(out / 'poses_tum.txt', matrices, stamps)
    write_poses(out / 'poses_kitti.txt', matrices)
    metric = all(frame.depth is not None for frame in frames)
    world = 'the poses given' if poses is not None else 'the first view (x right, y down)'
    unit = 'metres' if metric else 'a unit that is not known'
    up: Up = 'z' if poses is not None and poses.format == 'tum' else 'optical'
    write_ply(out / 'points.ply', cloud.points, cloud.colors, f'{unit}; in the world of {world}')
    viewpoints = [Viewpoint(view.camera, view.pose) for view in posed]
    write_glb(out / 'points.glb', cloud.points, cloud.colors, viewpoints, up)
    return {
        'kind': frames[0].prediction.kind.value,
        'unit': 'm' if metric else frames[0].prediction.kind.unit,
        'world': world,
        'points': len(cloud.points),
        'disagreement': agreement(posed),
        'views': rows,
        'timings_ms': {k: round(v * 1e3, 3) for k, v in frames[0].timings.items()},
    }


def _write_view(
    out: Path, name: str, path: Path, frame: DepthFrame, posed: PosedDepth
) -> dict[str, Any]:
    values = valid_or_nan(posed.depth)
    write_array(out / 'depth' / f'{name}.npy', values)
    if frame.depth is None:
        with np.errstate(divide='ignore', invalid='ignore'):
            image = draw_relative(np.float32(1) / values)
    else:
        image = draw_depth(frame.depth)
    write_image(out / 'depth' / f'{name}.png', image)
    if posed.confidence is not None:
        write_array(out / 'confidence' / f'{name}.npy', posed.confidence)
    write_camera(posed.camera, out / 'cameras' / f'{name}.yaml', name)
    camera = posed.camera
    return {
        'name': name,
        'image': str(path),
        'valid': float(np.isfinite(values).mean()),
        'size': [camera.width, camera.height],
        'intrinsics': [camera.fx, camera.fy, camera.cx, camera.cy],
        'pose': [[float(value) for value in row] for row in posed.pose],
    }


def _stamps(poses: PoseFile | None, matrices: np.ndarray) -> list[float]:
    if poses is None or poses.stamps is None:
        return [float(index) for index in range(len(matrices))]
    found = []
    for matrix in matrices:
        (equal,) = np.nonzero((poses.poses == matrix).all(axis=(1, 2)))
        found.append(float(poses.stamps[equal[0]]))
    return found


def agreement(posed: Sequence[PosedDepth]) -> float | None:
    """Return the median relative difference of neighbouring views; None without an overlap."""
    medians = []
    for first, second in itertools.pairwise(posed):
        difference = disagreement(first, second)
        if difference.size:
            medians.append(float(np.median(difference)))
    return float(np.median(medians)) if medians else None
