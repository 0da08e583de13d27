# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The decision between ROS libraries and stand-ins, with good, bad and deadly libraries."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('sensor_msgs')

from std_msgs.msg import Header

from depth_ros import libraries
from depth_ros.messages.cloud import CloudBuilder, cloud_to_points
from depth_ros.messages.encodings import ENCODINGS
from depth_ros.messages.image import array_to_image, image_to_view_array
from depth_ros.sync import PairSynchroniser
from depth_ros.types import Camera, DepthError

REPOSITORY = Path(__file__).resolve().parents[1]
NAMES = ('cv_bridge', 'message_filters', 'sensor_msgs_py', 'diagnostic_msgs', 'tf2_ros')


@pytest.fixture(autouse=True)
def decide_anew():
    libraries.choices.cache_clear()
    yield
    libraries.choices.cache_clear()


def test_each_library_is_ros_or_own():
    report = libraries.report()
    assert tuple(report) == NAMES
    assert set(report.values()) <= {'ros', 'own'}


def test_what_is_not_installed_is_replaced_and_said():
    for name, choice in libraries.choices().items():
        if importlib.util.find_spec(name) is None:
            assert choice.source == 'own'
            assert f'{name}: own (not installed)' in libraries.describe()


@pytest.mark.parametrize('value', ['own', 'OWN ', ' own'])
def test_the_stand_ins_can_be_asked_for(monkeypatch, value):
    monkeypatch.setenv(libraries.VARIABLE, value)
    assert set(libraries.report().values()) == {'own'}
    assert f'{libraries.VARIABLE}=own' in libraries.describe()
    assert libraries.module('diagnostic_msgs') is None


@pytest.mark.parametrize('forced', ['own', ''], ids=['own', 'as installed'])
def test_both_do_the_same(monkeypatch, forced):
    monkeypatch.setenv(libraries.VARIABLE, forced)
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 8), np.uint8)
    for encoding in ENCODINGS.values():
        if encoding.family == 'depth' or encoding.rows != 1:
            continue
        values = pixels[..., : encoding.pixel_bytes].copy().view(encoding.dtype)
        values = values[..., 0] if encoding.channels == 1 else values
        msg = array_to_image(values, encoding.name, Header())
        np.testing.assert_array_equal(libraries.image_to_view_array(msg), image_to_view_array(msg))
        msg.step += 1
        with pytest.raises(DepthError):
            libraries.image_to_view_array(msg)

    pairs = []
    synchroniser = libraries.pair_synchroniser(0.01, 2, lambda *pair: pairs.append(pair))
    assert isinstance(synchroniser, PairSynchroniser)
    synchroniser.add('left', 10**9, 'left')
    synchroniser.add('right', 10**9 + 5 * 10**6, 'right')
    assert pairs == [('left', 'right')]

    for organised in (True, False):
        depth = np.array([[1, np.nan], [np.inf, 2]], np.float32)
        cloud = CloudBuilder(organised=organised)(depth, Camera.pinhole(2, 2, 1), Header())
        read, expected = libraries.read_points(cloud), cloud_to_points(cloud).reshape(-1)
        assert read.dtype == expected.dtype
        assert read.tobytes() == expected.tobytes()  # NaN are not equal, their bits are


def ask(folder, expression):
    """Return what a fresh process says with the folder's packages before all others."""
    environment = {
        **os.environ,
        'PYTHONPATH': os.pathsep.join([str(folder), str(REPOSITORY)]),
        libraries.VARIABLE: '',
    }
    code = f'import depth_ros.libraries as libraries; print({expression})'
    done = subprocess.run(
        [sys.executable, '-c', code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


BRIDGE = """
import numpy as np
class CvBridge:
    def imgmsg_to_cv2(self, msg, desired_encoding):
        {body}
"""
# One that knows bgr8 and nothing else.
GOOD = BRIDGE.format(
    body="""
        if msg.encoding != 'bgr8':
            raise RuntimeError('Unrecognized image encoding')
        pixels = np.frombuffer(msg.data, np.uint8).reshape(msg.height, msg.width, 3)
        return pixels[..., ::-1]
    """
)
BROKEN = {
    'raises when imported': ("raise ImportError('built for NumPy 1')", 'built for NumPy 1'),
    'ends the process': (BRIDGE.format(body='import os; os.abort()'), 'exit code'),
    'is empty': ('', 'CvBridge'),
    'raises when used': (BRIDGE.format(body="raise TypeError('wrong type code')"), 'type code'),
    'swaps the colours': (
        BRIDGE.format(body='return np.zeros((msg.height, msg.width, 3), np.uint8)'),
        'no encoding is converted as expected',
    ),
}


def package(folder, name, text):
    (folder / name).mkdir()
    (folder / name / '__init__.py').write_text(text)
    return folder


@pytest.mark.parametrize(('text', 'reason'), BROKEN.values(), ids=BROKEN)
def test_a_broken_cv_bridge_is_not_used_and_harms_nobody(tmp_path, text, reason):
    said = ask(package(tmp_path, 'cv_bridge', text), "libraries.choices()['cv_bridge']")
    assert said.startswith('cv_bridge: own (trial failed')
    assert reason in said


def test_a_cv_bridge_is_used_for_what_it_does_right(tmp_path):
    folder = package(tmp_path, 'cv_bridge', GOOD)
    assert ask(folder, "libraries.report()['cv_bridge']") == 'ros'
    assert ask(folder, "*libraries.choices()['cv_bridge'].found") == 'bgr8'


@pytest.mark.parametrize('name', ['message_filters', 'sensor_msgs_py', 'tf2_ros'])
def test_an_empty_package_is_not_taken_for_the_library(tmp_path, name):
    said = ask(package(tmp_path, name, ''), f"libraries.choices()['{name}']")
    assert said.startswith(f'{name}: own (trial failed')
