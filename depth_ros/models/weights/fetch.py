# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Bring the weights of a catalogue entry onto this machine, whatever their source is."""

from __future__ import annotations

import os
from pathlib import Path

from depth_ros.models.protocol import ModelError
from depth_ros.models.weights import hub
from depth_ros.models.weights.download import Progress, download, extract
from depth_ros.models.weights.official import convert
from depth_ros.models.weights.source import ByHand, Hub, Official, Source, Url, ZipMember
from depth_ros.models.weights.verify import WEIGHTS, WeightsMissing


def converted_folder(name: str) -> Path:
    """Return where the converted weights of a catalogue name are kept."""
    base = os.environ.get('XDG_CACHE_HOME') or str(Path.home() / '.cache')
    return Path(base) / 'depth_ros' / 'weights' / name


def is_here(name: str, source: Source | None) -> bool:
    """Return whether a model can be made without a download."""
    if source is None:
        return True
    if not isinstance(source, Hub) or (converted_folder(name) / WEIGHTS).is_file():
        return (converted_folder(name) / WEIGHTS).is_file()
    try:
        return hub.cached_folder(source.repository, source.revision) is not None
    except ModelError:  # huggingface_hub is not installed, so neither is anything of the hub
        return False


def fetch(
    name: str, source: Source, official: Official | None = None, progress: Progress | None = None
) -> Path:
    """Return the folder with the weights as safetensors, downloaded and converted if needed."""
    if isinstance(source, Hub):
        return hub.download(source.repository, source.revision, progress=progress is not None)
    folder = converted_folder(name)
    if isinstance(source, ByHand):
        if (folder / WEIGHTS).is_file():
            return folder
        raise WeightsMissing(
            f'the weights of {name} are offered on a page and cannot be fetched by a program; '
            f'download {source.file} from {source.page}, then run '
            f'`depth_ros convert {name} {source.file}`'
        )
    if (folder / WEIGHTS).is_file():
        return folder
    if official is None:
        raise ModelError(f'{name} declares no official file, nothing can be converted')
    file = _official_file(source, folder, progress)
    convert(name, official, file, folder)
    file.unlink()
    return folder


def _official_file(source: Url | ZipMember, folder: Path, progress: Progress | None) -> Path:
    name = Path(source.url.split('?')[0]).name or 'file'
    if isinstance(source, Url):
        return download(source.url, folder / name, source.sha256, progress)
    archive = download(source.url, folder / name, progress=progress)
    file = extract(archive, source.member, folder / Path(source.member).name, source.sha256)
    archive.unlink()
    return file
