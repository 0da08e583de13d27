# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Measure clouds against a memory copy and against what most Python nodes do.

All ways take turns within one run; figures are ratios of medians. The copy is measured twice:
into memory that is there already, as CloudBuilder writes, and into new memory (bytes).
The usual way is a meshgrid and sensor_msgs_py's create_cloud; where that is not installed, the
same steps in NumPy stand in for it, and the report says so.
"""

from __future__ import annotations

import argparse
import array
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

from bench.timing import interleaved
from depth_ros.geometry.compiled import wanted
from depth_ros.messages.cloud import CloudBuilder, cloud_to_points
from depth_ros.types import Camera, FloatImage, Image

try:
    from sensor_msgs_py.point_cloud2 import create_cloud

    OPPONENT = 'sensor_msgs_py.create_cloud'
except ImportError:
    OPPONENT = 'the steps of create_cloud in NumPy (sensor_msgs_py is not installed)'

    def create_cloud(
        header: Any, fields: list[PointField], points: npt.NDArray[Any]
    ) -> PointCloud2:
        """Make a cloud as sensor_msgs_py does: a structured array, copied to an array."""
        dtype = np.dtype(
            {
                'names': [f.name for f in fields],
                'formats': ['f4'] * len(fields),
                'offsets': [f.offset for f in fields],
            }
        )
        if points.dtype.names is None:
            structured = np.empty(points.shape[:-1], dtype)
            for i, name in enumerate(dtype.names or ()):
                structured[name] = points[..., i]
            points = structured
        data = array.array('B')
        data.frombytes(np.ascontiguousarray(points).data.cast('B'))
        msg = PointCloud2(header=header, height=1, width=points.size, fields=fields)
        msg.point_step = points.dtype.itemsize
        msg.row_step = msg.point_step * msg.width
        msg.data = data
        return msg


FIELDS = {
    'xyz': ('x', 'y', 'z'),
    'xyzrgb': ('x', 'y', 'z', 'rgb'),
}


def usual(
    fields: str, depth: FloatImage, camera: Camera, header: Header, image: Image
) -> PointCloud2:
    """Build a cloud the way Python nodes do today."""
    u, v = np.meshgrid(
        np.arange(camera.width, dtype=np.float32), np.arange(camera.height, dtype=np.float32)
    )
    x = (u - camera.cx) * depth / camera.fx
    y = (v - camera.cy) * depth / camera.fy
    declared = [
        PointField(name=name, offset=4 * i, datatype=PointField.FLOAT32, count=1)
        for i, name in enumerate(FIELDS[fields])
    ]
    if fields == 'xyz':
        points = np.stack([x, y, depth], axis=-1).reshape(-1, 3)
        return create_cloud(header, declared, points)
    r, g, b = (image[..., i].astype(np.uint32) for i in range(3))
    rgb = (r << 16 | g << 8 | b).view(np.float32)
    points = np.stack([x, y, depth, rgb], axis=-1).reshape(-1, 4)
    return create_cloud(header, declared, points)


def median_times(ways: dict[str, Callable[[], Any]], frames: int) -> dict[str, float]:
    """Return the median milliseconds of each way, all of them taking turns."""
    return {name: 1e3 * spent for name, spent in interleaved(ways, frames).items()}


def compare(width: int, height: int, fields: str, frames: int) -> dict[str, Any]:
    """Measure one layout at one size."""
    rng = np.random.default_rng(0)
    camera = Camera.pinhole(width, height, 0.8 * width)
    depth = rng.uniform(0.5, 8.0, (height, width)).astype(np.float32)
    holes = depth.copy()
    holes[rng.random(depth.shape) < 0.1] = np.nan
    sky = holes.copy()
    sky[: height // 3] = np.inf
    image = rng.integers(0, 256, (height, width, 3), np.uint8)
    header = Header(frame_id='camera')
    builder = CloudBuilder('xyz' if fields == 'xyz' else 'xyzrgb')
    ours = cloud_to_points(builder(depth, camera, header, image)).reshape(-1)
    theirs = cloud_to_points(usual(fields, depth, camera, header, image)).reshape(-1)
    worst = max(float(np.abs(ours[n] - theirs[n]).max()) for n in 'xyz')
    if worst > 1e-5:
        raise SystemExit(f'the two clouds differ by {worst:g} m: nothing to compare')
    source = np.zeros(height * width * builder.point_step, np.uint8)
    target = np.ones_like(source)
    # A copy that has the cache to itself is a stricter measure than one that takes turns with
    # the usual way, which leaves nothing of anybody else in the cache: both are shown.
    pair = median_times(
        {
            'copy': lambda: np.copyto(target, source),
            'ours': lambda: builder(depth, camera, header, image),
        },
        frames,
    )
    against = median_times(
        {
            'usual': lambda: usual(fields, depth, camera, header, image),
            'ours': lambda: builder(depth, camera, header, image),
        },
        frames,
    )
    turns = median_times(
        {
            'copy': lambda: np.copyto(target, source),
            'copy to new memory': source.tobytes,
            'ours': lambda: builder(depth, camera, header, image),
            'ours, 10 % NaN': lambda: builder(holes, camera, header, image),
            'ours, with sky': lambda: builder(sky, camera, header, image),
            'usual': lambda: usual(fields, depth, camera, header, image),
        },
        frames,
    )
    return {
        'milliseconds': {name: round(ms, 3) for name, ms in turns.items()},
        'ours / copy': round(turns['ours'] / turns['copy'], 2),
        'ours / copy, only these two': round(pair['ours'] / pair['copy'], 2),
        'ours / copy to new memory': round(turns['ours'] / turns['copy to new memory'], 2),
        'ours with 10 % NaN / copy': round(turns['ours, 10 % NaN'] / turns['copy'], 2),
        'ours with sky / copy': round(turns['ours, with sky'] / turns['copy'], 2),
        'usual / ours': round(turns['usual'] / turns['ours'], 1),
        'usual / ours, only these two': round(against['usual'] / against['ours'], 1),
    }


def run(frames: int = 40) -> dict[str, Any]:
    """Return all ratios, by size and layout."""
    results: dict[str, Any] = {'opponent': OPPONENT, 'frames': frames}
    for name, (width, height) in {'640x480': (640, 480), '1280x720': (1280, 720)}.items():
        for fields in FIELDS:
            results[f'{name} {fields}'] = compare(width, height, fields, frames)
    return results


def main(arguments: list[str] | None = None) -> int:
    """Print the ratios as a table, or as JSON."""
    parser = argparse.ArgumentParser(description='Clouds against a memory copy and create_cloud.')
    parser.add_argument('--frames', type=int, default=40, help='measured frames, at least 30')
    parser.add_argument('--json', action='store_true')
    options = parser.parse_args(arguments)
    results = run(max(30, options.frames))
    if options.json:
        print(json.dumps(results, indent=2))
        return 0
    print(f'opponent: {results.pop("opponent")}; frames: {results.pop("frames")}')
    print(f'compiled with numba: {"yes" if wanted() else "no"}')
    for name, result in results.items():
        print(name)
        for key, value in result.items():
            print(f'  {key}: {value}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
