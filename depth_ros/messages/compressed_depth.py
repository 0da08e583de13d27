# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Depth <-> sensor_msgs/CompressedImage in the format of compressed_depth_image_transport.

The data are a header of 12 bytes and a PNG of 16 bits: int32 format (0 is inverse depth), float32
A, float32 B, little-endian (ConfigHeader in compression_common.h of image_transport_plugins).
16UC1 is stored as it is and its header means nothing. 32FC1 is quantised in inverse depth: the
stored value is A / Z + B with A = q (q + 1) and B = 1 - A / depth_max, 0 is invalid, and the
decoder computes Z = A / (value - B) (codec.cpp, encodeCompressedDepthImage and
decodeCompressedDepthImage). The format text is "32FC1; compressedDepth png"; older publishers
leave out the codec, or all that follows the encoding.

Sky (+Inf) and depth beyond depth_max have no value in this format: like NaN they become 0.
"""

from __future__ import annotations

import struct
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from depth_ros.files.image_header import MAX_PIXELS, image_header
from depth_ros.geometry.depth_values import metres_to_millimetres, millimetres_to_metres
from depth_ros.messages.classes import CompressedImage
from depth_ros.messages.fast import array_to_bytes, new_message
from depth_ros.types import DepthError, FloatImage, quoted

_HEADER = struct.Struct('<iff')
_INVERSE_DEPTH = 0
DEPTH_MAX = 10.0
QUANTIZATION = 100.0
PNG_LEVEL = 1
"""Of 9; level 3, the default of the plugin, takes half as long again for 2 % less data."""


def depth_to_compressed(
    depth: FloatImage,
    header: Any,
    encoding: Literal['32FC1', '16UC1'] = '32FC1',
    depth_max: float = DEPTH_MAX,
    quantization: float = QUANTIZATION,
    png_level: int = PNG_LEVEL,
) -> CompressedImage:
    """
    Return the message.

    :param depth_max: metres; what is not nearer becomes invalid. :param quantization: metres of
        depth at which one step of the stored number is one metre, for 32FC1.

    Depth too near for 16 bits (0.15 m by default) is stored as the nearest depth there is.
    """
    if depth.ndim != 2 or depth.dtype != np.float32:
        raise DepthError(
            f'depth is {depth.dtype} with shape {depth.shape}, expected float32 HxW in metres'
        )
    if not (0 < depth_max < np.inf and 0 < quantization < np.inf and 0 <= png_level <= 9):
        raise DepthError(
            f'depth_max is {depth_max:g} m, quantization {quantization:g} and png_level '
            f'{png_level}; expected positive finite numbers and a level from 0 to 9'
        )
    a = b = 0.0
    if encoding == '16UC1':
        stored = metres_to_millimetres(depth)
        np.copyto(stored, np.uint16(0), where=stored > depth_max * 1000)
    elif encoding == '32FC1':
        a = float(np.float32(quantization * (quantization + 1)))
        b = float(np.float32(1 - a / depth_max))
        stored = _quantised(depth, a, b, depth_max)
    else:
        raise DepthError(f'depth encoding is {encoding!r}, expected 32FC1 (metres) or 16UC1 (mm)')
    done, png = cv2.imencode('.png', stored, [cv2.IMWRITE_PNG_COMPRESSION, png_level])
    if not done:
        raise DepthError(f'depth of shape {depth.shape} cannot be written as PNG')
    head = np.frombuffer(_HEADER.pack(_INVERSE_DEPTH, a, b), np.uint8)
    msg = new_message(CompressedImage, header)
    msg.format = f'{encoding}; compressedDepth png'
    msg.data = array_to_bytes(np.concatenate([head, png.ravel()]))
    return msg


def _quantised(depth: FloatImage, a: float, b: float, depth_max: float) -> npt.NDArray[np.uint16]:
    with np.errstate(divide='ignore', invalid='ignore', over='ignore'):
        value = np.divide(np.float32(a), depth)
        # Rounded, where codec.cpp cuts off: a decoder then returns depth without a bias.
        value += np.float32(b + 0.5)
        np.clip(value, np.float32(1), np.float32(65535), out=value)
        np.copyto(value, np.float32(0), where=~((depth > 0) & (depth < np.float32(depth_max))))
    return value.astype(np.uint16)


def compressed_to_depth(msg: Any, max_pixels: int = MAX_PIXELS) -> FloatImage:
    """Return metres, float32 HxW: NaN where the stored value is 0."""
    encoding, _, rest = (part.strip() for part in str(msg.format).partition(';'))
    codec = rest.removeprefix('compressedDepth').strip() or 'png'
    if (rest and not rest.startswith('compressedDepth')) or codec != 'png':
        raise DepthError(
            f'compressed depth has format {quoted(str(msg.format))}, expected '
            '"32FC1; compressedDepth png" or "16UC1; compressedDepth png"; set the transport of '
            'the publisher to compressedDepth with format png'
        )
    if encoding not in ('32FC1', '16UC1', 'mono16'):
        raise DepthError(
            f'compressed depth has encoding {quoted(encoding)}, expected 32FC1 in metres or 16UC1 '
            'in millimetres; subscribe to the depth topic'
        )
    data = np.frombuffer(msg.data, np.uint8) if len(msg.data) else np.zeros(0, np.uint8)
    stored = _decode_png(data, max_pixels)
    if encoding != '32FC1':
        return millimetres_to_metres(stored)
    kind, a, b = _HEADER.unpack(data[: _HEADER.size].tobytes())
    # B is negative, but for a depth_max nearer than A metres, which no publisher has.
    if kind != _INVERSE_DEPTH or not (a > 0 and np.isfinite(a) and np.isfinite(b)):
        raise DepthError(
            f'compressed depth has format {kind} with parameters {a:g} and {b:g}, expected '
            'inverse depth (0) with a positive and a finite number; check the publisher'
        )
    return _metres(stored, a, b)


def _metres(stored: npt.NDArray[np.uint16], a: float, b: float) -> FloatImage:
    # In float32, value - B would lose what the quantisation kept.
    table = np.arange(65536, dtype=np.float64) - b
    with np.errstate(divide='ignore'):
        table = np.where(table > 0, a / table, np.nan)
    table[0] = np.nan
    depth: FloatImage = table.astype(np.float32)[stored]
    return depth


def _decode_png(data: npt.NDArray[np.uint8], max_pixels: int) -> npt.NDArray[np.uint16]:
    png = data[_HEADER.size :]
    header = image_header(png.tobytes())
    if header is None or header.codec != 'png' or not header.complete:
        raise DepthError(
            f'compressed depth has {len(data)} bytes, expected a header of {_HEADER.size} bytes '
            'and a whole PNG; the message was cut off or is not of compressedDepth'
        )
    if header.width * header.height > max_pixels:
        raise DepthError(
            f'compressed depth claims {header.width}x{header.height} pixels, expected at most '
            f'{max_pixels} of them; check the publisher'
        )
    try:
        stored = cv2.imdecode(png, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        stored = None
    if stored is None or stored.ndim != 2 or stored.dtype != np.uint16:
        found = 'nothing' if stored is None else f'{stored.dtype} {stored.shape}'
        raise DepthError(
            f'the PNG of compressed depth holds {found}, expected one channel of 16 bits; check '
            'the publisher'
        )
    return np.asarray(stored, np.uint16)
