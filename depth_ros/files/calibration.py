# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The camera_info YAML that camera_calibration writes and camera_info_manager reads."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from depth_ros.files.reading import LARGEST_YAML, parse_yaml, read_text
from depth_ros.files.writing import write_text
from depth_ros.types import Camera, DepthError, Distortion, Matrix, quoted

_REMEDY = 'give the camera_info YAML of camera_calibration'
_ZEROS = [0.0] * 5
_NAMES = {
    '': Distortion.NONE,
    'none': Distortion.NONE,
    'plumb_bob': Distortion.PLUMB_BOB,
    'rational_polynomial': Distortion.RATIONAL,
    'equidistant': Distortion.EQUIDISTANT,
    'fisheye': Distortion.EQUIDISTANT,
}


class CalibrationError(DepthError):
    """A calibration file cannot be used; the message names the file, the field and the cure."""


def read_camera(path: str | Path) -> Camera:
    """
    Return the camera of a camera_info YAML file.

    A missing or all-zero rectification or projection matrix means a camera calibrated alone:
    R = identity, P = [K | 0]. A polynomial lens whose coefficients are all zero is no lens.
    """
    path = Path(path)
    document = _load(path)
    width, height = (_count(document, key, path) for key in ('image_width', 'image_height'))
    K = _matrix(document, 'camera_matrix', (3, 3), path)
    if K is None or not np.any(K):
        raise CalibrationError(
            f'{path}: camera_matrix is missing or all zero, expected 9 numbers; the camera is not '
            'calibrated: run camera_calibration'
        )
    distortion, D = _lens(document, path)
    R = _matrix(document, 'rectification_matrix', (3, 3), path)
    P = _matrix(document, 'projection_matrix', (3, 4), path)
    R = np.eye(3) if R is None or not np.any(R) else R
    P = None if P is None or not np.any(P) else P
    try:
        return Camera(width, height, K, D, distortion, R, P)
    except DepthError as error:
        raise CalibrationError(f'{path}: {error}') from None


def write_camera(camera: Camera, path: str | Path, name: str = 'camera') -> None:
    """Write a camera_info YAML file; reading it gives an equal camera."""
    lens, D = camera.distortion, camera.D.tolist()
    if not camera.is_distorted:  # readers of the format expect a model and five numbers
        lens, D = Distortion.PLUMB_BOB, _ZEROS
    lines = [
        f'image_width: {camera.width}',
        f'image_height: {camera.height}',
        'camera_name: ' + yaml.safe_dump(name, width=math.inf).removesuffix('...\n').strip(),
        *_matrix_lines('camera_matrix', camera.K.tolist()),
        f'distortion_model: {lens.value}',
        *_matrix_lines('distortion_coefficients', [D]),
        *_matrix_lines('rectification_matrix', camera.R.tolist()),
        *_matrix_lines('projection_matrix', camera.projection.tolist()),
    ]
    write_text(path, '\n'.join(lines) + '\n')


def _matrix_lines(key: str, rows: list[list[float]]) -> list[str]:
    flat = [value for row in rows for value in row]
    data = yaml.safe_dump(flat, default_flow_style=True, width=math.inf).strip()
    return [f'{key}:', f'  rows: {len(rows)}', f'  cols: {len(rows[0])}', f'  data: {data}']


def _load(path: Path) -> Mapping[str, Any]:
    try:
        text = read_text(path, _REMEDY, LARGEST_YAML)
        if text.startswith('%YAML:') or '!!opencv-matrix' in text:
            raise CalibrationError(
                f'{path} is an OpenCV file storage, expected camera_info YAML; run '
                'camera_calibration, or copy its matrices into one'
            )
        document = parse_yaml(text, str(path), _REMEDY)
    except DepthError as error:
        raise CalibrationError(str(error)) from None
    if not isinstance(document, Mapping):
        raise CalibrationError(
            f'{path} holds {type(document).__name__}, expected the fields image_width, '
            f'camera_matrix, ...; {_REMEDY}'
        )
    return document


def _count(document: Mapping[str, Any], key: str, path: Path) -> int:
    value = document.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= 1 << 16:
        raise CalibrationError(
            f'{path}: {key} is {_short(value)}, expected a positive whole number of pixels'
        )
    return value


def _matrix(
    document: Mapping[str, Any], key: str, shape: tuple[int, int], path: Path
) -> Matrix | None:
    if document.get(key) is None:
        return None
    numbers = _numbers(document, key, path)
    if len(numbers) != shape[0] * shape[1]:
        raise CalibrationError(
            f'{path}: {key} has {len(numbers)} numbers, expected {shape[0]}x{shape[1]} = '
            f'{shape[0] * shape[1]}; calibrate again or correct the file'
        )
    return np.array(numbers, np.float64).reshape(shape)


def _lens(document: Mapping[str, Any], path: Path) -> tuple[Distortion, Matrix]:
    name = document.get('distortion_model')
    name = '' if name is None else name
    if not isinstance(name, str) or name.lower() not in _NAMES:
        raise CalibrationError(
            f'{path}: distortion_model is {_short(name)}, expected plumb_bob, '
            'rational_polynomial or equidistant'
        )
    distortion = _NAMES[name.lower()]
    key = 'distortion_coefficients'
    numbers = [] if document.get(key) is None else _numbers(document, key, path)
    if distortion is not Distortion.EQUIDISTANT and not any(numbers):
        return Distortion.NONE, np.zeros(0)
    counts = {Distortion.NONE: (), Distortion.EQUIDISTANT: (4,)}.get(distortion, (4, 5, 8, 12, 14))
    if len(numbers) not in counts:
        expected = f'{" or ".join(map(str, counts))} for {name}' if counts else 'a model name'
        raise CalibrationError(
            f'{path}: {key} has {len(numbers)} numbers with distortion_model '
            f'{name or "empty"}, expected {expected}; calibrate again or correct the file'
        )
    return distortion, np.array(numbers, np.float64)


def _numbers(document: Mapping[str, Any], key: str, path: Path) -> list[float]:
    entry = document[key]
    data = entry.get('data') if isinstance(entry, Mapping) else entry
    if not isinstance(data, list):
        raise CalibrationError(
            f'{path}: {key} has no list of numbers under data; expected rows, cols and data as '
            'camera_calibration writes them'
        )
    if isinstance(entry, Mapping) and 'rows' in entry and 'cols' in entry:
        rows, cols = entry['rows'], entry['cols']
        whole = isinstance(rows, int) and isinstance(cols, int)
        if not whole or not rows > 0 < cols or rows * cols != len(data):
            raise CalibrationError(
                f'{path}: {key} says {_short(rows)}x{_short(cols)} but holds {len(data)} '
                'numbers; correct rows, cols or data'
            )
    numbers = []
    for value in data:
        try:
            if isinstance(value, bool):
                raise TypeError
            number = float(value)  # YAML 1.1 reads 1e-05 as a string
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not math.isfinite(number):
            raise CalibrationError(
                f'{path}: {key} holds {_short(value)}, expected finite numbers; calibrate again'
            )
        numbers.append(number)
    return numbers


def _short(value: Any) -> str:
    return 'missing' if value is None else quoted(value, 40)
