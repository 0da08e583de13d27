# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Write files whole or not at all.

Everything is written beside its place, checked, brought to the disk, and moved to its place in
one step. A full disk, a signal or a power cut leaves the old file or the new one, never a part.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from depth_ros.types import DepthError, quoted

_synced = True
_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


class WriteError(DepthError):
    """A file cannot be written; the message says which, why, and what to do."""


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are not there yet."""
    with _as_write_error(path):
        path.mkdir(parents=True, exist_ok=True)


@contextlib.contextmanager
def without_sync() -> Iterator[None]:
    """
    Leave it to the system when files reach the disk, for thousands that can be made again.

    Each file is still whole or not there; after a power cut the last ones may be lost.
    """
    global _synced
    before, _synced = _synced, False
    try:
        yield
    finally:
        _synced = before


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """
    Give a new, empty file beside `path` to write into; at the end it takes the place of `path`.

    Where anything fails, nothing is left but what was there before.
    """
    path = Path(path)
    with _as_write_error(path):
        if path.exists() and not path.is_file():  # /dev/stdout, a pipe
            yield path
            return
        path = Path(os.path.realpath(path))  # a link stays one
        part = path.with_name(f'.{secrets.token_hex(8)}{path.suffix[:16]}')
        # Not by tempfile: its files are for their owner alone, whatever the umask says.
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        os.close(descriptor)
        try:
            yield part
            if stat.S_IMODE(os.stat(part).st_mode) != mode:
                part.chmod(mode)  # safetensors writes a file that is its owner's alone
            _sync(part)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        _sync(path.parent)


def write_bytes(path: str | Path, *parts: bytes | memoryview) -> None:
    """Write bytes, one part after the other."""
    with replacing(path) as part:
        with part.open('wb') as file:
            for data in parts:
                file.write(data)
        size, wanted = part.stat().st_size, sum(memoryview(data).nbytes for data in parts)
        if part.is_file() and size != wanted:
            raise OSError(errno.ENOSPC, f'{size} of {wanted} bytes were written')


def write_text(path: str | Path, text: str) -> None:
    """Write text in UTF-8; names of files that are none are written with escapes."""
    write_bytes(path, text.encode('utf-8', 'backslashreplace'))


def write_array(path: str | Path, array: npt.NDArray[np.generic]) -> None:
    """Write an .npy file."""
    array, header = np.ascontiguousarray(array), io.BytesIO()
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(array))
    # Not by np.save, which does not tell a full disk from other failures.
    write_bytes(path, header.getvalue(), array.tobytes())


def write_image(path: str | Path, pixels: npt.NDArray[np.generic]) -> None:
    """Write RGB, grey or 16-bit pixels in the format that the ending names."""
    path = Path(path)
    ordered = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    try:
        _, packed = cv2.imencode(path.suffix, np.ascontiguousarray(ordered))
    except cv2.error as error:
        raise WriteError(
            f'{path} cannot be encoded as {quoted(path.suffix)} ({error.err}); give pixels and a '
            'name that ends in .png or .jpg'
        ) from None
    write_bytes(path, packed.tobytes())


def _sync(path: Path) -> None:
    """Bring a file or the names in a folder to the disk, where the system can."""
    if not _synced:
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS):
            raise
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _as_write_error(path: Path) -> Iterator[None]:
    if '\0' in str(path):
        raise WriteError(f'{quoted(str(path))} is no name of a file; give another')
    try:
        yield
    except DepthError:
        raise
    except Exception as error:
        number = _errno(error)
        if number is None:
            raise
        raise WriteError(_sentence(path, number)) from error


def _errno(error: Exception) -> int | None:
    """Return the number of a system error; safetensors wraps those of its own writing."""
    if isinstance(error, BrokenPipeError):
        return None  # the reader of a pipe has gone
    if isinstance(error, OSError):
        return error.errno or errno.EIO
    found = re.search(r'os error (\d+)', str(error))
    return int(found[1]) if found else None


def _sentence(path: Path, number: int) -> str:
    if number in _FULL:
        return f'{path} cannot be written: the disk is full; free space, or give another folder'
    if number == errno.EFBIG:
        return f'{path} cannot be written: files may not be so large here; raise ulimit -f'
    why = os.strerror(number)
    if number in _FORBIDDEN:
        return f'{path} cannot be written ({why}); give a folder that you may write to'
    return f'{path} cannot be written ({why}); give another path'
