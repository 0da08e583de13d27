# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Cameras as tokens and back.

Extrinsics are world-to-camera, intrinsics are in pixels of the network's input, and a pose
encoding is (..., 9): position, quaternion (x, y, z, w) and vertical and horizontal field of view
in radians, of camera-to-world.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from depth_ros.models.networks.depth_anything_3.blocks import Block, Mlp
from depth_ros.models.networks.depth_anything_3.precision import at_least_float32

ENCODING = 9
_SMALLEST_TANGENT = 1e-6
_SMALLEST_DISTANCE = 0.1


class CameraEncoder(nn.Module):
    """Known cameras as tokens that take the place of the learned ones."""

    def __init__(self, width: int, depth: int = 4, heads: int = 16) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            *(Block(width, heads, epsilon=1e-5, scale=0.01) for _ in range(depth))
        )
        self.token_norm = nn.LayerNorm(width)
        self.trunk_norm = nn.LayerNorm(width)
        self.pose_branch = Mlp(ENCODING, width // 2, width)

    def forward(self, encoding: Tensor) -> Tensor:
        """Return camera tokens (batch, views, width) for pose encodings (batch, views, 9)."""
        encoding = encoding.to(self.token_norm.weight.dtype)
        return self.trunk_norm(self.trunk(self.token_norm(self.pose_branch(encoding))))


class CameraDecoder(nn.Module):
    """Camera tokens as cameras."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()
        )
        self.fc_t = nn.Linear(width, 3)
        self.fc_qvec = nn.Linear(width, 4)
        self.fc_fov = nn.Sequential(nn.Linear(width, 2), nn.ReLU())

    def forward(self, tokens: Tensor) -> Tensor:
        """Return pose encodings (batch, views, 9) for camera tokens (batch, views, width)."""
        x = self.backbone(tokens)
        return at_least_float32(torch.cat([self.fc_t(x), self.fc_qvec(x), self.fc_fov(x)], -1))


def encoding_of(extrinsics: Tensor, intrinsics: Tensor, size: tuple[int, int]) -> Tensor:
    """
    Return the pose encoding (..., 9) of known cameras.

    :param extrinsics: (..., 3 or 4, 4). :param intrinsics: (..., 3, 3).
    :param size: height and width of the image.
    """
    pose = inverse_pose(extrinsics)
    half = intrinsics.new_tensor(size) / 2
    focal = torch.stack([intrinsics[..., 1, 1], intrinsics[..., 0, 0]], -1)
    fields = 2 * torch.atan(half / focal)
    return torch.cat([pose[..., 3], matrix_to_quaternion(pose[..., :3]), fields], -1)


def cameras_of(encoding: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """
    Return extrinsics (..., 3, 4) and intrinsics (..., 3, 3) of pose encodings (..., 9).

    The principal point is the middle of the image of that height and width.
    """
    pose = torch.cat([quaternion_to_matrix(encoding[..., 3:7]), encoding[..., :3, None]], -1)
    tangent = (encoding[..., 7:] / 2).tan().clamp(min=_SMALLEST_TANGENT)
    height, width = size
    fy, fx = height / 2 / tangent[..., 0], width / 2 / tangent[..., 1]
    return inverse_pose(pose), intrinsic_matrix(
        fx, fy, torch.full_like(fx, width / 2), torch.full_like(fy, height / 2)
    )


def intrinsic_matrix(fx: Tensor, fy: Tensor, cx: Tensor, cy: Tensor) -> Tensor:
    """Return intrinsics (..., 3, 3) without skew."""
    zero, one = torch.zeros_like(fx), torch.ones_like(fx)
    rows = [torch.stack(row, -1) for row in ((fx, zero, cx), (zero, fy, cy), (zero, zero, one))]
    return torch.stack(rows, -2)


def inverse_pose(pose: Tensor) -> Tensor:
    """Return the inverse (..., 3, 4) of rigid motions (..., 3 or 4, 4)."""
    rotation = pose[..., :3, :3].mT
    return torch.cat([rotation, -rotation @ pose[..., :3, 3:]], -1)


def relative_extrinsics(extrinsics: Tensor) -> Tensor:
    """
    Return known extrinsics as the network takes them, (batch, views, 3, 4).

    The world becomes the first camera, and the unit of length becomes the median distance of the
    cameras from it (that of the lower one of two in the middle, and at least 0.1 of the old
    unit). The first camera counts, at distance 0.

    :param extrinsics: (batch, views, 3 or 4, 4).
    """
    pose = inverse_pose(extrinsics)
    first = extrinsics[:, :1, :3]
    rotation = first[..., :3] @ pose[..., :3]
    centre = first[..., :3] @ pose[..., 3:] + first[..., 3:]
    # torch.median takes the lower of the two in the middle.
    distance = centre[..., 0].norm(dim=-1).median(-1).values.clamp(min=_SMALLEST_DISTANCE)
    centre = centre / distance[:, None, None, None]
    return inverse_pose(torch.cat([rotation, centre], -1))


def quaternion_to_matrix(quaternion: Tensor) -> Tensor:
    """Return rotations (..., 3, 3) of quaternions (..., 4), x, y, z, w, of any length but 0."""
    x, y, z, w = (quaternion / quaternion.norm(dim=-1, keepdim=True)).unbind(-1)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)),
        (2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)),
        (2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)),
    )
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


def matrix_to_quaternion(rotation: Tensor) -> Tensor:
    """
    Return unit quaternions (..., 4), x, y, z, w with w >= 0, of rotations (..., 3, 3).

    Each row of 4 q q^T is linear in the entries of the rotation. The row of the largest
    component is free of cancellation.
    """
    r = [[rotation[..., i, j] for j in range(3)] for i in range(3)]
    xx, yy, zz = r[0][0], r[1][1], r[2][2]
    xy, xz, yz = r[0][1] + r[1][0], r[0][2] + r[2][0], r[1][2] + r[2][1]
    wx, wy, wz = r[2][1] - r[1][2], r[0][2] - r[2][0], r[1][0] - r[0][1]
    rows = (
        (1 + xx - yy - zz, xy, xz, wx),
        (xy, 1 - xx + yy - zz, yz, wy),
        (xz, yz, 1 - xx - yy + zz, wz),
        (wx, wy, wz, 1 + xx + yy + zz),
    )
    products = torch.stack([torch.stack(row, -1) for row in rows], -2)
    largest = products.diagonal(dim1=-2, dim2=-1).argmax(-1)
    index = largest[..., None, None].expand(*largest.shape, 1, 4)
    row = products.gather(-2, index)[..., 0, :]
    length = row.gather(-1, largest[..., None]).sqrt()
    quaternion = row / (2 * length)
    return torch.where(quaternion[..., 3:] < 0, -quaternion, quaternion)
