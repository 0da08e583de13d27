# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Files of every kind that is read, nearly right."""

from __future__ import annotations

import functools
import io
import json
import struct
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml

from bench.fuzz.readers import Reader, edited, text
from depth_ros.files.calibration import read_camera, write_camera
from depth_ros.files.image_header import image_header
from depth_ros.files.images import read_image, read_values
from depth_ros.files.jpeg_data import is_whole
from depth_ros.files.reading import parse_yaml, read_array
from depth_ros.lab.eval.layouts.reading import natural, read_keys, read_numbers, read_pfm
from depth_ros.lab.train.config import config_from, config_to, read_config
from depth_ros.models.engine.images import normalised_settings
from depth_ros.models.registry import family_of
from depth_ros.models.weights.verify import check_safetensors, read_json, refuse_foreign
from depth_ros.types import Camera, Distortion


@functools.cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix='depth_ros_fuzz_'))


def _file(data: bytes, name: str) -> Path:
    path = _folder() / name
    path.write_bytes(data)
    return path


def _packed(ending: str, pixels: np.ndarray, *flags: int) -> bytes:
    return cv2.imencode(ending, pixels, list(flags))[1].tobytes()


@functools.cache
def images() -> tuple[bytes, ...]:
    """Return small files of every format that is read."""
    rng = np.random.default_rng(0)
    rgb = cv2.GaussianBlur(rng.integers(0, 256, (19, 33, 3), np.uint8), (0, 0), 1.0)
    deep = rng.integers(0, 65536, (19, 33), np.uint16)
    jpeg = [(), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), (cv2.IMWRITE_JPEG_RST_INTERVAL, 1)]
    return (
        *(_packed(ending, rgb) for ending in ('.png', '.bmp', '.ppm', '.tiff', '.webp')),
        *(_packed('.jpg', rgb, *flags) for flags in jpeg),
        *(_packed('.jpg', rgb[..., 0]), _packed('.png', deep), _packed('.png', rgb[..., 0])),
    )


@functools.cache
def _calibrations() -> tuple[bytes, ...]:
    K = np.array([[50.0, 0, 31], [0, 50, 23], [0, 0, 1]])
    cameras = [
        Camera.pinhole(64, 48, 50.0, baseline=0.1),
        Camera(64, 48, K, np.array([0.1, -0.02, 0.001, 0.0, 0.0]), Distortion.PLUMB_BOB),
        Camera(64, 48, K, np.array([0.1, 0.0, 0.01, 0.0]), Distortion.EQUIDISTANT),
    ]
    found = []
    for camera in cameras:
        write_camera(camera, _folder() / 'seed.yaml')
        found.append((_folder() / 'seed.yaml').read_bytes())
    aliases = b'a: &a [1, 2]\nb: &b [*a, *a]\nimage_width: *b\n<<: {k: *a}\n'
    return (*found, aliases)


@functools.cache
def _arrays() -> tuple[bytes, ...]:
    found = []
    for array in (np.ones((3, 4), np.float32), np.asfortranarray(np.ones((2, 3))), np.zeros(0)):
        file = io.BytesIO()
        np.save(file, array)
        found.append(file.getvalue())
    return tuple(found)


@functools.cache
def _archives() -> tuple[bytes, ...]:
    found = []
    for kind in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        file = io.BytesIO()
        with zipfile.ZipFile(file, 'w', kind) as archive:
            archive.writestr('arr_0.npy', _arrays()[0])
        found.append(file.getvalue())
    return tuple(found)


@functools.cache
def _weights() -> tuple[bytes, ...]:
    found = []
    for entry in (
        {'a': {'dtype': 'F32', 'shape': [2, 3], 'data_offsets': [0, 24]}},
        {'__metadata__': {'x': '1'}, 'b': {'dtype': 'F16', 'shape': [], 'data_offsets': [0, 2]}},
    ):
        head = json.dumps(entry).encode()
        found.append(struct.pack('<Q', len(head)) + head + bytes(24))
    return tuple(found)


def _settings() -> tuple[bytes, ...]:
    settings = {
        'image_mean': [0.4, 0.4, 0.4], 'image_std': [0.2, 0.2, 0.2], 'rescale_factor': 0.0039,
        'size': {'height': 518, 'width': 518}, 'do_pad': False, 'ensure_multiple_of': 14,
        'resample': 3, 'num_hidden_layers': 12, 'backbone_config': {'hidden_size': 384},
    }  # fmt: skip
    return (json.dumps(settings).encode(), b'{"image_processor": {"image_std": 0.5}}')


@functools.cache
def _configs() -> tuple[bytes, ...]:
    config = config_to(config_from({'data': {'frames': 8, 'kinds': ['room']}, 'aspects': [1.5]}))
    return (yaml.safe_dump(config).encode(), b'rate: 1e-3\ndata: {folders: [a, b]}\n')


_LISTS = (
    b'P2: 50 0 11 5 0 50 9 0 0 0 1 0\nR0_rect: 1 0 0 0 1 0 0 0 1\n',
    b'cam0=[50 0 11; 0 50 9; 0 0 1]\nbaseline=59.9\nndisp=16\n',
    b'1 0 0 0.5 # x\n0, 1, 0, 0\n',
)
_PFM = (b'Pf\n3 2\n-1\n' + bytes(24), b'Pf\n2 3\n1.0\n' + bytes(24))


def image_file(reader: Reader) -> None:
    """Read an image; what comes out is what `read_image` promises."""
    data = edited(reader, images())
    image_header(data)
    is_whole(data)
    path = _file(data, 'image')
    read_values(path)
    image = read_image(path)
    assert image.dtype == np.uint8
    assert image.shape[2:] in ((), (3,))


def calibration(reader: Reader) -> None:
    """Read a calibration; one that is accepted can be written and read again."""
    path = _file(edited(reader, _calibrations()), 'camera.yaml')
    camera = read_camera(path)
    write_camera(camera, _folder() / 'again.yaml')
    assert read_camera(_folder() / 'again.yaml') == camera


def array(reader: Reader) -> None:
    """Read an array or an archive of them."""
    if reader.integer(0, 1):
        read_array(_file(edited(reader, _arrays()), 'x.npy'), 'stop', largest=1 << 20)
    else:
        read_array(_file(edited(reader, _archives()), 'x.npz'), 'stop', 'arr_0', 1 << 20)


def weights(reader: Reader) -> None:
    """Check a header of safetensors."""
    check_safetensors(_file(edited(reader, _weights()), 'model.safetensors'))


def processor(reader: Reader) -> None:
    """Read a configuration and the settings of an image processor."""
    path = _file(edited(reader, _settings()), 'config.json')
    settings = read_json(path)
    refuse_foreign(path, settings)
    found = normalised_settings(settings)
    assert min(found['image_std']) > 0


def training(reader: Reader) -> None:
    """Read a configuration of a run."""
    config = read_config(_file(edited(reader, _configs()), 'config.yaml'))
    assert config_from(config_to(config)) == config


def lists(reader: Reader) -> None:
    """Read what data sets consist of."""
    path = _file(edited(reader, _LISTS), 'list.txt')
    read_keys(path)
    read_numbers(path)


def pfm(reader: Reader) -> None:
    """Read a PFM file."""
    assert read_pfm(_file(edited(reader, _PFM), 'x.pfm')).ndim == 2


def names(reader: Reader) -> None:
    """Look for a model by name, and sort names."""
    name = text(reader, ('builtin', 'floor', '~', '/', 'owner/name', '~nosuch/x'))
    natural(name)
    family_of(name)


def words(reader: Reader) -> Any:
    """Parse YAML."""
    return parse_yaml(edited(reader, _calibrations()).decode('utf-8', 'replace'), 'text', 'stop')


TARGETS: Mapping[str, Callable[[Reader], Any]] = {
    f.__name__: f
    for f in (
        *(image_file, calibration, array, weights, processor, training, lists, pfm, names),
        words,
    )
}
