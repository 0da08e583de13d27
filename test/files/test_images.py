# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Image files: what is read, and what is refused before it is decoded."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from forged_png import png_claiming

from depth_ros.files.images import read_image
from depth_ros.types import DepthError

GRADIENT = np.dstack([np.tile(np.arange(0, 240, 4, np.uint8), (40, 1))] * 3)
GRADIENT[..., 0] //= 2  # red and blue differ


def written(folder: Path, suffix: str, image: np.ndarray = GRADIENT) -> Path:
    path = folder / f'image{suffix}'
    assert cv2.imwrite(str(path), image[..., ::-1] if image.ndim == 3 else image)
    return path


@pytest.mark.parametrize('suffix', ['.png', '.jpg', '.bmp', '.ppm', '.tiff'])
def test_colours_are_rgb(tmp_path: Path, suffix: str) -> None:
    image = read_image(written(tmp_path, suffix))
    assert np.abs(image.astype(int) - GRADIENT).max() <= (8 if suffix == '.jpg' else 0)


@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
def test_grey_stays_grey(tmp_path: Path, suffix: str) -> None:
    assert read_image(written(tmp_path, suffix, GRADIENT[..., 1])).shape == (40, 60)


def test_sixteen_bits_are_scaled_to_eight(tmp_path: Path) -> None:
    deep = GRADIENT[..., 1].astype(np.uint16) * 257
    assert np.array_equal(read_image(written(tmp_path, '.png', deep)), GRADIENT[..., 1])


@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
@pytest.mark.parametrize('share', [0.3, 0.7, 0.99])
def test_an_image_that_was_cut_off_is_refused(tmp_path: Path, suffix: str, share: float) -> None:
    path = written(tmp_path, suffix)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(DepthError, match='without an end'):
        read_image(path)


def test_an_image_that_claims_gigapixels_is_refused_undecoded(tmp_path: Path) -> None:
    path = tmp_path / 'bomb.png'
    path.write_bytes(png_claiming(100_000, 100_000))
    with pytest.raises(DepthError, match='claims 100000x100000'):
        read_image(path)


def test_what_is_no_image_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / 'notes.jpg'
    path.write_text('not an image')
    with pytest.raises(DepthError, match='not an image'):
        read_image(path)
    with pytest.raises(DepthError, match='there is no image'):
        read_image(tmp_path / 'missing.png')
