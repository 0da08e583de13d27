# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Exported networks on disk: private to the user, and used only as they were written."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from depth_ros.models.protocol import ModelError


def cache_folder() -> Path:
    """Return where exported networks are kept: a folder that only this user can write to."""
    base = os.environ.get('XDG_CACHE_HOME') or str(Path.home() / '.cache')
    folder = Path(base) / 'depth_ros' / 'engines'
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid != os.getuid():
        raise ModelError(
            f'{folder} belongs to user {found.st_uid}, expected {os.getuid()}: another user could '
            'change the exported networks in it; set XDG_CACHE_HOME to a folder of your own'
        )
    if found.st_mode & 0o077:
        folder.chmod(0o700)
        clear(folder)  # others could write here until now
    return folder


def clear(folder: Path) -> None:
    """Delete every file of the cache."""
    for path in folder.iterdir():
        if path.is_file() or path.is_symlink():
            path.unlink()


def is_whole(path: Path) -> bool:
    """Return whether an exported network is there as it was written."""
    try:
        return path.with_suffix('.sha256').read_text('utf-8') == _digest(path)
    except (OSError, UnicodeDecodeError):
        return False


def store(path: Path, write: Callable[[Path], None]) -> None:
    """Write files beside their place and move them there, so that none is ever half there."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        write(Path(folder) / path.name)
        for made in sorted(Path(folder).iterdir()):
            made.replace(path.parent / made.name)
        digest = Path(folder) / path.with_suffix('.sha256').name
        digest.write_text(_digest(path), 'utf-8')
        digest.replace(path.with_suffix('.sha256'))


def _digest(path: Path) -> str:
    """Return a SHA-256 over a file and those that belong to it (OpenVINO keeps weights apart)."""
    digest = hashlib.sha256()
    for part in sorted(path.parent.glob(f'{path.stem}.*')):
        if part.suffix != '.sha256':
            digest.update(part.name.encode())
            with part.open('rb') as file:
                for block in iter(lambda: file.read(1 << 20), b''):
                    digest.update(block)
    return digest.hexdigest()
