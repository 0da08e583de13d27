# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Padded clouds hold the same points in the layout of PCL and stereo_image_proc."""

import numpy as np
import pytest

pytest.importorskip('sensor_msgs')

from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

from depth_ros.messages.cloud import CloudBuilder, cloud_to_points
from depth_ros.messages.cloud_padding import pad_cloud
from depth_ros.nodes.output import points
from depth_ros.nodes.parameters.spec import checked
from depth_ros.nodes.parameters.specs import STEREO
from depth_ros.types import Camera, DepthError

CAMERA = Camera.pinhole(7, 5, 6.0)
RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (5, 7, 3), np.uint8)
DEPTH = RNG.uniform(1, 4, (5, 7)).astype(np.float32)
DEPTH[1, 2:4] = np.nan


@pytest.mark.parametrize('organised', [True, False])
@pytest.mark.parametrize(
    ('fields', 'extra', 'step', 'offsets'),
    [
        ('xyz', (), 16, [0, 4, 8]),
        ('xyzrgb', (), 32, [0, 4, 8, 16]),
        ('xyzi', (), 32, [0, 4, 8, 16]),
        ('xyzrgb', ('height', 'uncertainty'), 32, [0, 4, 8, 16, 20, 24]),
        ('xyz', ('height',), 32, [0, 4, 8, 16]),
    ],
)
def test_the_points_are_the_same(organised, fields, extra, step, offsets):
    images = {name: RNG.random((5, 7), np.float32) for name in extra}
    packed = CloudBuilder(fields, organised, extra=extra)(
        DEPTH, CAMERA, Header(frame_id='eye'), IMAGE, images
    )
    padded = pad_cloud(packed)
    assert (padded.point_step, padded.row_step) == (step, step * packed.width)
    assert [field.offset for field in padded.fields] == offsets
    assert len(padded.data) == padded.row_step * padded.height
    assert (padded.header, padded.is_dense) == (packed.header, packed.is_dense)
    before, after = cloud_to_points(packed), cloud_to_points(padded)
    assert before.shape == after.shape
    for name in before.dtype.names:
        assert before[name].tobytes() == after[name].tobytes()


def test_a_cloud_without_points():
    nothing = np.full_like(DEPTH, np.nan)
    padded = pad_cloud(CloudBuilder('xyz', organised=False)(nothing, CAMERA, Header()))
    assert (padded.width, padded.point_step, len(padded.data)) == (0, 16, 0)


@pytest.mark.parametrize(
    'fields',
    [
        [('x', 0), ('y', 4), ('z', 12)],
        [('y', 0), ('x', 4), ('z', 8)],
        [('x', 0)],
    ],
)
def test_other_layouts_are_refused(fields):
    msg = PointCloud2(
        point_step=4 * len(fields),
        fields=[
            PointField(name=n, offset=o, datatype=PointField.FLOAT32, count=1) for n, o in fields
        ],
    )
    with pytest.raises(DepthError, match='expected x, y, z'):
        pad_cloud(msg)


@pytest.mark.parametrize(('avoid', 'fields', 'step'), [(True, 'xyzrgb', 16), (False, 'xyz', 16)])
def test_the_parameter_is_that_of_stereo_image_proc(avoid, fields, step):
    values = checked(STEREO, {'avoid_point_cloud_padding': avoid, 'points_fields': fields})
    settings = points.prepare(values)
    assert settings.padded is not avoid
    cloud = settings.cloud(DEPTH, CAMERA, Header(), IMAGE)
    assert (pad_cloud(cloud) if settings.padded else cloud).point_step == step
