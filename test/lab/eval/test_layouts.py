# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Every layout is recognised, read in its own units, and fails by the frame."""

import cv2
import layout_folders as folders
import numpy as np
import pytest
from layout_folders import DEPTH, UNKNOWN

from depth_ros.lab.eval.layouts import LAYOUTS, open_dataset, open_datasets
from depth_ros.lab.eval.layouts.indoor import associate
from depth_ros.lab.eval.layouts.reading import quaternion_pose, read_pfm
from depth_ros.types import DepthError

# layout, how to write it, number of frames, width of the images if not the usual
CASES = {
    'depth_ros': (folders.depth_ros, 2),
    'middlebury': (folders.middlebury, 2),
    'eth3d': (folders.eth3d, 1),
    'middlebury-2006': (folders.middlebury_2003, 1),
    'skimage': (folders.skimage, 1),
    'opencv': (folders.opencv, 1),
    'kitti-stereo': (folders.kitti_stereo, 2),
    'kitti-depth': (folders.kitti_depth, 1),
    'kitti-rgbd': (folders.kitti_rgbd, 1),
    'kitti-object': (folders.kitti_object, 1),
    'nyu': (folders.nyu, 2),
    'tum': (folders.tum, 2),
    '7scenes': (folders.seven_scenes, 2),
    'rgbd-poses': (folders.rgbd_poses, 3),
}


def load(root, layout=None):
    return [source.load() for source in open_dataset(root, layout).sources]


def truth_of(values, depth=DEPTH):
    """Assert that truth is depth with the unknown pixel left out, up to a step of its file."""
    assert np.isnan(values[UNKNOWN])
    known = np.isfinite(values)
    assert known.sum() == values.size - 1
    np.testing.assert_allclose(values[known], depth[known], atol=1 / 500)


def test_every_layout_has_a_folder_here():
    assert {*CASES, 'bag'} == set(LAYOUTS)  # recordings have tests of their own


@pytest.mark.parametrize('name', CASES)
def test_layout_is_recognised_and_read(name, tmp_path):
    write, count = CASES[name]
    write(tmp_path)
    data = open_dataset(tmp_path)
    assert data.layout.name == name
    frames = [source.load() for source in data.sources]
    assert len(frames) == count
    assert [f.name for f in frames] == [s.name for s in data.sources]
    assert len({f.name for f in frames}) == count
    assert all(f.image.shape[:2] == (f.camera.height, f.camera.width) for f in frames)


@pytest.mark.parametrize('name', CASES)
def test_layout_can_be_named(name, tmp_path):
    write, count = CASES[name]
    write(tmp_path)
    assert len(load(tmp_path, name)) == count


def test_own_set_has_pairs_truth_and_poses(tmp_path):
    folders.depth_ros(tmp_path)
    first, second = load(tmp_path)
    truth_of(first.depth)
    assert first.right_camera.baseline == pytest.approx(0.1)
    assert first.right.shape == first.image.shape
    np.testing.assert_allclose(second.pose[:3, 3], [1, 0, 2])
    assert second.name == 'sequence_0/000001'


def test_own_set_through_a_lens_is_rectified_with_its_truth(tmp_path):
    """A tilted plane seen raw must be the same plane in the rectified, turned camera."""
    from depth_ros.files.calibration import write_camera
    from depth_ros.geometry.planes import plane_depth
    from depth_ros.types import Camera, Distortion

    angle = np.radians(4)
    R = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    K = np.array([[90, 0, 79.5], [0, 90, 59.5], [0, 0, 1]])
    camera = Camera(160, 120, K, [-0.2, 0.03, 0, 0, 0], Distortion.PLUMB_BOB, R)
    normal = np.array([0.3, 0.2, 1.0]) / np.linalg.norm([0.3, 0.2, 1.0])
    folders.image(tmp_path / 'image_left' / '000000.png', 160, 120)
    folders.png16(
        tmp_path / 'depth' / '000000.png', plane_depth(camera, tuple(normal.tolist()), 3.0), 256
    )
    write_camera(camera, tmp_path / 'camera.yaml')
    folders.text(tmp_path / 'poses.txt', '1 0 0 0 0 1 0 0 0 0 1 0')
    frame = load(tmp_path)[0]
    assert not frame.camera.is_distorted
    np.testing.assert_allclose(frame.pose[:3, :3], R.T)
    expected = plane_depth(frame.camera, tuple((R @ normal).tolist()), 3.0)
    known = np.isfinite(frame.depth)
    assert known.mean() > 0.9
    # The nearest neighbour is up to half a pixel away in both axes, at 0.8 % per pixel.
    np.testing.assert_allclose(frame.depth[known], expected[known], rtol=0.013, atol=1 / 256)
    np.testing.assert_allclose(np.mean(frame.depth[known] - expected[known]), 0, atol=2e-3)


def test_own_set_without_a_right_eye(tmp_path):
    folders.depth_ros(tmp_path, right=False)
    frame = load(tmp_path)[0]
    assert frame.right is None
    assert frame.right_camera is None


@pytest.mark.parametrize('order', ['<', '>'], ids=['little', 'big'])
def test_middlebury_has_metres_by_doffs(order, tmp_path):
    folders.middlebury(tmp_path, order)
    frame = load(tmp_path)[0]
    truth_of(frame.disparity)
    # Z = f B / (d + doffs)
    truth_of(frame.depth, 50 * 0.2 / (DEPTH + 4))


def test_old_middlebury_has_no_metres_and_scaled_disparity(tmp_path):
    folders.middlebury_2003(tmp_path)
    frame = load(tmp_path)[0]
    assert frame.depth is None
    assert not frame.metric
    assert np.nanmax(frame.disparity) == np.nanmin(frame.disparity) == 10


def test_pairs_of_2001_are_refused_by_their_width(tmp_path):
    folders.middlebury_2003(tmp_path, width=434)
    with pytest.raises(DepthError, match='450, 900 or 1800'):
        load(tmp_path)


@pytest.mark.parametrize(('width', 'scale'), [(1282, 1), (626, 2), (443, 3)])
def test_middlebury_2006_scale_follows_from_the_width(width, scale, tmp_path):
    folders.middlebury_2006(tmp_path, width)
    assert np.nanmax(load(tmp_path)[0].disparity) == 60 / scale


def test_kitti_baseline_is_the_difference_of_both_cameras(tmp_path):
    folders.kitti_stereo(tmp_path)
    frame = load(tmp_path)[0]
    assert frame.right_camera.baseline == pytest.approx(25 / 50)
    truth_of(frame.disparity)
    truth_of(frame.depth, 50 * 0.5 / DEPTH)


def test_kitti_without_calibration_has_no_metres(tmp_path):
    folders.kitti_stereo(tmp_path, calibrated=False)
    frame = load(tmp_path)[0]
    assert frame.depth is None
    assert not frame.metric


@pytest.mark.parametrize('write', [folders.kitti_depth, folders.kitti_rgbd])
def test_kitti_depth(write, tmp_path):
    write(tmp_path)
    frame = load(tmp_path)[0]
    truth_of(frame.depth)
    assert (frame.camera.fx, frame.camera.cx, frame.camera.cy) == (50, 11, 9)
    assert open_dataset(tmp_path).layout.protocol == 'kitti-garg'


def test_kitti_sweep_is_projected_and_the_nearest_point_stays(tmp_path):
    folders.kitti_object(tmp_path)
    depth = load(tmp_path)[0].depth
    # P2 (x, y, z, 1) = (50 x + 11 z + 5, 50 y + 9 z, z + 0.25).
    expected = {}
    for x, z in ((0, 8), (0, 4), (0.8, 4)):
        w = z + 0.25
        expected[round(9 * z / w), round((50 * x + 11 * z + 5) / w)] = w
    assert {(int(v), int(u)): float(depth[v, u]) for v, u in np.argwhere(np.isfinite(depth))} == (
        pytest.approx(expected)
    )


def test_two_points_in_one_pixel(tmp_path):
    from depth_ros.lab.eval.layouts.kitti import sparse_depth

    K = np.array([[10, 0, 2], [0, 10, 2], [0, 0, 1.0]])
    for points in ([[0, 0, 4], [0, 0, 8]], [[0, 0, 8], [0, 0, 4]]):
        depth = sparse_depth(np.array(points, float), np.eye(4), K, 5, 5)
        assert depth[2, 2] == 4
        assert np.isfinite(depth).sum() == 1


def test_nyu_is_millimetres(tmp_path):
    folders.nyu(tmp_path)
    frame = load(tmp_path)[0]
    truth_of(frame.depth, cv2.resize(DEPTH, (640, 480), interpolation=cv2.INTER_NEAREST))
    assert frame.name == 'kitchen/00000'


def test_tum_pairs_by_stamp_and_knows_the_camera(tmp_path):
    folders.tum(tmp_path)
    first, second = load(tmp_path)
    truth_of(first.depth)
    assert first.camera.fx == 535.4
    np.testing.assert_allclose(first.pose[:3, 3], [1, 2, 3])
    np.testing.assert_allclose(second.pose[:3, :3] @ [1, 0, 0], [0, 1, 0], atol=1e-7)


def test_seven_scenes_and_numbered_poses(tmp_path):
    folders.seven_scenes(tmp_path / 'a')
    folders.rgbd_poses(tmp_path / 'b')
    frame = load(tmp_path / 'a')[0]
    truth_of(frame.depth)
    assert frame.pose[0, 3] == 0.5
    assert [f.pose[0, 3] for f in load(tmp_path / 'b')] == [1, 2, 10]


def test_kinect_writes_65535_where_it_sees_nothing(tmp_path):
    folders.seven_scenes(tmp_path)
    path = tmp_path / 'frame-000000.depth.png'
    raw = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    raw[7, 7] = 65535
    cv2.imwrite(str(path), raw)
    assert np.isnan(load(tmp_path)[0].depth[7, 7])


ASSOCIATIONS = {
    'nearest': ([0.0, 1.0], [0.01, 0.99], [(0.0, 0.01), (1.0, 0.99)]),
    'each once': ([0.0, 0.01], [0.008], [(0.01, 0.008)]),
    'too far': ([0.0], [0.03], []),
    'none': ([], [1.0], []),
    'one of each': ([5.0], [5.0], [(5.0, 5.0)]),
}


@pytest.mark.parametrize(('a', 'b', 'pairs'), ASSOCIATIONS.values(), ids=ASSOCIATIONS)
def test_associate(a, b, pairs):
    assert associate(a, b, 0.02) == pytest.approx(pairs)


BROKEN = {
    'cut': lambda p: p.write_bytes(p.read_bytes()[:40]),
    'empty': lambda p: p.write_bytes(b''),
    'gone': lambda p: p.unlink(),
    'colour': lambda p: cv2.imwrite(str(p), np.zeros((18, 24, 3), np.uint8)),
    'other size': lambda p: cv2.imwrite(str(p), np.ones((9, 12), np.uint16)),
}


@pytest.mark.parametrize('harm', BROKEN.values(), ids=BROKEN)
def test_a_broken_file_fails_when_its_frame_is_read_and_alone(harm, tmp_path):
    folders.depth_ros(tmp_path, frames=3)
    harm(tmp_path / 'sequence_0' / 'depth' / '000001.png')
    sources = open_dataset(tmp_path).sources
    assert len(sources) == 3
    with pytest.raises(DepthError):
        sources[1].load()
    truth_of(sources[2].load().depth)


PFM = {
    'cut': b'Pf\n4 4\n-1\n' + bytes(60),
    'colour': b'PF\n1 1\n-1\n' + bytes(12),
    'other': b'P5 4 4 255\n' + bytes(16),
    'empty': b'',
}


@pytest.mark.parametrize('content', PFM.values(), ids=PFM)
def test_pfm_that_cannot_be_read(content, tmp_path):
    path = tmp_path / 'a.pfm'
    path.write_bytes(content)
    with pytest.raises(DepthError, match=r'a\.pfm'):
        read_pfm(path)


def test_unknown_folders_are_refused_with_what_is_known(tmp_path):
    with pytest.raises(DepthError, match='no folder'):
        open_dataset(tmp_path / 'none')
    with pytest.raises(DepthError, match='kitti-stereo'):
        open_dataset(tmp_path)
    with pytest.raises(DepthError, match='no frames of layout nyu'):
        open_dataset(tmp_path, 'nyu')
    with pytest.raises(DepthError, match='expected one of'):
        open_dataset(tmp_path, 'magic')


def test_sets_with_one_protocol_keep_it_and_others_are_judged_whole(tmp_path):
    folders.nyu(tmp_path / 'a')
    folders.nyu(tmp_path / 'b')
    folders.kitti_rgbd(tmp_path / 'c')
    same = open_datasets([tmp_path / 'a', tmp_path / 'b'])
    assert same.layout.protocol == 'nyu'
    assert [s.name.split('/')[0] for s in same.sources] == ['a', 'a', 'b', 'b']
    assert open_datasets([tmp_path / 'a', tmp_path / 'c']).layout.protocol == 'full'
    with pytest.raises(DepthError, match='expected one data set'):
        open_datasets([])


def test_quaternion_of_length_zero_is_no_pose():
    with pytest.raises(DepthError):
        quaternion_pose([1, 2, 3, 0, 0, 0, 0])
