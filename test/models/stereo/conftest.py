# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Folders of made-up weights, written once."""

import pytest


@pytest.fixture(scope='session')
def folder_of(tmp_path_factory):
    """Return a function that gives a folder of made-up weights for a name."""
    from pair_networks import filled_folder

    made = {}

    def folder(name):
        if name not in made:
            made[name] = filled_folder(tmp_path_factory.mktemp('weights') / name, name)
        return made[name]

    return folder
