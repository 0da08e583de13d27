# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What the node tests show to the nodes, written down apart from the code under test.

An image is a smooth function of the viewing ray, so that whatever rectification, window or
encoding lies between camera and cloud, each point of the cloud has a colour that differs
from where the point is.
"""

import array

import numpy as np
from sensor_msgs.msg import Image

from depth_ros.geometry.distortion import unproject

NORMAL, DISTANCE = (0.2, -0.3, 1.0), 3.0


def plane_depth(camera, normal=NORMAL, distance=DISTANCE):
    """Return Z of the tilted plane for an ideal pinhole with this K, in float64."""
    v, u = np.mgrid[: camera.height, : camera.width].astype(np.float64)
    normal = np.array(normal) / np.linalg.norm(normal)
    rays = [(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, 1.0]
    return distance / sum(n * r for n, r in zip(normal, rays))


def ray_colour(x, y):
    """Return RGB in 40..215 for rays x/z, y/z."""
    channels = [np.sin(3 * x + 1), np.sin(2.5 * y), np.sin(2 * (x + y) - 1)]
    return 127.5 + 87.5 * np.stack(channels, -1)


def ray_image(camera):
    """Return what a camera sees of the coloured sphere: uint8 HxWx3."""
    v, u = np.mgrid[: camera.height, : camera.width].astype(np.float64)
    rays = unproject(camera, np.stack([u, v], -1))
    return np.round(ray_colour(rays[..., 0], rays[..., 1])).astype(np.uint8)


def grey(rgb):
    return np.round(rgb @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)


def _yuv(rgb):
    """BT.601 with video range."""
    r, g, b = (rgb[..., i].astype(np.float64) / 255 for i in range(3))
    y = 16 + 65.481 * r + 128.553 * g + 24.966 * b
    u = 128 - 37.797 * r - 74.203 * g + 112.0 * b
    v = 128 + 112.0 * r - 93.786 * g - 18.214 * b
    return (np.round(c).astype(np.uint8) for c in (y, u, v))


def _packed(rgb, order):
    y, u, v = _yuv(rgb)
    out = np.empty((*y.shape, 2), np.uint8)
    luma, chroma = (0, 1) if order == 'yuyv' else (1, 0)
    out[..., luma] = y
    out[:, 0::2, chroma], out[:, 1::2, chroma] = u[:, ::2], v[:, ::2]
    return out


def _planar(rgb, first):
    y, u, v = _yuv(rgb)
    pair = (u, v) if first == 'u' else (v, u)
    chroma = np.stack([c[::2, ::2] for c in pair], -1).reshape(y.shape[0] // 2, y.shape[1])
    return np.vstack([y, chroma])


def _bayer(rgb, pattern):
    out = np.empty(rgb.shape[:2], np.uint8)
    for i, letter in enumerate(pattern):
        out[i // 2 :: 2, i % 2 :: 2] = rgb[i // 2 :: 2, i % 2 :: 2, 'rgb'.index(letter)]
    return out


def _alpha(rgb):
    return np.dstack([rgb, np.full(rgb.shape[:2], 77, np.uint8)])


# name of the case -> (encoding, pixels from RGB, is it grey, tolerance in grey levels)
ENCODINGS = {
    'mono8': ('mono8', grey, True, 1),
    '8UC1': ('8UC1', grey, True, 1),
    'mono16': ('mono16', lambda x: grey(x).astype('<u2') * 257, True, 1),
    'mono16_big_endian': ('mono16', lambda x: grey(x).astype('>u2') * 257, True, 1),
    'rgb8': ('rgb8', lambda x: x, False, 1),
    'bgr8': ('bgr8', lambda x: x[..., ::-1], False, 1),
    'rgba8': ('rgba8', _alpha, False, 1),
    'bgra8': ('bgra8', lambda x: _alpha(x[..., ::-1]), False, 1),
    '8UC3': ('8UC3', lambda x: x[..., ::-1], False, 1),
    '8UC4': ('8UC4', lambda x: _alpha(x[..., ::-1]), False, 1),
    'bayer_rggb8': ('bayer_rggb8', lambda x: _bayer(x, 'rggb'), False, 6),
    'bayer_bggr8': ('bayer_bggr8', lambda x: _bayer(x, 'bggr'), False, 6),
    'bayer_gbrg8': ('bayer_gbrg8', lambda x: _bayer(x, 'gbrg'), False, 6),
    'bayer_grbg8': ('bayer_grbg8', lambda x: _bayer(x, 'grbg'), False, 6),
    'yuv422': ('yuv422', lambda x: _packed(x, 'uyvy'), False, 6),
    'yuv422_yuy2': ('yuv422_yuy2', lambda x: _packed(x, 'yuyv'), False, 6),
    'nv12': ('nv12', lambda x: _planar(x, 'u'), False, 6),
    'nv21': ('nv21', lambda x: _planar(x, 'v'), False, 6),
}


def encoded(case, rgb, head, padding=0):
    """Return the Image message of an image in one of the ENCODINGS; rows may be padded."""
    encoding, pack, _, _ = ENCODINGS[case]
    pixels = np.ascontiguousarray(pack(rgb))
    rows = pixels.view(np.uint8).reshape(pixels.shape[0], -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=0xA5)
    return Image(
        header=head,
        height=rgb.shape[0],
        width=rgb.shape[1],
        encoding=encoding,
        is_bigendian=int(pixels.dtype.byteorder == '>'),
        step=rows.shape[1],
        data=array.array('B', rows.tobytes()),
    )


def cloud_fields(cloud):
    """Return the fields of a PointCloud2 by name, read from its own description."""
    kinds = {1: 'i1', 2: 'u1', 3: 'i2', 4: 'u2', 5: 'i4', 6: 'u4', 7: 'f4', 8: 'f8'}
    dtype = np.dtype(
        {
            'names': [f.name for f in cloud.fields],
            'formats': [kinds[f.datatype] for f in cloud.fields],
            'offsets': [f.offset for f in cloud.fields],
            'itemsize': cloud.point_step,
        }
    )
    points = np.frombuffer(cloud.data, dtype).reshape(cloud.height, cloud.width)
    result = {name: points[name] for name in dtype.names}
    if 'rgb' in result:
        packed = np.ascontiguousarray(result['rgb']).view(np.uint32)
        result['rgb'] = np.stack([(packed >> s) & 255 for s in (16, 8, 0)], -1).astype(np.uint8)
    return result
