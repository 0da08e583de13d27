# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""PNG files of a few bytes that claim any size."""

import struct
import zlib


def chunk(name, data):
    return struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))


def png_claiming(width, height):
    header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    parts = chunk(b'IHDR', header), chunk(b'IDAT', data), chunk(b'IEND', b'')
    return b'\x89PNG\r\n\x1a\n' + b''.join(parts)
