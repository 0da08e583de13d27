# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the weights of a published checkpoint are, and what an official file holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Hub:
    """A repository on the Hugging Face hub, at one commit, branch or tag."""

    repository: str
    revision: str = 'main'

    def __str__(self) -> str:
        return f'{self.repository}@{self.revision}'


@dataclass(frozen=True)
class Url:
    """A file that its authors serve; an empty digest is not known."""

    url: str
    sha256: str = ''

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True)
class ZipMember:
    """One file inside a zip archive that its authors serve; the digest is that of the file."""

    url: str
    member: str
    sha256: str = ''

    def __str__(self) -> str:
        return f'{self.member} in {self.url}'


@dataclass(frozen=True)
class ByHand:
    """A file that a page offers and that no program may fetch."""

    page: str
    file: str
    sha256: str = ''

    def __str__(self) -> str:
        return f'{self.file}, by hand from {self.page}'


Source = Hub | Url | ZipMember | ByHand


def same_key(key: str) -> str | None:
    """Return the key of the network for an official key: the same one."""
    return key


@dataclass(frozen=True)
class Official:
    """
    What a family declares of its official files.

    `skeleton(name)` returns the network of a catalogue name on the meta device: names and shapes
    without memory. `key` maps an official key, without `module.`, to that of the network; None
    drops a key that the network does not need.
    """

    skeleton: Callable[[str], Any]
    key: Callable[[str], str | None] = same_key
