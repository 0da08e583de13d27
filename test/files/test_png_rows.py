# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A PNG that is read some rows at a time is the one that OpenCV reads whole."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from depth_ros.files.png_rows import has_rows, rows_of

FLAGS = {
    'by the encoder': [],
    'each row its own filter': [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_FILTERED],
    'stored': [cv2.IMWRITE_PNG_COMPRESSION, 0],
}


def pixels(height, width, channels, dtype):
    top = int(np.iinfo(dtype).max) + 1
    noise = np.random.default_rng(0).integers(0, top, (height, width, channels)).astype(dtype)
    return cv2.blur(noise, (3, 3)).reshape(height, width, channels)


def whole(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize('flags', FLAGS.values(), ids=list(FLAGS))
@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
@pytest.mark.parametrize('channels', [1, 3, 4])
@pytest.mark.parametrize(('height', 'width', 'count'), [(50, 37, 7), (64, 64, 64), (5, 3, 99)])
def test_strips_are_those_of_the_whole(height, width, count, channels, dtype, flags):
    data = cv2.imencode('.png', pixels(height, width, channels, dtype), flags)[1].tobytes()
    assert has_rows(data)
    strips = list(rows_of(data, count))
    assert [len(strip) for strip in strips[:-1]] == [count] * (len(strips) - 1)
    together = np.concatenate(strips)
    assert together.dtype == dtype
    np.testing.assert_array_equal(together, whole(data))


def filtered(kind, rows):
    """Return RGB rows as one of PNG's five filters stores them, by its definition."""
    above, stored = np.zeros_like(rows[0]), b''
    for row in rows.astype(int):
        left = np.vstack([np.zeros((1, 3), int), row[:-1]])
        corner = np.vstack([np.zeros((1, 3), int), above[:-1]])
        guess = left + above - corner
        distances = np.abs([guess - left, guess - above, guess - corner])
        paeth = np.choose(distances.argmin(0), [left, above, corner])
        added = [0 * row, left, above, (left + above) // 2, paeth][kind]
        stored += bytes([kind]) + ((row - added) % 256).astype(np.uint8).tobytes()
        above = row
    return stored


def chunk(name, body):
    return struct.pack('>I', len(body)) + name + body + struct.pack('>I', zlib.crc32(name + body))


def png(stored, height, width, kind=(8, 2, 0, 0, 0), more=b''):
    head = struct.pack('>II', width, height) + bytes(kind)
    parts = [
        chunk(b'IHDR', head),
        more,
        chunk(b'IDAT', zlib.compress(stored)),
        chunk(b'IEND', b''),
    ]
    return b'\x89PNG\r\n\x1a\n' + b''.join(parts)


@pytest.mark.parametrize('kind', range(5))
def test_every_filter_goes_on_from_strip_to_strip(kind):
    image = pixels(20, 9, 3, np.uint8)
    data = png(filtered(kind, image), 20, 9)
    np.testing.assert_array_equal(whole(data), image[..., ::-1])
    np.testing.assert_array_equal(np.concatenate(list(rows_of(data, 3))), image[..., ::-1])


ROWS = filtered(0, pixels(4, 5, 3, np.uint8))
OTHERS = {
    'interlaced': png(ROWS, 4, 5, (8, 2, 0, 0, 1)),
    'a palette': png(ROWS, 4, 5, (8, 3, 0, 0, 0)),
    'four bits': png(ROWS, 4, 5, (4, 0, 0, 0, 0)),
    'a transparent colour': png(ROWS, 4, 5, more=chunk(b'tRNS', bytes(6))),
    'nothing': b'',
}


@pytest.mark.parametrize('data', OTHERS.values(), ids=list(OTHERS))
def test_what_it_leaves_to_opencv(data):
    assert not has_rows(data)


GOOD = png(ROWS, 4, 5)
DAMAGED = {
    'fewer rows than it claims': png(ROWS, 400, 5),
    'more rows than it claims': png(ROWS * 1000, 4, 5),
    'cut off': GOOD[:-30],
    'one bit': GOOD[:50] + bytes([GOOD[50] ^ 1]) + GOOD[51:],
    'an unknown filter': png(b'\x09' + ROWS[1:], 4, 5),
    'no pixels': png(b'', 4, 5),
}


@pytest.mark.parametrize('data', DAMAGED.values(), ids=list(DAMAGED))
def test_damage_is_an_error(data):
    with pytest.raises(ValueError, match=r'.'):
        list(rows_of(data, 2))
