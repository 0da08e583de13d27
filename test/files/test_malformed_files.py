# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Files that are no files, claim too much, or cannot be written: one sentence and no harm."""

import errno
import io
import os
import stat
import struct
import time
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from forged_png import png_claiming

from depth_ros.files.calibration import read_camera, write_camera
from depth_ros.files.image_header import MAX_SCANS, image_header
from depth_ros.files.images import read_image, read_values
from depth_ros.files.jpeg_data import is_whole
from depth_ros.files.ply import write_ply
from depth_ros.files.reading import parse_yaml, read_array, read_bytes, read_text
from depth_ros.files.writing import (
    WriteError,
    make_folder,
    replacing,
    write_array,
    write_bytes,
    write_image,
    write_text,
)
from depth_ros.types import Camera, DepthError

REMEDY = 'give another'


def refused(action, *words):
    """Return the one short sentence that an action is refused with."""
    start = time.monotonic()
    with pytest.raises(DepthError) as caught:
        action()
    text = str(caught.value)
    assert '\n' not in text
    assert len(text) < 1000
    assert time.monotonic() - start < 60  # without a bound it would take hours
    for word in words:
        assert word in text, text
    return text


# Reading


def pipe(folder):
    os.mkfifo(folder / 'pipe')
    return folder / 'pipe'


def large(folder):
    with (folder / 'large').open('wb') as file:
        file.truncate(1 << 40)  # holes take no room
    return folder / 'large'


NO_FILES = {
    'a pipe that nothing writes to': (pipe, 'no regular file'),
    'endless zeros': (lambda folder: Path('/dev/zero'), 'no regular file'),
    'a folder': (lambda folder: folder, 'no regular file'),
    'a terabyte': (large, 'has more than 1000 bytes'),
    'nothing': (lambda folder: folder / 'nothing', 'No such file'),
    'a zero byte in its name': (lambda folder: folder / 'a\0b', 'no name of a file'),
    'a name too long': (lambda folder: folder / ('a' * 300), 'too long'),
}


@pytest.mark.parametrize(('make', 'words'), NO_FILES.values(), ids=list(NO_FILES))
def test_only_regular_files_of_sane_size_are_read(tmp_path, make, words):
    path = make(tmp_path)
    refused(lambda: read_bytes(path, 1000, REMEDY), words, REMEDY)
    refused(lambda: read_text(path, REMEDY, 1000), words)
    refused(lambda: read_array(path, REMEDY, largest=1000), words)


@pytest.mark.parametrize('kind', [kind for kind in NO_FILES if kind != 'a terabyte'])
def test_calibrations_and_images_are_regular_files(tmp_path, kind):
    path = NO_FILES[kind][0](tmp_path)
    refused(lambda: read_camera(path))
    refused(lambda: read_image(path))
    refused(lambda: read_values(path))


def bomb(depth=12, wide=9):
    lines = ['a0: &a0 [' + ', '.join(['lol'] * wide) + ']']
    lines += [f'a{i}: &a{i} [' + ', '.join([f'*a{i - 1}'] * wide) + ']' for i in range(1, depth)]
    return '\n'.join(lines)


def merges(depth=12, wide=9):
    lines = ['m0: &m0 {a: 1}']
    for i in range(1, depth):
        lines.append(f'm{i}: &m{i} {{<<: [' + ', '.join([f'*m{i - 1}'] * wide) + ']}')
    return '\n'.join(lines)


YAML = {
    'alias bomb': (f'{bomb()}\nimage_width: *a11', 'repeats itself'),
    'alias bomb as a list': (f'- {bomb(1)[4:]}\n- *a0', None),
    'merge bomb': (merges(), 'repeats itself'),
    'contains itself': ('image_width: &a [*a]', 'repeats itself'),
    'deep': ('[' * 20_000, 'not valid YAML'),
    'number of ten thousand digits': ('image_width: ' + '9' * 10_000, None),
    'no month 13': ('image_width: 2020-13-01', 'not valid YAML'),
    'tag': ('image_width: !!python/object/apply:os.getcwd []', 'not valid YAML'),
    'two documents': ('---\na: 1\n---\nb: 2', 'not valid YAML'),
    'key that is a list': ('? [a]\n: b', 'not valid YAML'),
}


@pytest.mark.parametrize(('text', 'words'), YAML.values(), ids=list(YAML))
def test_yaml_bombs_are_counted_before_they_go_off(tmp_path, text, words):
    if words is not None:
        refused(lambda: parse_yaml(text, 'the text', REMEDY), words, REMEDY)
    (tmp_path / 'camera.yaml').write_text(text)
    refused(lambda: read_camera(tmp_path / 'camera.yaml'), 'camera.yaml')


def test_ordinary_aliases_are_read():
    assert parse_yaml('a: &x [1, 2]\nb: *x', 'the text', REMEDY) == {'a': [1, 2], 'b': [1, 2]}
    assert parse_yaml('', 'the text', REMEDY) is None


def npy(shape, descr='<f4', data=b'', version=(1, 0)):
    header = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}"
    header = header.ljust(117) + '\n'
    packed = (
        struct.pack('<H', len(header)) if version == (1, 0) else struct.pack('<I', len(header))
    )
    return b'\x93NUMPY' + bytes(version) + packed + header.encode() + data


def pickled():
    file = io.BytesIO()
    np.save(file, np.array([{}], object), allow_pickle=True)
    return file.getvalue()


ARRAYS = {
    'claims terabytes': (npy((1_000_000, 1_000_000)), 'bytes were expected'),
    'claims less than nothing': (npy((-1, 4), data=bytes(16)), 'is no array'),
    'pickled': (pickled(), 'pickled'),
    'cut off': (npy((4, 4), data=bytes(60)), '64 bytes were expected, it has 60'),
    'text': (b'hello', 'is no array'),
    'empty': (b'', 'is no array'),
    'of a later format': (npy((1,), data=bytes(4), version=(9, 0)), 'format'),
    'evil header': (npy('__import__("os")'), 'is no array'),
    'odd type': (npy((1,), descr='|S99999999999'), 'is no array'),
}


@pytest.mark.parametrize(('data', 'words'), ARRAYS.values(), ids=list(ARRAYS))
def test_arrays_are_what_they_claim(tmp_path, data, words):
    (tmp_path / 'x.npy').write_bytes(data)
    refused(lambda: read_array(tmp_path / 'x.npy', REMEDY), words)


def archive(path, **members):
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as opened:
        for name, data in members.items():
            opened.writestr(f'{name}.npy', data)
    return path


def test_archives_of_arrays(tmp_path):
    path = tmp_path / 'x.npz'
    values = np.arange(6.0).reshape(2, 3)
    np.savez(path, arr_0=values, other=np.asfortranarray(values))
    np.testing.assert_array_equal(read_array(path, REMEDY, 'arr_0'), values)
    np.testing.assert_array_equal(read_array(path, REMEDY, 'other'), values)
    refused(lambda: read_array(path, REMEDY, 'none'), 'has no none.npy')
    refused(lambda: read_array(path, REMEDY), 'is no array')
    archive(path, arr_0=bytes(64 << 20))
    assert path.stat().st_size < 1 << 20
    refused(lambda: read_array(path, REMEDY, 'arr_0', 1 << 20), 'more than 1048576 bytes')
    path.write_bytes(path.read_bytes()[:100])
    refused(lambda: read_array(path, REMEDY, 'arr_0'), 'is no archive')


# Images


def tiff_claiming(width, height, order='<'):
    head = b'II*\0' if order == '<' else b'MM\0*'
    entries = [
        struct.pack(order + 'HHII', tag, 4, 1, value)
        for tag, value in ((256, width), (257, height))
    ]
    return head + struct.pack(order + 'IH', 8, 2) + b''.join(entries) + bytes(4)


def webp_claiming(width, height):
    body = b'WEBPVP8X' + struct.pack('<I', 10) + bytes(4)
    body += (width - 1).to_bytes(3, 'little') + (height - 1).to_bytes(3, 'little')
    return b'RIFF' + struct.pack('<I', len(body)) + body


CLAIMS = {
    'png, 9 GB before': (png_claiming(16384, 16384), 'claims 16384x16384'),
    'png, 8.6 GB before': (png_claiming(30000, 30000), 'claims 30000x30000'),
    'tiff': (tiff_claiming(60000, 60000), 'claims 60000x60000'),
    'tiff of a big-endian machine': (tiff_claiming(60000, 60000, '>'), 'claims 60000x60000'),
    'bmp': (b'BM' + bytes(16) + struct.pack('<ii', 60000, -60000) + bytes(10), '60000x60000'),
    'pnm': (b'P6\n# wide\n60000 60000\n255\n' + bytes(99), 'claims 60000x60000'),
    'webp': (webp_claiming(16000, 16000), 'claims 16000x16000'),
    'gif': (b'GIF89a' + bytes(50), 'of a known format'),
    'exr': (b'\x76\x2f\x31\x01' + bytes(50), 'of a known format'),
    'jpeg 2000': (b'\0\0\0\x0cjP  \r\n\x87\n' + bytes(50), 'of a known format'),
}


@pytest.mark.parametrize(('data', 'words'), CLAIMS.values(), ids=list(CLAIMS))
def test_images_that_claim_too_much_are_not_decoded(tmp_path, monkeypatch, data, words):
    monkeypatch.setattr(cv2, 'imdecode', lambda *_: pytest.fail('it was decoded'))
    (tmp_path / 'x.png').write_bytes(data)
    refused(lambda: read_image(tmp_path / 'x.png'), words)
    refused(lambda: read_values(tmp_path / 'x.png'), words)


@pytest.mark.parametrize('ending', ['.png', '.jpg', '.bmp', '.ppm', '.tiff', '.webp'])
def test_headers_say_the_size_that_decoders_find(tmp_path, ending):
    image = np.random.default_rng(0).integers(0, 256, (21, 37, 3), np.uint8)
    done, packed = cv2.imencode(ending, image)
    assert done
    header = image_header(packed.tobytes())
    assert (header.width, header.height) == (37, 21)
    assert header.complete
    (tmp_path / f'x{ending}').write_bytes(packed.tobytes())
    assert read_image(tmp_path / f'x{ending}').shape == (21, 37, 3)


def jpeg(pixels, **options):
    flags = [v for k, o in options.items() for v in (getattr(cv2, f'IMWRITE_JPEG_{k}'), o)]
    return cv2.imencode('.jpg', pixels, flags)[1].tobytes()


def smooth(width=320, height=240, channels=3):
    noise = np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)
    blurred = cv2.GaussianBlur(noise, (0, 0), 2)
    return cv2.normalize(blurred, None, 0, 255, cv2.NORM_MINMAX)


def test_a_jpeg_of_a_thousand_scans_is_not_decoded(tmp_path, monkeypatch):
    whole = jpeg(smooth(), PROGRESSIVE=1)
    (tmp_path / 'x.jpg').write_bytes(whole)
    assert read_image(tmp_path / 'x.jpg').shape == (240, 320, 3)
    start, end = whole.rfind(b'\xff\xda'), whole.rfind(b'\xff\xd9')
    scan = whole[start:end]
    (tmp_path / 'x.jpg').write_bytes(whole[:end] + scan * 1000 + whole[end:])
    monkeypatch.setattr(cv2, 'imdecode', lambda *_: pytest.fail('it was decoded'))
    refused(lambda: read_image(tmp_path / 'x.jpg'), f'expected at most {MAX_SCANS}')


OPTIONS = [{}, {'RST_INTERVAL': 4}, {'OPTIMIZE': 1}, {'SAMPLING_FACTOR': 0x111111}]


@pytest.mark.parametrize('options', OPTIONS, ids=str)
@pytest.mark.parametrize('channels', [1, 3])
def test_a_jpeg_without_its_middle_is_refused(tmp_path, options, channels):
    whole = jpeg(smooth(channels=channels), **options)
    path = tmp_path / 'x.jpg'
    path.write_bytes(whole)
    read_image(path)
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + whole[middle + len(whole) // 8 :])
    refused(lambda: read_image(path), 'lacks a part of its coded pixels')


@pytest.mark.parametrize('size', [(1, 1), (8, 8), (17, 33), (640, 479)])
def test_a_jpeg_that_is_grey_is_whole(tmp_path, size):
    grey = np.full((*size[::-1], 3), 128, np.uint8)
    for options in ({}, {'PROGRESSIVE': 1}, {'RST_INTERVAL': 1}):
        (tmp_path / 'x.jpg').write_bytes(jpeg(grey, **options))
        assert (read_image(tmp_path / 'x.jpg') == 128).all()
    assert is_whole(jpeg(grey))


@pytest.mark.parametrize('value', [0, 1, 3, 255])
def test_any_byte_of_a_header_may_be_wrong(value):
    whole = jpeg(np.full((16, 16, 3), 128, np.uint8))
    header = whole.index(b'\xff\xda') + 14
    for place in range(2, header):
        for length in (len(whole), place + 1):
            damaged = whole[:place] + bytes([value]) + whole[place + 1 : length]
            assert is_whole(damaged) in (True, False)


NOT_UTF8 = os.fsdecode(b'o\xff')


def test_paths_that_are_no_utf8(tmp_path):
    folder = tmp_path / NOT_UTF8
    make_folder(folder)
    image = smooth()
    write_image(folder / f'{NOT_UTF8}.png', image)
    np.testing.assert_array_equal(read_image(folder / f'{NOT_UTF8}.png'), image)
    assert read_values(folder / f'{NOT_UTF8}.png').shape == image.shape
    camera = Camera.pinhole(64, 48, 50.0)
    write_camera(camera, folder / 'camera.yaml')
    assert read_camera(folder / 'camera.yaml') == camera
    refused(lambda: read_image(folder / 'none.png'), 'there is no image')


# Writing


def images(path):
    write_image(path, np.zeros((4, 4, 3), np.uint8))


WRITERS = {
    'bytes': ('x.bin', lambda path: write_bytes(path, b'new', b'er')),
    'text': ('x.txt', lambda path: write_text(path, 'new')),
    'array': ('x.npy', lambda path: write_array(path, np.zeros(4))),
    'image': ('x.png', images),
    'cloud': ('x.ply', lambda path: write_ply(path, np.zeros((2, 3)))),
    'calibration': ('x.yaml', lambda path: write_camera(Camera.pinhole(4, 4, 4.0), path)),
}
every_writer = pytest.mark.parametrize(('name', 'write'), WRITERS.values(), ids=list(WRITERS))


@every_writer
@pytest.mark.parametrize(
    ('number', 'words'),
    [
        (errno.ENOSPC, 'the disk is full; free space'),
        (errno.EDQUOT, 'the disk is full; free space'),
        (errno.EROFS, 'give a folder that you may write to'),
        (errno.EIO, 'give another path'),
        (errno.EFBIG, 'ulimit'),
    ],
)
def test_what_cannot_be_written_is_said_and_the_old_file_stays(
    tmp_path, monkeypatch, name, write, number, words
):
    path = tmp_path / name
    path.write_bytes(b'old')

    def fails(descriptor):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, 'fsync', fails)
        with pytest.raises(WriteError) as caught:
            write(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == b'old'
    assert [p.name for p in tmp_path.iterdir()] == [name]


@every_writer
def test_files_are_replaced_whole(tmp_path, name, write):
    path = tmp_path / name
    write(path)
    once = path.read_bytes()
    path.write_bytes(once[:2])
    write(path)
    assert path.read_bytes() == once
    assert [p.name for p in tmp_path.iterdir()] == [name]
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


@every_writer
def test_the_full_device_is_said(tmp_path, name, write):
    if not Path('/dev/full').exists():
        pytest.skip('this system has no /dev/full')
    link = tmp_path / name
    link.symlink_to('/dev/full')
    refused(lambda: write(link), 'the disk is full')


def test_what_a_library_writes_is_for_the_same_users_as_other_files(tmp_path):
    """As safetensors does: another user of the robot could not read what was trained."""
    (tmp_path / 'plain').touch()
    with replacing(tmp_path / 'x') as part:
        part.unlink()
        part.touch(0o600)
    assert (tmp_path / 'x').stat().st_mode == (tmp_path / 'plain').stat().st_mode


def test_an_interruption_leaves_the_old_file(tmp_path):
    path = tmp_path / 'x'
    path.write_bytes(b'old')

    def interrupted():
        with replacing(path) as part:
            part.write_bytes(b'ne')
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b'old'
    assert [p.name for p in tmp_path.iterdir()] == ['x']


def test_a_short_write_is_noticed(tmp_path, monkeypatch):
    class Short:
        st_size = 1

    monkeypatch.setattr(Path, 'stat', lambda *_, **__: Short())
    monkeypatch.setattr(Path, 'is_file', lambda *_: True)
    monkeypatch.setattr(Path, 'exists', lambda *_: False)
    refused(lambda: write_bytes(tmp_path / 'x', b'four'), 'the disk is full')


def test_places_that_are_none(tmp_path):
    (tmp_path / 'file').write_text('')
    refused(lambda: write_text(tmp_path / 'no' / 'x', ''), 'No such file or directory')
    refused(lambda: write_text(tmp_path / 'file' / 'x', ''), 'Not a directory')
    refused(lambda: write_text(tmp_path / 'a\0b', ''), 'no name of a file')
    refused(lambda: make_folder(tmp_path / 'file'), 'File exists')
    refused(lambda: make_folder(tmp_path / ('a' * 300)), 'too long')
    refused(lambda: write_image(tmp_path / 'x.png', np.zeros((0, 4, 3), np.uint8)), 'encoded')
    write_text('/dev/null', 'gone')


def test_a_link_stays_one(tmp_path):
    (tmp_path / 'file').write_text('old')
    (tmp_path / 'link').symlink_to(tmp_path / 'file')
    write_text(tmp_path / 'link', 'new')
    assert (tmp_path / 'link').is_symlink()
    assert (tmp_path / 'file').read_text() == 'new'
    assert len('a' * 251 + '.txt') == 255
    write_text(tmp_path / ('a' * 251 + '.txt'), 'a name as long as it may be')
