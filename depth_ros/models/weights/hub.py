# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Find a checkpoint in the cache of the Hugging Face hub, or download it there."""

from __future__ import annotations

import importlib
import logging
import os
import re
import socket
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from depth_ros.models.protocol import ModelError, required_library
from depth_ros.models.weights.verify import (
    CONFIG,
    INDEX,
    PROCESSORS,
    WEIGHTS,
    WeightsMissing,
    folder_named,
    is_folder,
    read_json,
    weight_files,
)
from depth_ros.types import quoted

PATTERNS = (CONFIG, *PROCESSORS, WEIGHTS, INDEX, 'model-*-of-*.safetensors')

_HUB_ID = re.compile(r'[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}')


_TRUE = {'1', 'TRUE', 'YES', 'ON'}
_CONNECT = 5.0  # seconds for the hub to accept a connection


class HubUnreachable(ModelError):
    """The weights would have to be downloaded and the hub does not answer."""


def is_hub_id(name: str) -> bool:
    """Return whether a name reads as owner/name."""
    return _HUB_ID.fullmatch(name) is not None and '..' not in name and '--' not in name


def locate(name: str, revision: str = 'main', *, progress: bool = False) -> Path:
    """
    Return the folder of a checkpoint, downloading it where the cache does not hold it.

    HF_HOME and HF_HUB_OFFLINE mean what they mean to huggingface_hub; a folder is used as it is.
    """
    folder = folder_named(name)
    if is_folder(name):
        return folder
    if not is_hub_id(name):
        raise WeightsMissing(
            f'{quoted(name)} is neither an existing folder with a {CONFIG} nor a hub id such as '
            'owner/name; check the path'
        )
    cached = cached_folder(name, revision)
    if cached is not None:
        return cached
    return download(name, revision, progress=progress)


def cached_folder(repository: str, revision: str = 'main') -> Path | None:
    """Return the folder in the hub's cache, or None where it is absent or not complete."""
    hub = _hub()
    try:
        folder = Path(
            hub.snapshot_download(
                repository, revision=revision, allow_patterns=list(PATTERNS), local_files_only=True
            )
        )
        read_json(folder / CONFIG)
        weight_files(folder)
    except (OSError, ValueError):  # not cached; ModelError (no weights yet) is a ValueError too
        return None
    return folder


def download(repository: str, revision: str = 'main', *, progress: bool = False) -> Path:
    """Download what a model needs, and nothing else, into the hub's cache."""
    hub = _hub()
    bars = importlib.import_module('huggingface_hub.utils')
    if os.environ.get('HF_HUB_DISABLE_PROGRESS_BARS') is None:
        (bars.enable_progress_bars if progress else bars.disable_progress_bars)()
    try:
        _connect()
        return Path(
            hub.snapshot_download(repository, revision=revision, allow_patterns=list(PATTERNS))
        )
    except Exception as error:
        raise _hub_error(repository, revision, error) from error


def _connect() -> None:
    """
    Raise OSError where the hub does not answer at all.

    Its client tries again for half a minute before it gives up, and a fallback would wait for it.
    Behind a proxy only the client itself can say.
    """
    offline = os.environ.get('HF_HUB_OFFLINE', '').upper() in _TRUE
    if offline or urllib.request.getproxies():
        return
    address = urllib.parse.urlsplit(importlib.import_module('huggingface_hub.constants').ENDPOINT)
    port = address.port or (80 if address.scheme == 'http' else 443)
    socket.create_connection((address.hostname or '', port), timeout=_CONNECT).close()


def _hub() -> Any:
    hub = required_library(
        'huggingface_hub', 'a model of the hub', "'transformers>=5.0' safetensors"
    )
    # Its clients report every request at INFO; a level that the user has set stands.
    for client in (logging.getLogger('httpx'), logging.getLogger('httpx2')):
        if client.level == logging.NOTSET:
            client.setLevel(logging.WARNING)
    return hub


def _hub_error(repository: str, revision: str, error: Exception) -> ModelError:
    """Return one sentence for what the hub's client raised."""
    names = {c.__name__ for c in type(error).__mro__}
    if names & {'GatedRepoError'}:
        return WeightsMissing(
            f'{repository} asks for its licence to be accepted; accept it on its page and log in '
            'with `hf auth login`'
        )
    if names & {'RepositoryNotFoundError', 'RevisionNotFoundError'}:
        return WeightsMissing(
            f'the hub has no {repository} at revision {quoted(revision)}; check the name, or log '
            'in with `hf auth login` if it is private'
        )
    if isinstance(error, OSError) and error.errno == 28:
        return ModelError(
            f'the disk is full while downloading {repository}; free space or point HF_HOME '
            'at a larger disk'
        )
    if os.environ.get('HF_HUB_OFFLINE', '').upper() in _TRUE:
        return HubUnreachable(
            f'{repository} is not on this machine and HF_HUB_OFFLINE forbids a download; run '
            f'`depth_ros fetch {repository}` with a network, or name a local folder'
        )
    return HubUnreachable(
        f'{repository} is not on this machine and the hub cannot be reached '
        f'({type(error).__name__}); check the network, run `depth_ros fetch {repository}` later, '
        'or name a local folder'
    )
