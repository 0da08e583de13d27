# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Point clouds and cameras as binary glTF 2.0 (.glb), which browsers and Blender open.

glTF has y up and cameras that look along -z, so the whole scene hangs below one node that turns
the world, and each camera node turns the optical frame.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from depth_ros import __version__
from depth_ros.files.writing import write_bytes
from depth_ros.types import Camera, DepthError, Image, Matrix

Up = Literal['optical', 'z']

_MAGIC, _VERSION, _JSON, _BIN = 0x46546C67, 2, 0x4E4F534A, 0x004E4942
_FLOAT, _BYTE, _ARRAY_BUFFER = 5126, 5121, 34962
_POINTS, _LINES = 0, 1
_LARGEST = 0xFFFFFFFF  # bytes that the format can count
# Columns first, as glTF has matrices. From optical (y down) and from z up to y up.
_TO_Y_UP = {
    'optical': [1, 0, 0, 0, 0, -1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1],
    'z': [1, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0, 0, 0, 0, 0, 1],
}
_OF_CAMERA = np.diag([1.0, -1.0, -1.0, 1.0])
_FRUSTUM = ((0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (2, 3), (3, 4), (4, 1))


class Viewpoint(NamedTuple):
    """A camera and its pose, 4x4 camera-to-world."""

    camera: Camera
    pose: Matrix


def write_glb(
    path: str | Path,
    points: npt.ArrayLike,
    rgb: Image,
    viewpoints: Sequence[Viewpoint] = (),
    up: Up = 'optical',
) -> int:
    """
    Write the finite points of (N, 3) with colours (N, 3), and cameras as frusta; return the count.

    :param up: 'optical' where the world is an optical frame (y down), 'z' where its z is up.
    """
    points = np.asarray(points, np.float32)
    if points.ndim != 2 or points.shape[1] != 3 or rgb.shape != points.shape:
        raise DepthError(
            f'points have shape {points.shape} and colours {rgb.shape}, expected (N, 3) twice; '
            'give one colour for each point'
        )
    if rgb.dtype != np.uint8:
        raise DepthError(f'colours are {rgb.dtype}, expected uint8')
    finite = np.isfinite(points).all(1)
    scene = _Scene(up)
    if finite.any():
        scene.add_points(points[finite], rgb[finite])
    if viewpoints:
        scene.add_viewpoints(viewpoints, _frustum_size(points[finite], viewpoints))
    write_bytes(path, *scene.packed())
    return int(finite.sum())


class _Scene:
    """Builds the JSON and the binary part side by side."""

    def __init__(self, up: Up) -> None:
        self._parts: list[bytes] = []
        self._length = 0
        root = {'name': 'world', 'matrix': _TO_Y_UP[up], 'children': []}
        self._document: dict[str, Any] = {
            'asset': {'version': '2.0', 'generator': f'depth_ros {__version__}'},
            'scene': 0,
            'scenes': [{'nodes': [0]}],
            'nodes': [root],
            'accessors': [],
            'bufferViews': [],
            # Points and lines have no shading: they show their colours as they are.
            'materials': [
                {
                    'pbrMetallicRoughness': {'metallicFactor': 0, 'roughnessFactor': 1},
                    'extensions': {'KHR_materials_unlit': {}},
                }
            ],
            'extensionsUsed': ['KHR_materials_unlit'],
        }

    def add_points(self, points: npt.NDArray[np.float32], rgb: Image) -> None:
        self._add_mesh('cloud', points, rgb, _POINTS)

    def add_viewpoints(self, viewpoints: Sequence[Viewpoint], size: float) -> None:
        lines, cameras = [], []
        for index, (camera, pose) in enumerate(viewpoints):
            corners = _corners(camera, size) @ pose[:3, :3].T + pose[:3, 3]
            lines.append(corners[np.array(_FRUSTUM).ravel()])
            vertical = 2 * math.atan(camera.height / (2 * camera.fy))
            perspective = {
                'yfov': vertical,
                'aspectRatio': camera.width * camera.fy / (camera.height * camera.fx),
                'znear': max(size * 0.05, 1e-6),
            }
            cameras.append({'type': 'perspective', 'perspective': perspective})
            matrix = (pose @ _OF_CAMERA).T.ravel().tolist()
            self._add_node({'name': f'view {index}', 'camera': index, 'matrix': matrix})
        self._document['cameras'] = cameras
        joined = np.concatenate(lines).astype(np.float32)
        shade = np.linspace(0, 255, len(viewpoints)).astype(np.uint8).repeat(2 * len(_FRUSTUM))
        colors = np.stack([255 - shade, np.full_like(shade, 90), shade], 1)
        self._add_mesh('cameras', joined, colors, _LINES)

    def _add_node(self, node: dict[str, Any]) -> None:
        self._document['nodes'][0]['children'].append(len(self._document['nodes']))
        self._document['nodes'].append(node)

    def _add_mesh(self, name: str, points: npt.NDArray[np.float32], rgb: Image, mode: int) -> None:
        rgba = np.full((len(rgb), 4), 255, np.uint8)  # four bytes, as the format aligns vertices
        rgba[:, :3] = rgb
        low, high = points.min(0).tolist(), points.max(0).tolist()
        position = self._accessor(points, _FLOAT, 'VEC3', {'min': low, 'max': high})
        color = self._accessor(rgba, _BYTE, 'VEC4', {'normalized': True})
        primitive = {'attributes': {'POSITION': position, 'COLOR_0': color}, 'mode': mode}
        primitive['material'] = 0
        meshes = self._document.setdefault('meshes', [])
        meshes.append({'name': name, 'primitives': [primitive]})
        self._add_node({'name': name, 'mesh': len(meshes) - 1})

    def _accessor(
        self, values: npt.NDArray[Any], kind: int, shape: str, more: dict[str, Any]
    ) -> int:
        data = np.ascontiguousarray(values).tobytes()
        views, accessors = self._document['bufferViews'], self._document['accessors']
        views.append(
            {
                'buffer': 0,
                'byteOffset': self._length,
                'byteLength': len(data),
                'target': _ARRAY_BUFFER,
            }
        )
        accessors.append(
            {
                'bufferView': len(views) - 1,
                'componentType': kind,
                'count': len(values),
                'type': shape,
                **more,
            }
        )
        self._parts.append(data)
        self._length += len(data)  # a multiple of four for both kinds
        return len(accessors) - 1

    def packed(self) -> list[bytes]:
        """Return the file in parts."""
        if self._length:
            self._document['buffers'] = [{'byteLength': self._length}]
        for key in ('accessors', 'bufferViews'):
            if not self._document[key]:  # the format has no empty lists
                del self._document[key]
        if not self._document['nodes'][0]['children']:
            del self._document['nodes'][0]['children']
        text = json.dumps(self._document, separators=(',', ':'), allow_nan=False).encode()
        text += b' ' * (-len(text) % 4)
        chunks = struct.pack('<II', len(text), _JSON) + text
        length = 12 + len(chunks) + (8 + self._length if self._length else 0)
        if length > _LARGEST:
            raise DepthError(
                f'the cloud takes {length >> 20} MiB, a glTF file has at most '
                f'{_LARGEST >> 20}; write fewer points'
            )
        head = struct.pack('<III', _MAGIC, _VERSION, length)
        if not self._length:
            return [head, chunks]
        binary = struct.pack('<II', self._length, _BIN)
        return [head, chunks, binary, *self._parts]


def _corners(camera: Camera, size: float) -> Matrix:
    """Return the optical centre and the corners of the image at a distance, (5, 3)."""
    right, bottom = camera.width - 0.5, camera.height - 0.5
    edges = ((-0.5, -0.5), (right, -0.5), (right, bottom), (-0.5, bottom))
    rays = [((u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, 1.0) for u, v in edges]
    return size * np.array([(0.0, 0.0, 0.0), *rays])


def _frustum_size(points: npt.NDArray[np.float32], viewpoints: Sequence[Viewpoint]) -> float:
    """Return how long a frustum is drawn: small beside the scene, and beside the path."""
    places = np.array([pose[:3, 3] for _, pose in viewpoints])
    if len(points):
        spread = np.linalg.norm(np.subtract(*np.percentile(points, [90, 10], axis=0)))
    else:
        spread = np.linalg.norm(np.ptp(places, axis=0))
    return float(max(0.03 * spread, 1e-3))
