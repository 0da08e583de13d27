# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Losses without labels: depth is right when it explains one image by another.

Images are (batch, 3, height, width) in [0, 1], depth and disparity (batch, height, width).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from depth_ros.lab.train.networks.batches import ClipBatch
from depth_ros.lab.train.photometric import (
    edge_aware_smoothness,
    minimum_reprojection,
    photometric_error,
    unmoved,
    warp_by_disparity,
    warp_by_pose,
)

PAIR_SMOOTHNESS = 0.1  # of Monodepth, divided by the reduction of the scale
VIDEO_SMOOTHNESS = 1e-3  # of Monodepth2, divided by the reduction of the scale
FARTHEST = 200.0  # metres, or units: keeps 1 / depth and the warp finite
NEAREST = 0.02
METRES = 10.0  # unit of the translations for networks that begin with metres


def rotation(axis_angle: Tensor) -> Tensor:
    """Return rotation matrices (batch, 3, 3) for axes with the angle as length (batch, 3)."""
    angle = (axis_angle.square().sum(1) + 1e-12).sqrt()[:, None, None]
    x, y, z = (axis_angle / angle[:, 0]).unbind(1)
    zero = torch.zeros_like(x)
    cross = torch.stack((zero, -z, y, z, zero, -x, -y, x, zero), 1).unflatten(1, (3, 3))
    turn = angle.sin() * cross + (1 - angle.cos()) * (cross @ cross)
    return turn + torch.eye(3, device=turn.device, dtype=turn.dtype)


def motion_matrix(axis_angle: Tensor, translation: Tensor, inverse: bool = False) -> Tensor:
    """Return the motion (batch, 4, 4), or its inverse."""
    turn = rotation(axis_angle)
    shift = translation[:, :, None]
    if inverse:
        turn = turn.transpose(1, 2)
        shift = -turn @ shift
    top = torch.cat((turn, shift), 2)
    bottom = torch.tensor((0.0, 0.0, 0.0, 1.0), device=top.device, dtype=top.dtype)
    return torch.cat((top, bottom.expand(len(top), 1, 4)), 1)


def predicted_motions(pose: Any, batch: ClipBatch, unit: float = 1.0) -> tuple[Tensor, ...]:
    """
    Return the motions from the images to their neighbours, as a pose network gives them.

    Its translations, which start small, are multiplied by `unit`.
    The network sees the earlier image first; that to the earlier one is therefore inverted.
    """
    before, after = batch.sources
    back, ahead = pose(before, batch.images), pose(batch.images, after)
    return (
        motion_matrix(back.axis_angle[:, 0], unit * back.translation[:, 0], inverse=True),
        motion_matrix(ahead.axis_angle[:, 0], unit * ahead.translation[:, 0]),
    )


def sized_motions(depth: Tensor, batch: ClipBatch) -> tuple[Tensor, ...]:
    """
    Return the motions in the unit of a depth, which the depth of the corners compares with.

    What follows does then not depend on that unit at all, and does not push it anywhere.
    """
    assert batch.corners is not None
    known = batch.corners.isfinite()
    corners = torch.where(known, batch.corners, torch.ones_like(batch.corners))
    logs = (depth.clamp(NEAREST, FARTHEST) / corners).log() * known
    length = (logs.sum((1, 2)) / known.sum((1, 2))).exp()[:, None]
    sized = []
    for motion in batch.motions:
        assert motion is not None
        motion = motion.clone()
        motion[:, :3, 3] *= length
        sized.append(motion)
    return tuple(sized)


def explained(
    depth: Tensor, batch: ClipBatch, motions: Sequence[Tensor], still: Tensor | None = None
) -> Tensor:
    """Return how badly the images are explained by their sources, seen at these depths."""
    depth = depth.clamp(NEAREST, FARTHEST)
    pairs = [
        warp_by_pose(source, depth, batch.K, motion)
        for source, motion in zip(batch.sources, motions)
    ]
    warped, visible = zip(*pairs)
    return minimum_reprojection(batch.images, warped, batch.sources, visible, still)


def video_loss(
    depths: Sequence[Tensor], batch: ClipBatch, motions: Sequence[Tensor], smoothness: float
) -> Tensor:
    """
    Return the loss of Monodepth2 for depth at several scales, the finest first.

    Each is brought to the size of the images before it explains them.
    """
    smoothness = smoothness or VIDEO_SMOOTHNESS
    size = batch.images.shape[-2:]
    still = unmoved(batch.images, batch.sources)
    total = batch.images.new_zeros(())
    for depth in depths:
        inverse = 1 / depth.clamp(NEAREST, FARTHEST)
        full = functional.interpolate(inverse[:, None], size, mode='bilinear')[:, 0]
        image = functional.interpolate(batch.images, inverse.shape[-2:], mode='area')
        reduction = size[1] / inverse.shape[-1]
        smooth = edge_aware_smoothness(inverse, image)
        total = total + explained(1 / full, batch, motions, still)
        total = total + smoothness / reduction * smooth
    return total / len(depths)


def pair_loss(shares: Sequence[Tensor], left: Tensor, right: Tensor, smoothness: float) -> Tensor:
    """
    Return the loss of Monodepth: appearance, smoothness and consistency of both views.

    `shares` (batch, 2, height, width) are the disparities of the left and of the right image as
    shares of the width, at several scales, the finest first.
    """
    smoothness = smoothness or PAIR_SMOOTHNESS
    total = left.new_zeros(())
    for share in shares:
        size = share.shape[-2:]
        width = size[1]
        images = [functional.interpolate(image, size, mode='area') for image in (left, right)]
        reduction = left.shape[-1] / width
        # The pixel x of the right image looks at x + disparity of the left one.
        sides = ((0, 1, 1.0), (1, 0, -1.0))
        for own, other, sign in sides:
            disparity = share[:, own]
            shift = sign * disparity * width
            # What looks past the border counts too, against the border: were it left out, the
            # cheapest disparity would be the one that looks past it everywhere.
            seen, _ = warp_by_disparity(images[other], shift)
            total = total + photometric_error(seen, images[own]).mean()
            same, _ = warp_by_disparity(share[:, other : other + 1], shift)
            total = total + (same[:, 0] - disparity).abs().mean()
            total = total + smoothness / reduction * _roughness(disparity, images[own])
    return total


def _roughness(disparity: Tensor, image: Tensor) -> Tensor:
    """Return how much the disparity changes where the image does not."""
    total = disparity.new_zeros(())
    for axis in (1, 2):
        length = disparity.shape[axis] - 1
        slope = (disparity.narrow(axis, 1, length) - disparity.narrow(axis, 0, length)).abs()
        contrast = image.narrow(axis + 1, 1, length) - image.narrow(axis + 1, 0, length)
        total = total + (slope * (-contrast.abs().mean(1)).exp()).mean()
    return total
