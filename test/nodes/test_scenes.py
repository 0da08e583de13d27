# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which views are looked at together, and where the cameras are said to be: without ROS."""

import cv2
import numpy as np

from depth_ros.geometry.poses import inverse_pose, pose_of
from depth_ros.geometry.trajectory import PoseTrack
from depth_ros.messages.classes import make_header
from depth_ros.messages.cloud import cloud_to_points, unpack_rgb
from depth_ros.models.protocol import ModelBase, ModelInfo
from depth_ros.nodes.input.group import GroupSynchroniser
from depth_ros.nodes.output import local_points
from depth_ros.nodes.work.keyframes import Keyframes, Shown, Spacing
from depth_ros.nodes.work.scenes import SceneMaker
from depth_ros.pipeline import Options, Pipeline
from depth_ros.types import Camera, DepthKind, Known, Prediction, View

CAMERA = Camera.pinhole(24, 16, 20.0)
SECOND = 1_000_000_000
WALL = 5.0  # metres along z of the world


def turned(x, angle=0.0):
    """Return a pose x metres to the right, turned by an angle about the vertical."""
    return pose_of((x, 0.1 * x, 0.0), (0, np.sin(angle / 2), 0, np.cos(angle / 2)))


TRUE = [turned(0.2 * i, 0.03 * i) for i in range(12)]


def depth_of(pose):
    """Return Z of the wall in a camera."""
    v, u = np.mgrid[: CAMERA.height, : CAMERA.width]
    rays = np.stack(
        [(u - CAMERA.cx) / CAMERA.fx, (v - CAMERA.cy) / CAMERA.fy, np.ones_like(u, float)], -1
    )
    along = rays @ pose[:3, :3].T
    return ((WALL - pose[2, 3]) / along[..., 2]).astype(np.float32)


class Exact(ModelBase):
    """Know the true depth and poses of view number image[0, 0]; without poses up to a factor."""

    def __init__(self, metric=False):
        kind = DepthKind.METRIC if metric else DepthKind.SCALE_INVARIANT
        self.info = ModelInfo('exact', kind, views=0)
        self.seen = []

    def predict(self, views, previous=None):
        numbers = [int(view.image.flat[0]) for view in views]
        self.seen.append(numbers)
        known = [view.known.pose for view in views]
        given = len(views) > 1 and all(pose is not None for pose in known)
        kind = DepthKind.METRIC if given else self.info.kind
        factor = 1.0 if kind is DepthKind.METRIC else 0.3
        first = inverse_pose(TRUE[numbers[0]])
        made = []
        for number, pose in zip(numbers, known):
            own = pose if given else first @ TRUE[number]
            if len(views) == 1:
                own = None
            depth = depth_of(TRUE[number]) * np.float32(factor)
            made.append(Prediction(kind, depth, CAMERA, 'exact', pose=own))
        return Prediction(kind, made[0].values, CAMERA, 'exact', pose=made[0].pose, views=made)


def shown(number, pose=None, stamp=None):
    image = np.full((CAMERA.height, CAMERA.width, 3), number, np.uint8)
    stamp = (number + 1) * SECOND if stamp is None else stamp
    return Shown(stamp, View(image, CAMERA, Known(pose=pose)))


def maker(window=3, **spacing):
    return SceneMaker(window, Spacing(**{'seconds': 0.5, 'distance': 0.1, **spacing}), 100)


# -- images of one moment


def group_of(count, tolerance=0.01, queue=3):
    found = []
    return GroupSynchroniser(count, tolerance, queue, found.append), found


def test_a_group_has_one_of_each_within_the_tolerance():
    group, found = group_of(3)
    group.add(0, 100_000_000, 'a')
    group.add(1, 104_000_000, 'b')
    group.add(2, 120_000_000, 'too late')
    assert not found
    group.add(2, 109_000_000, 'c')  # no camera goes back in time: this starts afresh
    assert not found
    group.add(0, 200_000_000, 'd')
    group.add(2, 201_000_000, 'e')
    group.add(1, 202_000_000, 'f')
    assert found == [('d', 'f', 'e')]


def test_what_found_no_partner_is_counted_and_let_go():
    group, found = group_of(2, queue=3)
    for index in range(10):
        group.add(0, index * SECOND, index)
    assert group.dropped == [7, 0]
    group.add(1, 9 * SECOND, 'x')
    assert found == [(9, 'x')]
    assert group.dropped == [9, 0]
    group.add(1, 9 * SECOND, 'y')  # its partner is gone
    assert len(found) == 1


# -- poses in time


def test_poses_are_interpolated_between_stamps():
    track = PoseTrack()
    track.add(0, turned(0.0, 0.0))
    track.add(SECOND, turned(1.0, 0.4))
    np.testing.assert_allclose(track.at(SECOND // 4, 1.0), turned(0.25, 0.1), atol=1e-9)
    np.testing.assert_allclose(track.at(SECOND, 0.0), turned(1.0, 0.4), atol=1e-12)


def test_poses_that_are_too_far_in_time_are_not_known():
    track = PoseTrack()
    assert track.at(0, 10.0) is None
    track.add(SECOND, turned(1.0))
    assert track.at(SECOND + SECOND // 5, 0.1) is None
    np.testing.assert_array_equal(track.at(SECOND + SECOND // 20, 0.1), turned(1.0))
    track.add(SECOND // 2, turned(3.0))  # a recording that begins again
    assert len(track) == 1
    assert track.newest == SECOND // 2


# -- keyframes


def test_motion_decides_where_poses_are_known_and_time_where_not():
    keyframes = Keyframes(4, Spacing(seconds=0.5, distance=0.1, angle=0.15))
    assert keyframes.keep(shown(0, turned(0.0)))
    assert not keyframes.keep(shown(1, turned(0.05, 0.1)))  # a second later, nearly there
    assert keyframes.keep(shown(2, turned(0.0, 0.2)))  # turned on the spot
    assert keyframes.keep(shown(3, turned(0.15, 0.2)))
    timed = Keyframes(4, Spacing(seconds=0.5))
    assert timed.keep(shown(0, stamp=SECOND))
    assert not timed.keep(shown(1, stamp=SECOND + SECOND // 4))
    assert timed.keep(shown(2, stamp=2 * SECOND))


def test_the_window_slides():
    model = Exact()
    scene, pipeline = maker(window=3), Pipeline(model, Options(edge_threshold=0))
    for number in range(5):
        scene(pipeline, shown(number, TRUE[number]), 'odom')
    assert model.seen == [[0], [1, 0], [2, 1, 0], [3, 2, 1], [4, 3, 2]]
    scene(pipeline, shown(1, TRUE[1]), 'odom')  # time went back
    assert model.seen[-1] == [1]


# -- scenes


def test_known_poses_make_metres_in_their_world():
    scene, pipeline = maker(), Pipeline(Exact(), Options(edge_threshold=0))
    first = scene(pipeline, shown(0, TRUE[0]), 'odom')
    assert first.depth is None  # one view has no scale
    assert first.scene is None
    for number in range(1, 5):
        frame = scene(pipeline, shown(number, TRUE[number]), 'odom')
        np.testing.assert_allclose(frame.depth, depth_of(TRUE[number]), rtol=1e-5)
        assert frame.scene.world == 'odom'
        np.testing.assert_allclose(frame.scene.pose, TRUE[number], atol=1e-9)
        for view, other in zip(frame.scene.views, range(number, -1, -1)):
            np.testing.assert_allclose(view.pose, TRUE[other], atol=1e-9)
    stamps = [placed.stamp for placed in frame.scene.path]
    assert stamps == [n * SECOND for n in (2, 3, 4, 5)]


def test_a_camera_that_stands_still_has_no_scale():
    scene, pipeline = maker(seconds=0.0), Pipeline(Exact(), Options(edge_threshold=0))
    for stamp in range(1, 4):
        frame = scene(pipeline, shown(0, TRUE[0], stamp * SECOND), 'odom')
        assert frame.depth is None
        assert frame.scene is None


def test_without_poses_nothing_is_in_metres():
    scene, pipeline = maker(), Pipeline(Exact(), Options(edge_threshold=0))
    for number in range(4):
        frame = scene(pipeline, shown(number), 'visual')
        assert frame.depth is None
        assert frame.scene is None


def test_poses_of_a_metric_model_are_chained_from_the_first_view():
    scene, pipeline = maker(), Pipeline(Exact(metric=True), Options(edge_threshold=0))
    start = inverse_pose(TRUE[0])
    for number in range(8):
        frame = scene(pipeline, shown(number), 'visual')
        np.testing.assert_allclose(frame.scene.pose, start @ TRUE[number], atol=1e-6)
    path = frame.scene.path
    assert len(path) == 8
    for number, placed in enumerate(path):
        np.testing.assert_allclose(placed.pose, start @ TRUE[number], atol=1e-6)


def test_another_world_starts_afresh():
    scene, pipeline = maker(), Pipeline(Exact(), Options(edge_threshold=0))
    for number in range(3):
        scene(pipeline, shown(number, TRUE[number]), 'odom')
    frame = scene(pipeline, shown(3, TRUE[3]), 'map')
    assert frame.scene is None
    assert len(scene) == 1


def test_cameras_at_once_need_no_keyframes():
    model = Exact()
    scene, pipeline = maker(window=4), Pipeline(model, Options(edge_threshold=0))
    beside = [shown(n, TRUE[n]).view for n in (1, 2)]
    for stamp in (1, 2):
        frame = scene(pipeline, shown(0, TRUE[0], stamp * SECOND), 'base', beside)
        assert model.seen[-1] == [0, 1, 2]
        np.testing.assert_allclose(frame.depth, depth_of(TRUE[0]), rtol=1e-5)
        assert len(frame.scene.views) == 3
        assert len(frame.scene.path) == (1 if stamp == 1 else 2)


def test_the_local_cloud_is_in_the_frame_of_the_newest_image():
    scene, pipeline = maker(), Pipeline(Exact(), Options(edge_threshold=0))
    for number in range(3):
        frame = scene(pipeline, shown(number, TRUE[number]), 'odom')
    header = make_header(3 * SECOND, 'optical')
    cloud = local_points.build(frame, header, (0.0, 0))
    assert cloud.header.frame_id == 'optical'
    points = cloud_to_points(cloud).reshape(-1)
    assert len(points) == 3 * CAMERA.width * CAMERA.height
    own = np.stack([points[axis] for axis in 'xyz'], -1)
    world = own @ TRUE[2][:3, :3].T + TRUE[2][:3, 3]
    np.testing.assert_allclose(world[:, 2], WALL, rtol=1e-4)
    # The colour of a point says which view it is of.
    assert set(np.unique(unpack_rgb(points))) == {0, 1, 2}
    few = local_points.build(frame, header, (0.0, 50))
    assert few.width == 50


def test_colours_are_where_rviz_looks_for_them():
    rgb = cv2.applyColorMap(np.arange(256, dtype=np.uint8), cv2.COLORMAP_JET).reshape(-1, 3)
    bits = local_points.packed(rgb).view(np.uint32)
    np.testing.assert_array_equal(bits >> 16, rgb[:, 0])
    np.testing.assert_array_equal(bits >> 8 & 255, rgb[:, 1])
    np.testing.assert_array_equal(bits & 255, rgb[:, 2])
