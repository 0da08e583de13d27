# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Frames of any layout that `depth_ros eval` reads, loaded when their turn comes."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Sequence

from depth_ros.lab.eval.frames import Frame, Source
from depth_ros.lab.eval.layouts import open_dataset

KEPT = 256 << 20  # bytes of frames that are kept for the next time


class Reader:
    """The frames of some folders; those that were used last stay in memory."""

    def __init__(self, folders: Sequence[str], kept: int = KEPT) -> None:
        found = [open_dataset(os.path.expanduser(folder)).sources for folder in folders]
        self.sources: list[Source] = [source for part in found for source in part]
        # Frames of two folders with one name are no neighbours.
        self.places = [place for place, part in enumerate(found) for _ in part]
        self._kept, self._limit, self._bytes = OrderedDict[int, Frame](), kept, 0

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, index: int) -> Frame:
        frame = self._kept.pop(index, None)
        if frame is None:
            frame = self.sources[index].load()
            self._bytes += _size(frame)
        self._kept[index] = frame
        while self._bytes > self._limit and len(self._kept) > 1:
            self._bytes -= _size(self._kept.popitem(last=False)[1])
        return frame

    def sequences(self) -> list[list[int]]:
        """Return the frames of each sequence in order: those that lie in one folder."""
        found: dict[tuple[int, str], list[int]] = {}
        for index, source in enumerate(self.sources):
            key = self.places[index], source.name.rpartition('/')[0]
            found.setdefault(key, []).append(index)
        return list(found.values())


def _size(frame: Frame) -> int:
    arrays = (frame.image, frame.right, frame.depth, frame.disparity)
    return sum(array.nbytes for array in arrays if array is not None)
