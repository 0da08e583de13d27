# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The plain classes have the fields of the messages, and everything is made without ROS."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from depth_ros.messages import plain
from depth_ros.messages.classes import ROS_CLASSES, type_name

REPOSITORY = Path(__file__).resolve().parents[2]
NAMES = [
    n
    for n, v in vars(plain).items()
    if getattr(v, '__module__', '') == plain.__name__ and hasattr(v, '__slots__')
]
BLOCK = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {blocked}:
            raise ImportError(name)
sys.meta_path.insert(0, Blocked())
"""
ROS = ('rclpy', 'sensor_msgs', 'std_msgs', 'stereo_msgs', 'builtin_interfaces', 'geometry_msgs')


@pytest.mark.parametrize('name', NAMES)
def test_fields_and_defaults_are_those_of_the_message(name):
    package = (getattr(plain, name).__doc__ or '').split('/')[0]
    module = pytest.importorskip(f'{package}.msg')
    ours, theirs = getattr(plain, name)(), getattr(module, name)()
    assert list(ours.__slots__) == list(theirs.get_fields_and_field_types())
    for field in ours.__slots__:
        one, other = getattr(ours, field), getattr(theirs, field)
        if not hasattr(one, '__slots__'):
            np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def test_the_name_of_a_type_is_that_of_its_package():
    for name in NAMES:
        kind = getattr(plain, name)
        package = (kind.__doc__ or '').split('/')[0]
        if not ROS_CLASSES:
            assert type_name(kind) == f'{package}/msg/{name}'
    if ROS_CLASSES:
        from sensor_msgs.msg import Image
        from stereo_msgs.msg import DisparityImage

        assert type_name(Image) == 'sensor_msgs/msg/Image'
        assert type_name(DisparityImage) == 'stereo_msgs/msg/DisparityImage'


def test_every_message_and_output_is_there_without_ros():
    code = BLOCK.format(blocked=ROS) + (
        'import importlib, pkgutil\n'
        'from depth_ros import messages\n'
        'for module in pkgutil.iter_modules(messages.__path__):\n'
        '    importlib.import_module(f"depth_ros.messages.{module.name}")\n'
        'from depth_ros.messages.classes import Image, ROS_CLASSES, type_name\n'
        'from depth_ros.nodes.output.output import all_outputs\n'
        'assert not ROS_CLASSES and type_name(Image) == "sensor_msgs/msg/Image"\n'
        'assert {"depth/image", "points", "disparity"} <= {o.topic for o in all_outputs()}\n'
        'import depth_ros.reprocess.job\n'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
