# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Compressed clouds, read as the plugins of point_cloud_transport read them."""

import copy
import gzip
import importlib.util
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

pytest.importorskip('sensor_msgs')

from sensor_msgs.msg import PointField
from std_msgs.msg import Header

from depth_ros.messages import point_cloud_transport as transport
from depth_ros.messages.cloud import CloudBuilder, cloud_to_points
from depth_ros.types import Camera, DepthError

CAMERA = Camera.pinhole(40, 30, 35.0)
FORMATS = ('zlib', 'zstd', 'draco')


@dataclass
class CompressedPointCloud2:
    """The fields of point_cloud_interfaces/msg/CompressedPointCloud2.msg."""

    header: Any = None
    height: int = 0
    width: int = 0
    fields: list = field(default_factory=list)
    is_bigendian: bool = False
    point_step: int = 0
    row_step: int = 0
    compressed_data: Any = b''
    is_dense: bool = False
    format: str = ''


def needs(name):
    if name not in transport.available():
        pytest.skip(f'the library of {name} is not installed')
    return name


def a_cloud(fields='xyzrgb', extra=(), organised=True):
    rng = np.random.default_rng(0)
    depth = rng.uniform(0.5, 5, (30, 40)).astype(np.float32)
    depth[3] = np.nan
    image = rng.integers(0, 256, (30, 40, 3), np.uint8)
    build = CloudBuilder(fields, organised, extra=extra)
    more = {name: rng.uniform(0, 1, (30, 40)).astype(np.float32) for name in extra}
    return build(depth, CAMERA, Header(frame_id='optical'), image, more)


def compressed(cloud, name):
    return transport.compress_cloud(cloud, name, kind=CompressedPointCloud2)


@pytest.mark.parametrize('name', ['zlib', 'zstd'])
@pytest.mark.parametrize('organised', [True, False])
def test_a_cloud_comes_back_to_the_bit(name, organised):
    cloud = a_cloud(organised=organised)
    msg = compressed(cloud, needs(name))
    assert msg.format == name
    assert msg.header is cloud.header
    back = transport.decompress_cloud(msg)
    assert bytes(back.data) == bytes(cloud.data)
    for attribute in ('height', 'width', 'point_step', 'row_step', 'is_dense', 'is_bigendian'):
        assert getattr(back, attribute) == getattr(cloud, attribute)
    assert [f.name for f in back.fields] == ['x', 'y', 'z', 'rgb']


def test_zlib_is_a_gzip_stream():
    """zlib_cpp.cpp opens deflate with 16 added to the window bits."""
    cloud = a_cloud()
    msg = compressed(cloud, 'zlib')
    assert gzip.decompress(bytes(msg.compressed_data)) == bytes(cloud.data)


def test_a_zstd_frame_knows_its_size():
    """zstd_subscriber.cpp asks ZSTD_getFrameContentSize."""
    if importlib.util.find_spec('zstandard') is None:
        pytest.skip('zstandard is not installed')
    import zstandard

    cloud = a_cloud()
    data = bytes(compressed(cloud, 'zstd').compressed_data)
    assert zstandard.frame_content_size(data) == len(cloud.data)


@pytest.mark.parametrize(
    ('fields', 'extra'),
    [('xyz', ()), ('xyzrgb', ()), ('xyzi', ()), ('xyzrgb', ('height', 'uncertainty'))],
    ids=str,
)
def test_draco_attributes_fall_to_the_offsets_of_their_fields(fields, extra):
    needs('draco')
    cloud = a_cloud(fields, extra)
    msg = compressed(cloud, 'draco')
    back = cloud_to_points(transport.decompress_cloud(msg))
    points = cloud_to_points(cloud).reshape(-1)
    points = points[np.isfinite(points['z'])]
    assert (msg.height, msg.width, msg.is_dense) == (1, len(points), True)
    for name in points.dtype.names:
        if name == 'rgb':
            np.testing.assert_array_equal(back[name].view(np.uint32), points[name].view(np.uint32))
        else:
            np.testing.assert_allclose(back[name], points[name], atol=2e-4)


def test_draco_takes_the_layout_of_the_plugin_too():
    """draco_publisher.cpp makes one attribute of each field, x, y and z apart."""
    needs('draco')
    import DracoPy

    cloud = a_cloud('xyz', organised=False)
    points = cloud_to_points(cloud)
    data = DracoPy.encode(
        np.stack([points[n] for n in 'xyz'], axis=-1),
        generic_attributes={'more': points['x'][:, None].copy()},
        quantization_bits=16,
        preserve_order=True,
    )
    msg = compressed(cloud, 'zlib')
    msg.format, msg.compressed_data = 'draco', data
    msg.point_step, msg.row_step = 16, 16 * len(points)
    at_12 = PointField(name='more', offset=12, datatype=PointField.FLOAT32, count=1)
    msg.fields = [msg.fields[0], at_12]
    back = cloud_to_points(transport.decompress_cloud(msg))
    np.testing.assert_array_equal(back['more'], points['x'])


def test_draco_refuses_clouds_it_would_garble():
    needs('draco')
    cloud = a_cloud('xyz')
    cloud.fields = [cloud.fields[i] for i in (0, 2)]
    with pytest.raises(DepthError, match='choose zlib or zstd'):
        compressed(cloud, 'draco')


def test_without_its_library_a_format_is_refused_in_a_sentence(monkeypatch):
    monkeypatch.setattr(transport, 'available', lambda: ('zlib',))
    with pytest.raises(DepthError, match='pip install DracoPy'):
        compressed(a_cloud(), 'draco')
    with pytest.raises(DepthError, match='zlib, zstd, draco'):
        compressed(a_cloud(), 'lzma')


def test_without_the_message_the_package_to_install_is_named(monkeypatch):
    monkeypatch.setattr(transport, 'message_type', lambda: None)
    with pytest.raises(DepthError, match='point-cloud-interfaces'):
        transport.compress_cloud(a_cloud(), 'zlib')


@pytest.mark.parametrize(
    ('changes', 'sentence'),
    [
        ({'compressed_data': b'nonsense'}, 'cannot be read'),
        ({'height': 31}, 'cut off'),
        ({'format': 'lzma'}, 'expected zlib'),
        ({'row_step': 1 << 31}, 'claims'),
    ],
    ids=str,
)
def test_damaged_messages_are_refused_in_a_sentence(changes, sentence):
    msg = copy.copy(compressed(a_cloud(), 'zlib'))
    for name, value in changes.items():
        setattr(msg, name, value)
    with pytest.raises(DepthError, match=sentence):
        transport.decompress_cloud(msg)


def test_a_bomb_is_not_unpacked():
    """A message may hold far more than it claims; no more than that is decompressed."""
    msg = compressed(a_cloud(), 'zlib')
    msg.compressed_data = gzip.compress(bytes(50_000_000))
    back = transport.decompress_cloud(msg)
    assert len(back.data) == msg.height * msg.row_step
