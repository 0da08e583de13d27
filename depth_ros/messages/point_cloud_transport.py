# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
sensor_msgs/PointCloud2 <-> point_cloud_interfaces/CompressedPointCloud2, as Nav2 takes them.

A subscriber with `transport_type: zlib` reads <topic>/zlib. All but the points is copied; the
points are compressed as the plugins of point_cloud_transport_plugins read them: zlib as a gzip
stream (zlib_cpp.cpp), zstd as one frame that knows its size (zstd_publisher.cpp), draco as one
attribute per field (draco_subscriber.cpp). zstd needs Python 3.14 or python3-zstandard, draco
needs DracoPy, and the message needs point_cloud_interfaces: all of them are optional.
"""

from __future__ import annotations

import importlib
import importlib.util
import zlib
from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import PointCloud2

from depth_ros.messages.cloud import cloud_to_points
from depth_ros.messages.fast import array_to_bytes, new_message
from depth_ros.types import DepthError

Format = Literal['zlib', 'zstd', 'draco']
MAX_BYTES = 1 << 30  # of the points of a cloud, when they are decompressed
_GZIP = 16  # added to the window bits, writes gzip; 32 reads gzip and zlib alike
_WINDOW = 15
_DRACO_BITS = 16  # of a coordinate, as the plugin has it
_COPIED = ('header', 'height', 'width', 'is_bigendian', 'point_step', 'row_step', 'is_dense')


def message_type() -> Any | None:
    """Return the class of the message, or None where point_cloud_interfaces is not installed."""
    if importlib.util.find_spec('point_cloud_interfaces') is None:
        return None
    return importlib.import_module('point_cloud_interfaces.msg').CompressedPointCloud2


def available() -> tuple[Format, ...]:
    """Return the formats whose libraries are here."""
    found: list[Format] = ['zlib']
    if _zstd() is not None:
        found.append('zstd')
    if importlib.util.find_spec('DracoPy') is not None:
        found.append('draco')
    return tuple(found)


def compress_cloud(
    cloud: PointCloud2, format: Format, level: int = 1, kind: Any | None = None
) -> Any:
    """
    Return the compressed message of a cloud.

    :param level: 1 is fast; zlib goes up to 9, zstd up to 19. Draco has none.
    :param kind: the class of the message, by default that of point_cloud_interfaces.
    """
    kind = kind or message_type()
    if kind is None:
        raise DepthError(
            'a compressed cloud needs the message point_cloud_interfaces/CompressedPointCloud2; '
            'install ros-$ROS_DISTRO-point-cloud-interfaces'
        )
    _check(format)
    result = new_message(kind, cloud.header) if hasattr(kind, '__slots__') else kind()
    source, fields, data = cloud, list(cloud.fields), b''
    if format == 'zlib':
        packer = zlib.compressobj(level, zlib.DEFLATED, _WINDOW + _GZIP)
        data = packer.compress(memoryview(cloud.data)) + packer.flush()
    elif format == 'zstd':
        data = _needed(_zstd())[0](memoryview(cloud.data), level)
    else:
        source, fields, data = _to_draco(cloud)
    for name in _COPIED:
        setattr(result, name, getattr(source, name))
    result.fields = fields
    result.compressed_data = array_to_bytes(np.frombuffer(data, np.uint8))
    result.format = format
    return result


def decompress_cloud(msg: Any, max_bytes: int = MAX_BYTES) -> PointCloud2:
    """Return the cloud of a compressed message."""
    _check(str(msg.format))
    size = int(msg.height) * int(msg.row_step)
    if size > max_bytes:
        raise DepthError(
            f'compressed cloud claims {size} bytes of points, expected at most {max_bytes}; '
            'check the publisher'
        )
    data = bytes(msg.compressed_data)
    if msg.format == 'zlib':
        points = _unzip(data, size)
    elif msg.format == 'zstd':
        points = np.frombuffer(_needed(_zstd())[1](data, size), np.uint8)
    else:
        points = _from_draco(msg, data)
    if points.size != size:
        raise DepthError(
            f'compressed cloud of {msg.width}x{msg.height} points holds {points.size} bytes, '
            f'expected {size}; the message was cut off'
        )
    cloud = new_message(PointCloud2, msg.header)
    for name in _COPIED:
        setattr(cloud, name, getattr(msg, name))
    cloud.fields = list(msg.fields)
    cloud.data = array_to_bytes(points)
    return cloud


def _check(format: str) -> None:
    if format not in get_args(Format):
        raise DepthError(f'cloud format is {format!r}, expected {", ".join(get_args(Format))}')
    if format not in available():
        package = {'zstd': 'zstandard', 'draco': 'DracoPy'}[format]
        raise DepthError(
            f'cloud format {format} needs {package}, which is not installed; '
            f'`pip install {package}`, or choose zlib'
        )


def _unzip(data: bytes, size: int) -> npt.NDArray[np.uint8]:
    try:
        return np.frombuffer(
            zlib.decompressobj(_WINDOW + 32).decompress(data, max(size, 1)), np.uint8
        )
    except zlib.error as error:
        raise DepthError(
            f'compressed cloud cannot be read as zlib ({error}); check the publisher'
        ) from error


Codec = tuple[Callable[..., bytes], Callable[[bytes, int], bytes]]


def _zstd() -> Codec | None:
    """Return compress(data, level) and decompress(data, size), or None without a library."""
    if importlib.util.find_spec('zstandard') is not None:
        library = importlib.import_module('zstandard')
        return (
            lambda data, level: library.ZstdCompressor(level).compress(data),
            lambda data, size: library.ZstdDecompressor().decompress(data, max_output_size=size),
        )
    try:
        standard = importlib.import_module('compression.zstd')  # Python 3.14
    except ImportError:
        return None
    return standard.compress, lambda data, size: _bounded(standard, data, size)


def _bounded(library: Any, data: bytes, size: int) -> bytes:
    result: bytes = library.ZstdDecompressor().decompress(data, size)
    return result


def _needed(codec: Codec | None) -> Codec:
    assert codec is not None  # _check has looked
    return codec


def _to_draco(cloud: PointCloud2) -> tuple[PointCloud2, list[Any], bytes]:
    """
    Return the dense cloud, its fields and the Draco buffer.

    Draco's attributes are written by the receiver to the offsets of the fields in turn, whole: so
    x, y, z are one attribute of three numbers at the offset of x, rgb is one of four bytes, and
    the fields are in the order of the attributes. x, y, z must follow each other.
    """
    library = importlib.import_module('DracoPy')
    points = cloud_to_points(cloud).reshape(-1)
    fields = {field.name: field for field in cloud.fields}
    offsets = [fields[name].offset for name in 'xyz' if name in fields]
    others = [name for name in fields if name not in ('x', 'y', 'z', 'rgb')]
    floats = all(points.dtype[name] == np.float32 for name in fields)
    if len(offsets) < 3 or np.diff(offsets).tolist() != [4, 4] or not floats:
        raise DepthError(
            f'draco takes float32 clouds with x, y and z side by side here, this one has '
            f'{points.dtype}; choose zlib or zstd'
        )
    here = np.isfinite(points['x']) & np.isfinite(points['y']) & np.isfinite(points['z'])
    dense = points[here]
    colours = None
    if 'rgb' in fields:
        colours = np.ascontiguousarray(dense['rgb']).view(np.uint8).reshape(-1, 4)
    data = library.encode(
        np.stack([dense[name] for name in 'xyz'], axis=-1),
        colors=colours,
        generic_attributes={n: np.ascontiguousarray(dense[n])[:, None] for n in others} or None,
        quantization_bits=_DRACO_BITS,
        compression_level=1,
        preserve_order=True,
    )
    result = new_message(PointCloud2, cloud.header)
    result.height, result.width = 1, len(dense)
    result.point_step = cloud.point_step
    result.row_step = cloud.point_step * len(dense)
    result.is_bigendian, result.is_dense = cloud.is_bigendian, True
    order = ['x', *(name for name in ('rgb',) if name in fields), *others, 'y', 'z']
    return result, [fields[name] for name in order], bytes(data)


def _from_draco(msg: Any, data: bytes) -> npt.NDArray[np.uint8]:
    """Return the bytes of the points: each attribute goes to the offset of its field."""
    attributes = importlib.import_module('DracoPy').decode(data).attributes
    count = len(attributes[0]['data'])
    result = np.zeros((count, int(msg.point_step)), np.uint8)
    for field, attribute in zip(msg.fields, attributes):
        raw = np.ascontiguousarray(attribute['data']).view(np.uint8).reshape(count, -1)
        start = int(field.offset)
        if start + raw.shape[1] > result.shape[1]:
            raise DepthError(
                f'draco attribute of {raw.shape[1]} bytes at offset {start} does not fit into '
                f'points of {result.shape[1]} bytes; check the publisher'
            )
        result[:, start : start + raw.shape[1]] = raw
    return result.reshape(-1)
