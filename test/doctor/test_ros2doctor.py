# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The plug-ins of `ros2 doctor`, with its interface where it is not installed."""

import importlib
import importlib.util
import runpy
import sys
import types
from pathlib import Path

import pytest

pytest.importorskip('rclpy')

import setuptools
from scene import SENSOR, Robot
from sensor_msgs.msg import Image

pytestmark = pytest.mark.ros
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def said(monkeypatch):
    """Return what is printed; the interface is that of ros2cli: ros2doctor/api/__init__.py."""
    said = []
    if importlib.util.find_spec('ros2doctor') is None:

        class Result:
            def __init__(self):
                self.error = self.warning = 0

            def add_error(self):
                self.error += 1

            def add_warning(self):
                self.warning += 1

        class Report:
            def __init__(self, name):
                self.name, self.items = name, []

            def add_to_report(self, name, info):
                self.items.append((name, info))

        api, text = types.ModuleType('ros2doctor.api'), types.ModuleType('ros2doctor.api.format')
        api.DoctorCheck = type('DoctorCheck', (), {})
        api.DoctorReport = type('DoctorReport', (), {})
        api.Result, api.Report = Result, Report
        text.doctor_error = text.doctor_warn = said.append
        stubs = {'ros2doctor': types.ModuleType('ros2doctor'), 'ros2doctor.api': api}
        for name, module in {**stubs, 'ros2doctor.api.format': text}.items():
            monkeypatch.setitem(sys.modules, name, module)
        monkeypatch.delitem(sys.modules, 'depth_ros.doctor.ros2doctor', raising=False)
    return said


def plugins(monkeypatch):
    """Return the classes that setup.py registers, by group."""
    given = {}
    monkeypatch.setattr(setuptools, 'setup', lambda **arguments: given.update(arguments))
    monkeypatch.chdir(ROOT)
    runpy.run_path('setup.py')
    classes = {}
    for group in ('ros2doctor.checks', 'ros2doctor.report'):
        [entry] = given['entry_points'][group]
        module, name = entry.split(' = ')[1].split(':')
        classes[group] = getattr(importlib.import_module(module), name)
    return classes


@pytest.mark.parametrize('camera', [True, False], ids=['faulty_camera', 'no_camera'])
def test_ros2_doctor_counts_findings_where_there_are_cameras(monkeypatch, said, camera):
    classes = plugins(monkeypatch)
    robot = Robot()
    monkeypatch.setenv('ROS_DOMAIN_ID', str(robot.domain))
    module = sys.modules['depth_ros.doctor.ros2doctor']
    monkeypatch.setattr(module, 'SECONDS', 0.6)
    if camera:
        robot.driver.create_publisher(Image, '/camera/image_raw', SENSOR)
    robot.start()
    try:
        check, report = classes['ros2doctor.checks'](), classes['ros2doctor.report']()
        assert check.category() == report.category() == 'depth'
        result, written = check.check(), report.report()
    finally:
        robot.close()
    rows = dict(written.items)
    if camera:
        assert result.error == 1
        assert 'nothing arrived' in rows['silent']
        assert rows['camera'] == '/camera/image_raw with /camera/camera_info'
        if said:
            assert any('/camera/image_raw has a publisher' in text for text in said)
    else:
        assert (result.error, result.warning) == (0, 0)
        assert not said
