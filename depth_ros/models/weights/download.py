# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Download one file over HTTP: with progress, resumed where it was cut, and verified."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from depth_ros.models.protocol import ModelError
from depth_ros.models.weights.verify import WeightsMissing, sha256_of

LARGEST = 16 << 30  # bytes that a file of weights may have
TIMEOUT = 30.0  # seconds without a byte
_BLOCK = 1 << 20
Progress = Callable[[int, int], None]  # bytes that are here, bytes in all (0: not known)


def download(url: str, path: Path, sha256: str = '', progress: Progress | None = None) -> Path:
    """
    Bring a file to `path` and return it; what is there already is used if its digest is right.

    A download that is cut leaves `path` with the ending .part, and the next one goes on there.
    """
    if not re.match(r'https?://', url):
        raise ModelError(f'{url} is no web address, expected http:// or https://')
    if path.is_file() and sha256 and sha256_of(path) == sha256:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + '.part')
    with _alone(part):
        _fill(url, part, progress)
        found = sha256_of(part)
        if sha256 and found != sha256:
            part.unlink()
            raise ModelError(
                f'{url} has the SHA-256 {found}, expected {sha256}: the file is not the published '
                'one, or it was damaged on the way; nothing of it was kept, fetch it again'
            )
        part.replace(path)
    return path


def extract(archive: Path, member: str, path: Path, sha256: str = '') -> Path:
    """Write one member of a zip archive to `path`; no name in the archive chooses a path."""
    try:
        with zipfile.ZipFile(archive) as opened:
            for name in opened.namelist():
                parts = PurePosixPath(name.replace('\\', '/'))
                if parts.is_absolute() or '..' in parts.parts:
                    raise ModelError(
                        f'{archive.name} holds {name[:80]!r}, which points outside of the '
                        'archive; do not use this file'
                    )
            if member not in opened.namelist():
                held = ', '.join(sorted(opened.namelist())[:5])
                raise ModelError(
                    f'{archive.name} has no {member}, it holds {held}; check the name'
                )
            size = opened.getinfo(member).file_size
            _check_size(f'{member} in {archive.name}', size, path.parent)
            part = path.with_name(path.name + '.part')
            with opened.open(member) as source, part.open('wb') as target:
                shutil.copyfileobj(source, target, _BLOCK)
    except zipfile.BadZipFile as error:
        raise ModelError(f'{archive} is no zip archive ({error}); fetch it again') from error
    found = sha256_of(part)
    if sha256 and found != sha256:
        part.unlink()
        raise ModelError(
            f'{member} in {archive.name} has the SHA-256 {found}, expected {sha256}; '
            'do not use this file'
        )
    part.replace(path)
    return path


@contextlib.contextmanager
def _alone(part: Path) -> Any:
    """Keep a second download of the same file away."""
    import fcntl

    with part.with_name(part.name + '.lock').open('w') as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ModelError(
                f'{part.name} is being downloaded by another process; wait for it'
            ) from error
        try:
            yield
        finally:
            Path(lock.name).unlink(missing_ok=True)


def _fill(url: str, part: Path, progress: Progress | None) -> None:
    here = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={'User-Agent': 'depth_ros'})
    if here:
        request.add_header('Range', f'bytes={here}-')
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            total = _total(answer, here)
            if here and answer.status != 206:
                here = 0  # this server cannot resume: from the start again
            _check_size(url, total, part.parent)
            with part.open('ab' if here else 'wb') as file:
                here = _copy(answer, file, here, total, url, progress)
                file.flush()
                os.fsync(file.fileno())
    except urllib.error.HTTPError as error:
        if error.code == 416 and here:  # all of it is here already, or the file has changed
            claimed = _range_total(error.headers.get('Content-Range', ''))
            if claimed == here:
                return
            part.unlink()
        raise WeightsMissing(
            f'{url} answers {error.code} {error.reason}; check the address, or try again'
        ) from error
    except (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException) as e:
        raise WeightsMissing(
            f'{url} was cut off after {part.stat().st_size if part.exists() else 0} bytes ({e}); '
            'run the command again, it goes on from there'
        ) from e
    if total and here != total:
        raise WeightsMissing(
            f'{url} ended after {here} of {total} bytes; run the command again, it goes on there'
        )


def _total(answer: Any, here: int) -> int:
    """Return the length of the whole file as the server states it; 0 where it does not."""
    if answer.status == 206:
        start = re.match(r'bytes (\d+)-', answer.headers.get('Content-Range', ''))
        if start is None or int(start[1]) != here:
            raise ModelError(f'{answer.url} resumed at another place than asked for; try again')
        return _range_total(answer.headers['Content-Range'])
    length = answer.headers.get('Content-Length', '')
    return int(length) if length.isdigit() else 0


def _range_total(text: str) -> int:
    total = text.rpartition('/')[2]
    return int(total) if total.isdigit() else 0


def _copy(
    answer: Any, file: Any, here: int, total: int, url: str, progress: Progress | None
) -> int:
    limit = total or LARGEST
    while block := answer.read(_BLOCK):
        here += len(block)
        if here > limit:
            raise ModelError(
                f'{url} sends more than the {limit} bytes that were expected; do not use it'
            )
        file.write(block)
        if progress is not None:
            progress(here, total)
    return here


def _check_size(what: str, size: int, folder: Path) -> None:
    if size > LARGEST:
        raise ModelError(f'{what} claims {size} bytes, at most {LARGEST} were expected')
    free = shutil.disk_usage(folder).free
    if size > free:
        raise ModelError(
            f'{what} has {size >> 20} MiB and {folder} has {free >> 20} MiB free; free space'
        )
