# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What all tests share: where the optional real data is."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

REPOSITORY = Path(__file__).resolve().parents[1]
# Real pairs with ground truth live beside the checkout on some machines and are never needed.
SHARED = Path(os.environ.get('DEPTH_ROS_SHARED', REPOSITORY.parent / 'shared'))

# Laws are tested on busy machines too: how long an example takes says nothing.
settings.register_profile('untimed', deadline=None)
settings.load_profile('untimed')


@pytest.fixture
def real_data():
    """Return a function that gives a set's folder, or skips the test with the set's name."""

    def folder(name: str) -> Path:
        path = SHARED / 'data' / name
        if not path.is_dir():
            pytest.skip(f'data set {name} is not on this machine')
        return path

    return folder
