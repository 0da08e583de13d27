# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Drives that the tests of this folder share."""

import importlib.util

import pytest

if importlib.util.find_spec('torch') is None:
    collect_ignore_glob = ['test_*.py']


@pytest.fixture(scope='session')
def recording(tmp_path_factory):
    """Return a folder with two short drives of one rig."""
    import drives

    return drives.write_drives(tmp_path_factory.mktemp('drives'))
