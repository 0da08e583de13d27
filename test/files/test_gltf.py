# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Binary glTF: read back byte by byte, and by another library where that is installed."""

import json
import struct

import numpy as np
import pytest

from depth_ros.files.gltf import Viewpoint, write_glb
from depth_ros.types import Camera, DepthError


def parsed(data):
    """Return the JSON and the binary part, checking the frame around them."""
    magic, version, length = struct.unpack_from('<III', data)
    assert (magic, version, length) == (0x46546C67, 2, len(data))
    size, kind = struct.unpack_from('<II', data, 12)
    assert kind == 0x4E4F534A
    assert size % 4 == 0
    document = json.loads(data[20 : 20 + size])
    rest = data[20 + size :]
    if not rest:
        return document, b''
    size, kind = struct.unpack_from('<II', rest)
    assert kind == 0x004E4942
    assert size % 4 == 0
    assert size == len(rest) - 8 == document['buffers'][0]['byteLength']
    return document, rest[8:]


def values(document, binary, index):
    """Return an accessor as an array."""
    accessor = document['accessors'][index]
    view = document['bufferViews'][accessor['bufferView']]
    dtype = {5126: np.float32, 5121: np.uint8}[accessor['componentType']]
    width = {'VEC3': 3, 'VEC4': 4}[accessor['type']]
    assert view['byteOffset'] % 4 == 0
    part = binary[view['byteOffset'] : view['byteOffset'] + view['byteLength']]
    return np.frombuffer(part, dtype).reshape(accessor['count'], width)


def mesh(document, name):
    (found,) = [m for m in document['meshes'] if m['name'] == name]
    return found['primitives'][0]


@pytest.fixture
def cloud():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(50, 3)).astype(np.float32)
    return points, rng.integers(0, 256, (50, 3), np.uint8)


def to_y_up(document):
    return np.array(document['nodes'][0]['matrix']).reshape(4, 4).T


def test_points_and_colours_come_back(tmp_path, cloud):
    points, rgb = cloud
    points[3] = np.nan, 0, 0
    assert write_glb(tmp_path / 'a.glb', points, rgb) == 49
    document, binary = parsed((tmp_path / 'a.glb').read_bytes())
    primitive = mesh(document, 'cloud')
    assert primitive['mode'] == 0
    position = values(document, binary, primitive['attributes']['POSITION'])
    color = values(document, binary, primitive['attributes']['COLOR_0'])
    kept = np.arange(50) != 3
    np.testing.assert_array_equal(position, points[kept])
    np.testing.assert_array_equal(color[:, :3], rgb[kept])
    assert (color[:, 3] == 255).all()
    accessor = document['accessors'][primitive['attributes']['POSITION']]
    np.testing.assert_array_equal(accessor['min'], position.min(0))
    np.testing.assert_array_equal(accessor['max'], position.max(0))
    assert document['accessors'][primitive['attributes']['COLOR_0']]['normalized']


@pytest.mark.parametrize(('up', 'above'), [('optical', (0, -1, 0)), ('z', (0, 0, 1))])
def test_up_is_y(tmp_path, cloud, up, above):
    write_glb(tmp_path / 'a.glb', *cloud, up=up)
    turn = to_y_up(parsed((tmp_path / 'a.glb').read_bytes())[0])
    np.testing.assert_array_equal(turn[:3, :3] @ above, (0, 1, 0))
    assert np.linalg.det(turn) == 1


def test_cameras_look_at_what_they_see(tmp_path, cloud):
    """A point in the middle of an image is straight ahead of the camera of glTF, along -z."""
    camera = Camera.pinhole(80, 60, 50.0, 40.0)
    pose = np.eye(4)
    pose[:3, :3] = [[0, 0, 1], [-1, 0, 0], [0, -1, 0]]  # looks along x of the world
    pose[:3, 3] = 1, 2, 3
    write_glb(tmp_path / 'a.glb', *cloud, [Viewpoint(camera, pose)])
    document, binary = parsed((tmp_path / 'a.glb').read_bytes())
    (node,) = [n for n in document['nodes'] if 'camera' in n]
    matrix = np.array(node['matrix']).reshape(4, 4).T
    np.testing.assert_allclose(matrix @ (0, 0, -5, 1), pose @ (0, 0, 5, 1))
    np.testing.assert_allclose(matrix @ (0, 1, -5, 1), pose @ (0, -1, 5, 1))
    (made,) = document['cameras']
    perspective = made['perspective']
    assert np.tan(perspective['yfov'] / 2) == pytest.approx(30 / 40)
    assert np.tan(perspective['yfov'] / 2) * perspective['aspectRatio'] == pytest.approx(40 / 50)
    primitive = mesh(document, 'cameras')
    assert primitive['mode'] == 1
    lines = values(document, binary, primitive['attributes']['POSITION'])
    assert len(lines) == 16
    np.testing.assert_allclose(lines[0], (1, 2, 3))


def test_an_empty_cloud_is_a_file_too(tmp_path):
    write_glb(tmp_path / 'a.glb', np.zeros((0, 3)), np.zeros((0, 3), np.uint8))
    document, binary = parsed((tmp_path / 'a.glb').read_bytes())
    assert not binary
    assert 'meshes' not in document


def test_wrong_shapes_are_errors(tmp_path, cloud):
    points, rgb = cloud
    with pytest.raises(DepthError, match='one colour for each point'):
        write_glb(tmp_path / 'a.glb', points, rgb[:-1])
    with pytest.raises(DepthError, match='expected uint8'):
        write_glb(tmp_path / 'a.glb', points, rgb.astype(np.float32))


def test_another_library_reads_it(tmp_path, cloud):
    pygltflib = pytest.importorskip('pygltflib')
    pose = np.eye(4)
    write_glb(tmp_path / 'a.glb', *cloud, [Viewpoint(Camera.pinhole(80, 60, 50.0), pose)])
    document = pygltflib.GLTF2().load(str(tmp_path / 'a.glb'))
    assert [m.name for m in document.meshes] == ['cloud', 'cameras']
    attributes = document.meshes[0].primitives[0].attributes
    accessor = document.accessors[attributes.POSITION]
    view = document.bufferViews[accessor.bufferView]
    blob = document.binary_blob()[view.byteOffset : view.byteOffset + view.byteLength]
    np.testing.assert_array_equal(np.frombuffer(blob, np.float32).reshape(-1, 3), cloud[0])
    pytest.importorskip('pygltflib.validator').validate(document)
    assert document.cameras[0].type == 'perspective'
