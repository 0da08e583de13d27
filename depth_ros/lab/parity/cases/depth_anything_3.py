# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth Anything 3: any-view, mono, metric and nested networks, and poses from ray maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from depth_ros.lab.parity.case import Case, Tolerance
from depth_ros.models.networks.depth_anything_3.camera import encoding_of
from depth_ros.models.networks.depth_anything_3.checkpoint import network_key
from depth_ros.models.networks.depth_anything_3.configurations import official_configuration
from depth_ros.models.networks.depth_anything_3.network import (
    DepthAnything3,
    NestedDepthAnything3,
    Scene,
    build,
)
from depth_ros.models.networks.depth_anything_3.ray_pose import (
    AUTHORS,
    RayPoseSettings,
    cameras_of_rays,
)
from depth_ros.models.networks.depth_anything_3.sky import (
    is_sky,
    sky_behind_scene,
    sky_within_metres,
)


class RayPose(nn.Module):
    """Cameras of ray maps as a module without weights."""

    def __init__(self, settings: RayPoseSettings) -> None:
        super().__init__()
        self.settings = settings


def _build(config: Mapping[str, Any]) -> nn.Module:
    return build(official_configuration(config))


def _build_ray_pose(config: Mapping[str, Any]) -> nn.Module:
    return RayPose(
        AUTHORS._replace(
            hypotheses=config['n_iter'],
            confident=config['sample_ratio'],
            points=config['num_sample_for_ransac'],
            threshold=config['reproj_threshold'],
            smallest_z=config['z_threshold'],
        )
    )


def _run(network: Any, inputs: Mapping[str, Tensor]) -> Mapping[str, Any]:
    if isinstance(network, NestedDepthAnything3):
        return _nested(network(inputs['views']))
    if network.configuration.head.kind == 'sky':
        return _mono(network(inputs['views']))
    return _any_view(network, inputs)


def _any_view(network: DepthAnything3, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    views = inputs['views']
    scenes = {
        'mono': network(views[:, :1]),
        'pair': network(views[:, :2]),
        'multi': network(views),
    }
    outputs: dict[str, Tensor] = {}
    if 'extrinsics' in inputs:
        known = inputs['extrinsics'], inputs['intrinsics']
        scenes['posed'] = network(views, *known)
        size = (views.shape[-2], views.shape[-1])
        assert network.cam_enc is not None
        outputs['posed_cam_token'] = network.cam_enc(encoding_of(*known, size))
    for name, scene in scenes.items():
        parts = {
            'depth': scene.depth,
            'depth_conf': scene.confidence,
            'ray': scene.rays,
            'ray_conf': scene.ray_confidence,
            'pose_enc': scene.encoding,
            'extrinsics': scene.extrinsics,
            'intrinsics': scene.intrinsics,
            'ref_view': scene.reference,
        }
        outputs |= {f'{name}_{key}': part for key, part in parts.items() if part is not None}
    return outputs


def _mono(scene: Scene) -> dict[str, Tensor]:
    assert scene.sky is not None
    return {
        'depth_raw': scene.depth,
        'sky': scene.sky,
        # The authors' quantile is over the whole batch.
        'depth': sky_behind_scene(scene.depth[None], scene.sky[None])[0],
        'frac_sky': is_sky(scene.sky).float().mean().view(1),
    }


def _nested(scene: Scene) -> dict[str, Tensor | None]:
    assert scene.confidence is not None
    assert scene.sky is not None
    return {
        'depth': sky_within_metres(scene.depth[None], scene.sky[None])[0],
        'depth_conf': torch.where(is_sky(scene.sky), 1.0, scene.confidence),
        'extrinsics': scene.extrinsics,
        'intrinsics': scene.intrinsics,
        'scale_factor': scene.scale,
    }


def _run_ray_pose(network: RayPose, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    height, width = (int(side) for side in inputs['image_hw'])
    cameras = cameras_of_rays(
        inputs['ray'], inputs['ray_conf'], (height, width), settings=network.settings
    )
    return {'extrinsics': cameras.extrinsics, 'intrinsics': cameras.intrinsics}


_NETWORK = Case(build=_build, run=_run, key=network_key)
# Stated by the golden: the authors' random stream differs from ours.
_RAY_TOLERANCES = {'extrinsics': Tolerance(1e-3), 'intrinsics': Tolerance(0.2)}

CASES = {
    'da3': _NETWORK,  # any other configuration
    'da3_small': _NETWORK,
    'da3_giant_tiny': _NETWORK,
    'da3_mono_large': _NETWORK,
    'da3_mono_tiny': _NETWORK,
    'da3_nested_tiny': _NETWORK,
    'da3_raypose': Case(build=_build_ray_pose, run=_run_ray_pose, tolerances=_RAY_TOLERANCES),
}
