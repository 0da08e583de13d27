# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Drives that the tests of this folder share."""

import drives
import pytest


@pytest.fixture(scope='session')
def recording(tmp_path_factory):
    """Return a folder with two short drives of one rig."""
    return drives.write_drives(tmp_path_factory.mktemp('drives'))
