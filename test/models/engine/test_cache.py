# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Exported networks on disk are used only as this user wrote them."""

import os

import pytest

from depth_ros.models.engine import cache
from depth_ros.models.protocol import ModelError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    return cache.cache_folder()


def write(path, extra=b''):
    cache.store(path, lambda target: (target.write_bytes(b'graph'), weights(target, extra)))


def weights(target, extra):
    target.with_suffix('.bin').write_bytes(b'weights' + extra)


def test_the_folder_is_private(folder):
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_stored_network_is_whole(folder):
    path = folder / 'a.xml'
    assert not cache.is_whole(path)
    write(path)
    assert cache.is_whole(path)


@pytest.mark.parametrize('part', ['a.xml', 'a.bin'])
def test_a_damaged_network_is_not(folder, part):
    path = folder / 'a.xml'
    write(path)
    (folder / part).write_bytes(b'other')
    assert not cache.is_whole(path)
    write(path)
    assert cache.is_whole(path)


def test_a_planted_network_is_not(folder):
    (folder / 'a.xml').write_bytes(b'planted')
    assert not cache.is_whole(folder / 'a.xml')


def test_what_others_could_write_to_is_emptied(folder):
    write(folder / 'a.xml')
    folder.chmod(0o777)
    assert cache.cache_folder().stat().st_mode & 0o777 == 0o700
    assert not list(folder.iterdir())


def test_a_folder_of_another_user_is_refused(folder, monkeypatch):
    monkeypatch.setattr(os, 'getuid', lambda: folder.stat().st_uid + 1)
    with pytest.raises(ModelError, match='belongs to user'):
        cache.cache_folder()
