# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The networks as a whole, and how they are built."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from depth_ros.models.networks.depth_anything_3.backbone import Dinov2
from depth_ros.models.networks.depth_anything_3.camera import (
    CameraDecoder,
    CameraEncoder,
    cameras_of,
    encoding_of,
)
from depth_ros.models.networks.depth_anything_3.configurations import (
    PATCH,
    Configuration,
    NestedConfiguration,
    named_configuration,
)
from depth_ros.models.networks.depth_anything_3.dpt import Head, SkyHead, in_chunks
from depth_ros.models.networks.depth_anything_3.dual_dpt import RayHead
from depth_ros.models.networks.depth_anything_3.metric import canonical_to_metres, metric_scale
from depth_ros.models.networks.depth_anything_3.precision import at_least_float32
from depth_ros.types import DepthError


class Scene(NamedTuple):
    """
    What a network returns for several views of a scene; None is what it does not predict.

    Depth is along the optical axis. Its unit, that of the ray origins and that of the extrinsics
    are one and the same: unknown for any-view networks, metres for nested ones.
    """

    depth: Tensor
    """(batch, views, height, width); the sky is not treated"""
    confidence: Tensor | None = None
    """(batch, views, height, width), from 1"""
    rays: Tensor | None = None
    """(batch, views, rows, columns, 6), at 8 times the patch grid: direction, origin in the
    world"""
    ray_confidence: Tensor | None = None
    """(batch, views, rows, columns), from 1"""
    extrinsics: Tensor | None = None
    """(batch, views, 3, 4), world to camera"""
    intrinsics: Tensor | None = None
    """(batch, views, 3, 3), in pixels of the views"""
    sky: Tensor | None = None
    """(batch, views, height, width), from 0; sky where at least 0.3"""
    encoding: Tensor | None = None
    """(batch, views, 9), of which extrinsics and intrinsics are made"""
    reference: Tensor | None = None
    """(batch,): the view that was the reference; None with known cameras"""
    scale: Tensor | None = None
    """(batch,): the factor that made metres, NaN where nothing gave one"""


class DepthAnything3(nn.Module):
    """
    Depth and, in any-view configurations, cameras and rays of one or more views.

    `views_at_once` bounds the memory of the head: it runs for so many views at a time. Attention
    across views takes time with the square of their number, and memory in proportion to it.
    """

    def __init__(self, configuration: Configuration, views_at_once: int = 4) -> None:
        super().__init__()
        self.configuration = configuration
        self.views_at_once = views_at_once
        backbone = configuration.backbone
        self.backbone = Dinov2(backbone)
        kind: type[Head] = RayHead if configuration.head.kind == 'rays' else SkyHead
        self.head = kind(backbone.channels, configuration.head)
        self.cam_enc = CameraEncoder(backbone.width) if configuration.cameras else None
        self.cam_dec = CameraDecoder(backbone.channels) if configuration.cameras else None

    def forward(
        self, views: Tensor, extrinsics: Tensor | None = None, intrinsics: Tensor | None = None
    ) -> Scene:
        """
        Return depth and cameras of normalised RGB images.

        :param views: (batch, views, 3, height, width), height and width multiples of 14.
        :param extrinsics: known world-to-camera poses (batch, views, 3 or 4, 4), as
            `relative_extrinsics` returns them. The prediction has a scale of its own even so.
        :param intrinsics: known intrinsics (batch, views, 3, 3) in pixels of the views, together
            with the extrinsics or not at all.
        """
        height, width = _checked_size(views)
        tokens = self._known_cameras(extrinsics, intrinsics, (height, width))
        features = self.backbone(views, tokens)
        flat = [t.flatten(0, 1) for t in features.tokens]
        dense = in_chunks(self.head, flat, (height // PATCH, width // PATCH), self.views_at_once)
        by_view = views.shape[:2]
        scene = Scene(
            depth=dense.depth.unflatten(0, by_view),
            confidence=_unflattened(dense.confidence, by_view),
            rays=_unflattened(dense.rays, by_view),
            ray_confidence=_unflattened(dense.ray_confidence, by_view),
            sky=_unflattened(dense.sky, by_view),
            reference=features.reference,
        )
        if self.cam_dec is None:
            return scene
        encoding = self.cam_dec(features.camera)
        poses, lenses = cameras_of(encoding, (height, width))
        return scene._replace(extrinsics=poses, intrinsics=lenses, encoding=encoding)

    def _known_cameras(
        self, extrinsics: Tensor | None, intrinsics: Tensor | None, size: tuple[int, int]
    ) -> Tensor | None:
        if extrinsics is None and intrinsics is None:
            return None
        if extrinsics is None or intrinsics is None:
            raise DepthError(
                'known cameras need both extrinsics and intrinsics, one of them is missing; '
                'give both or neither'
            )
        if self.cam_enc is None:
            raise DepthError(
                'this configuration of Depth Anything 3 has no camera encoder and cannot use '
                'known cameras; leave extrinsics and intrinsics out'
            )
        exact = at_least_float32(extrinsics), at_least_float32(intrinsics)
        return self.cam_enc(encoding_of(*exact, size))


class NestedDepthAnything3(nn.Module):
    """An any-view network whose depth and poses become metres by a metric one."""

    def __init__(self, configuration: NestedConfiguration, views_at_once: int = 4) -> None:
        super().__init__()
        self.configuration = configuration
        self.da3 = DepthAnything3(configuration.any_view, views_at_once)
        self.da3_metric = DepthAnything3(configuration.metric, views_at_once)

    def forward(
        self, views: Tensor, extrinsics: Tensor | None = None, intrinsics: Tensor | None = None
    ) -> Scene:
        """Return depth in metres and cameras of normalised RGB images, see DepthAnything3."""
        scene, metric = self.da3(views, extrinsics, intrinsics), self.da3_metric(views)
        metres = canonical_to_metres(metric.depth, scene.intrinsics)
        scale = metric_scale(scene.depth, scene.confidence, metres, metric.sky)
        factor = scale[:, None, None, None]
        pose, rays = scene.extrinsics, scene.rays
        unit = pose.new_tensor([1, 1, 1, 0])
        in_metres = pose * (unit + (1 - unit) * factor)
        origin = rays.new_tensor([1, 1, 1, 0, 0, 0])
        return scene._replace(
            depth=scene.depth * factor,
            extrinsics=in_metres,
            rays=rays * (origin + (1 - origin) * factor[..., None]),
            encoding=None,
            sky=metric.sky,
            scale=scale,
        )


def build(
    configuration: str | Configuration | NestedConfiguration, views_at_once: int = 4
) -> DepthAnything3 | NestedDepthAnything3:
    """
    Return a network with fresh weights, in eval mode.

    :param configuration: an official name such as 'da3-small', or a configuration. Build large
        ones under `unfilled.without_weights` and load weights with `assign=True`.
    """
    if isinstance(configuration, str):
        configuration = named_configuration(configuration)
    if isinstance(configuration, NestedConfiguration):
        return NestedDepthAnything3(configuration, views_at_once).eval()
    return DepthAnything3(configuration, views_at_once).eval()


def _unflattened(part: Tensor | None, shape: torch.Size) -> Tensor | None:
    return None if part is None else part.unflatten(0, shape)


def _checked_size(views: Tensor) -> tuple[int, int]:
    if views.dim() != 5 or views.shape[2] != 3:
        raise DepthError(
            f'the views have shape {tuple(views.shape)}, expected (batch, views, 3, height, '
            'width); add the missing dimensions'
        )
    height, width = int(views.shape[3]), int(views.shape[4])
    if height < PATCH or width < PATCH or height % PATCH or width % PATCH:
        raise DepthError(
            f'the views are {width}x{height}, expected multiples of {PATCH}; resize them'
        )
    return height, width
