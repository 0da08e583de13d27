# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The objective of Depth Anything 3 (Lin and others, 2025): depth, rays, points and cameras.

The world is the camera of the reference view, and the unit of length is the mean distance of the
points of a scene from it.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from depth_ros.geometry.depth_values import in_range
from depth_ros.lab.train import losses
from depth_ros.lab.train.networks.scenes import SceneBatch
from depth_ros.models.networks.depth_anything_3.camera import encoding_of, inverse_pose
from depth_ros.models.networks.depth_anything_3.network import Scene

SURE = 0.2  # what a prediction gains by confidence
NEAREST = 1e-3  # metres


class Truth(NamedTuple):
    """What a network should predict of a batch, in its units."""

    depth: Tensor  # (B, N, H, W)
    mask: Tensor
    rays: Tensor  # (B, N, rows, columns, 6), direction and origin
    points: Tensor  # (B, N, rows, columns, 3), in the world
    known: Tensor  # (B, N, rows, columns), where there is a point
    encoding: Tensor  # (B, N, 9)
    poses: Tensor  # (B, N, 4, 4), camera-to-world
    unit: Tensor  # (B,), metres
    reference: Tensor  # (B,), the view whose camera is the world


def known_depth(depth: Tensor, max_depth: float) -> Tensor:
    """Return where depth is known and counts."""
    return in_range(depth, NEAREST, max_depth)


def directions(K: Tensor, rows: int, columns: int, size: tuple[int, int]) -> Tensor:
    """
    Return K^-1 (u, v, 1) at the centres of the cells of a grid, (..., rows, columns, 3).

    :param K: (..., 3, 3) in pixels of an image of that height and width.
    """
    height, width = size
    v = (torch.arange(rows, device=K.device, dtype=K.dtype) + 0.5) * (height / rows) - 0.5
    u = (torch.arange(columns, device=K.device, dtype=K.dtype) + 0.5) * (width / columns) - 0.5
    x = (u - K[..., 0, 2, None]) / K[..., 0, 0, None]
    y = (v - K[..., 1, 2, None]) / K[..., 1, 1, None]
    shape = (*K.shape[:-2], rows, columns)
    x, y = x[..., None, :].expand(shape), y[..., :, None].expand(shape)
    return torch.stack([x, y, torch.ones_like(x)], -1)


def truth_of(
    batch: SceneBatch, reference: Tensor | None, grid: tuple[int, int], far: float
) -> Truth:
    """
    Return the truth of a batch; `grid` are rows and columns of the ray map.

    :param reference: (B,), the view whose camera is the world; None is the first one.
    """
    size = (batch.depth.shape[-2], batch.depth.shape[-1])
    if reference is None:
        reference = torch.zeros(len(batch.depth), dtype=torch.int64, device=batch.depth.device)
    world = batch.poses[torch.arange(len(reference), device=reference.device), reference]
    poses = torch.linalg.inv(world)[:, None] @ batch.poses
    # The nearest pixel: a mean across an edge belongs to no surface.
    coarse = functional.interpolate(batch.depth, grid, mode='nearest-exact')
    known = known_depth(coarse, far)
    turned = directions(batch.K, *grid, size) @ poses[..., :3, :3].mT[:, :, None]
    origin = poses[..., :3, 3][:, :, None, None].expand_as(turned)
    filled = torch.where(known, coarse, torch.ones_like(coarse))
    points = origin + filled[..., None] * turned
    distance = torch.where(known, points.norm(dim=-1), 0).flatten(1).sum(1)
    unit = (distance / known.flatten(1).sum(1).clamp(min=1)).clamp(min=NEAREST)
    by_view = unit[:, None, None, None]
    scaled = poses.clone()
    scaled[..., :3, 3] = poses[..., :3, 3] / unit[:, None, None]
    half = batch.K.new_tensor([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])
    mask = known_depth(batch.depth, far)
    return Truth(
        torch.where(mask, batch.depth, torch.ones_like(batch.depth)) / by_view,
        mask,
        torch.cat([turned, origin / by_view[..., None]], -1),
        points / by_view[..., None],
        known,
        encoding_of(inverse_pose(scaled), batch.K + half, size),
        scaled,
        unit,
        reference,
    )


def trusted(error: Tensor, confidence: Tensor, mask: Tensor) -> Tensor:
    """Return the mean error, weighed by a confidence (from 1) that is not free to be small."""
    return losses.masked_mean(confidence * error - SURE * confidence.log(), mask)


def objective(scene: Scene, truth: Truth) -> Tensor:
    """Return the loss of a prediction."""
    assert scene.confidence is not None
    assert scene.rays is not None
    assert scene.ray_confidence is not None
    assert scene.encoding is not None
    depth = trusted((scene.depth - truth.depth).abs(), scene.confidence, truth.mask)
    everywhere = torch.ones_like(truth.known)
    rays = trusted((scene.rays - truth.rays).abs().sum(-1), scene.ray_confidence, everywhere)
    # As the truth is taken: another way has a loss even where the prediction is exact.
    seen = functional.interpolate(scene.depth, truth.known.shape[-2:], mode='nearest-exact')
    points = scene.rays[..., 3:] + seen[..., None] * scene.rays[..., :3]
    apart = losses.masked_mean((points - truth.points).abs().sum(-1), truth.known)
    cameras = (scene.encoding - truth.encoding).abs().sum(-1).mean()
    flat = (scene.depth.flatten(0, 1), truth.depth.flatten(0, 1), truth.mask.flatten(0, 1))
    edges = losses.gradient_matching(*flat, scales=1, align=False)
    return depth + rays + apart + cameras + edges


class CameraErrors(NamedTuple):
    """How wrong cameras are, (B,) each: means over the views besides the reference."""

    rotation: Tensor  # degrees
    position: Tensor  # in units of the truth
    distance: Tensor  # the true one from the reference, to compare the position with


def camera_errors(extrinsics: Tensor, truth: Truth, scale: Tensor) -> CameraErrors:
    """
    Return the errors of predicted world-to-camera poses (B, N, 3, 4).

    The predicted world may lie anywhere: poses are compared as seen from the reference.

    :param scale: (B,), what makes the unit of the truth of that of the prediction.
    """
    batch = torch.arange(len(extrinsics), device=extrinsics.device)
    reference = extrinsics[batch, truth.reference][:, None]
    poses = inverse_pose(extrinsics)
    rotation = reference[..., :3] @ poses[..., :3]
    centre = (reference[..., :3] @ poses[..., 3:] + reference[..., 3:])[..., 0]
    turn = rotation.mT @ truth.poses[..., :3, :3]
    cosine = ((turn.diagonal(dim1=-2, dim2=-1).sum(-1) - 1) / 2).clamp(-1, 1)
    off = (scale[:, None, None] * centre - truth.poses[..., :3, 3]).norm(dim=-1)
    distance = truth.poses[..., :3, 3].norm(dim=-1)
    # The reference is exact by definition. A view in the same place is not: it counts.
    others = torch.ones_like(distance)
    others[batch, truth.reference] = 0
    count = others.sum(1).clamp(min=1)
    columns = (cosine.acos().rad2deg(), off, distance)
    return CameraErrors(*((others * column).sum(1) / count for column in columns))
