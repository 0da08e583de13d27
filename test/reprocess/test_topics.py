# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The cameras of a recording are found by type and name, or the error says what to give."""

import pytest

from depth_ros.files.bags.content import BagError, Topic
from depth_ros.reprocess.topics import COMPRESSED, INFO, RAW, Choice, Eye, choose


def topics(*images, infos=None, kind=RAW):
    parents = {name.removesuffix('/compressed').rpartition('/')[0] for name in images}
    infos = [f'{parent}/camera_info' for parent in parents] if infos is None else infos
    found = {name: Topic(name, INFO, count=5) for name in infos}
    for name in images:
        found[name] = Topic(name, COMPRESSED if name.endswith('compressed') else kind, count=5)
    return found


def test_the_only_camera_is_taken():
    there = topics('/camera/image_raw')
    assert choose(there, 1, Choice()) == (Eye('/camera/image_raw', '/camera/camera_info'),)


def test_raw_is_taken_before_compressed_and_rectified_before_raw():
    there = topics('/c/image_raw', '/c/image_raw/compressed', '/c/image_rect_color')
    assert choose(there, 1, Choice())[0].image == '/c/image_rect_color'
    there = topics('/c/image_raw/compressed', '/c/image_raw')
    assert choose(there, 1, Choice())[0].image == '/c/image_raw'
    there = topics('/c/image_raw/compressed')
    assert choose(there, 1, Choice()) == (Eye('/c/image_raw/compressed', '/c/camera_info'),)


def test_depth_images_are_no_cameras():
    there = topics('/d435/color/image_raw', '/d435/depth/image_rect_raw', '/x/disparity')
    assert choose(there, 1, Choice())[0].image == '/d435/color/image_raw'


@pytest.mark.parametrize(
    ('left', 'right'),
    [
        ('/stereo/left/image_raw', '/stereo/right/image_raw'),
        ('/left/image_rect/compressed', '/right/image_rect/compressed'),
        ('/camera/infra1/image_rect_raw', '/camera/infra2/image_rect_raw'),
        ('/cam0/image_raw', '/cam1/image_raw'),
        ('/zed/left_raw/image', '/zed/right_raw/image'),
    ],
)
def test_a_pair_is_found_by_name(left, right):
    there = topics(left, right)
    assert [eye.image for eye in choose(there, 2, Choice())] == [left, right]
    assert choose(there, 1, Choice())[0].image == left  # of a pair, one view sees the left


def test_what_is_given_is_taken():
    there = topics('/a/image_raw', '/b/image_raw', infos=['/a/camera_info', '/elsewhere'])
    eye = choose(there, 1, Choice(image='/b/image_raw', camera_info='/elsewhere'))
    assert eye == (Eye('/b/image_raw', '/elsewhere'),)
    pair = choose(
        there, 2, Choice(left='/a/image_raw', right='/b/image_raw', right_info='/elsewhere')
    )
    assert pair[1] == Eye('/b/image_raw', '/elsewhere')


def test_a_compressed_topic_may_be_called_by_its_base():
    there = topics('/a/image_raw/compressed')
    assert choose(there, 1, Choice(image='/a/image_raw'))[0].image == '/a/image_raw/compressed'


@pytest.mark.parametrize(
    ('views', 'choice', 'words'),
    [
        (1, Choice(), '--image'),
        (1, Choice(image='/nowhere'), 'not in the recording'),
        (1, Choice(image='/a/camera_info'), 'expected an Image'),
        (1, Choice(image='/a/image_raw', camera_info='/nowhere'), '--camera-info'),
        (1, Choice(image='/a/image_raw', camera_info='/b/image_raw'), 'expected sensor_msgs'),
        (1, Choice(left='/a/image_raw', right='/b/image_raw'), 'two views'),
        (2, Choice(), '0 stereo pairs'),
        (2, Choice(left='/a/image_raw'), 'belong together'),
    ],
)
def test_errors_say_what_to_give(views, choice, words):
    with pytest.raises(BagError, match=words):
        choose(topics('/a/image_raw', '/b/image_raw'), views, choice)


def test_an_image_without_a_calibration_is_not_chosen_in_silence():
    with pytest.raises(BagError, match='/lonely/image_raw'):
        choose(topics('/lonely/image_raw', infos=[]), 1, Choice())
