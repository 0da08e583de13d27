# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`depth_ros demo --relative`: one relative model becomes metric in three ways at once."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from depth_ros.geometry.poses import quaternion_of
from depth_ros.types import Matrix

MODEL = 'builtin-relative'
LIDAR_ABOVE = 0.15  # metres above the camera
NODES = {'by_cloud': 'cloud', 'by_ground': 'ground', 'by_motion': 'motion'}


def nodes_to_run() -> dict[str, str]:
    """Return the source of each node; odometry needs nav_msgs."""
    if importlib.util.find_spec('nav_msgs') is not None:
        return dict(NODES)
    print('nav_msgs is not installed (pip install ros-nav-msgs), so motion is left out')
    return {name: source for name, source in NODES.items() if source != 'motion'}


def write_sensors(folder: Path, scene: object, poses: Sequence[Matrix]) -> None:
    """Write what the camera process publishes beside the images: LiDAR points and poses."""
    from depth_ros.lab.synthetic import body_pose, lidar

    rng = np.random.default_rng(0)
    clouds = []
    for pose in poses:
        body = body_pose(pose)
        body[2, 3] += LIDAR_ABOVE
        sweep = lidar(scene, body, noise=0.02, rng=rng)  # type: ignore[arg-type]
        clouds.append(sweep.points.astype(np.float32))
    sizes = [len(points) for points in clouds]
    np.savez(
        folder / 'sensors.npz', points=np.concatenate(clouds), sizes=sizes, poses=np.array(poses)
    )
    (folder / 'lidar_pose.txt').write_text(_pose_text(np.linalg.inv(poses[0]) @ _lidar(poses[0])))


def _lidar(pose: Matrix) -> Matrix:
    from depth_ros.lab.synthetic import body_pose

    body = body_pose(pose)
    body[2, 3] += LIDAR_ABOVE
    return body


def _pose_text(pose: Matrix) -> str:
    numbers = [*pose[:3, 3], *quaternion_of(pose)]
    return ' '.join(f'{number:.9g}' for number in numbers)


def parameters(folder: Path, height: float, pitch: float) -> dict[str, list[str]]:
    """Return the parameters of each node."""
    pose = (folder / 'lidar_pose.txt').read_text()
    common = [f'model:={MODEL}', 'max_depth:=20.0']
    return {
        'by_cloud': [*common, 'scale.source:=cloud', f"scale.cloud.pose:='{pose}'"],
        'by_ground': [
            *common,
            'scale.source:=ground',
            f'mount_height:={height}',
            f'mount_pitch:={pitch}',
        ],
        'by_motion': [*common, 'scale.source:=motion', "scale.motion.pose:='0 0 0 0 0 0 1'"],
    }
