# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Join a picture with the calibration that belongs to it.

A calibration of the same stamp is the right one, and a camera that stamps both equally is waited
for. But calibrations hardly ever change, and many drivers send them rarely, late or with stamps
of their own, so otherwise the latest one is used and no picture is lost for want of it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Image = TypeVar('Image')
Info = TypeVar('Info')

REMEMBERED = 10
OF_NO_IMAGE = -1  # a stamp that no picture has
GIVE_UP = 3  # pictures in a row without an equal stamp: this camera does not stamp both equally


class Coupler(Generic[Image, Info]):
    """
    Call `emit(stamp_ns, image, info)` for every picture, at most one picture late.

    `lost()` is called for a picture that is let go because no calibration has come at all.
    """

    def __init__(
        self, emit: Callable[[int, Image, Info], None], lost: Callable[[], None] = lambda: None
    ) -> None:
        self._emit, self._lost = emit, lost
        self._infos: OrderedDict[int, Info] = OrderedDict()
        self.reset()

    def reset(self) -> None:
        """
        Forget what waits and what the stamps said: time jumped or the inputs were left.

        The last calibration stays: whoever sends it once does not send it again.
        """
        last = next(reversed(self._infos.values()), None)
        self._infos.clear()
        if last is not None:
            self._infos[OF_NO_IMAGE] = last
        self._waiting: tuple[int, Image] | None = None
        self._misses = GIVE_UP  # until a pair of equal stamps is seen, nothing is waited for

    @property
    def has_info(self) -> bool:
        return bool(self._infos)

    def add_info(self, stamp: int, info: Info) -> None:
        self._infos.pop(stamp, None)
        self._infos[stamp] = info
        while len(self._infos) > REMEMBERED:
            self._infos.popitem(last=False)
        if self._waiting is not None:
            if self._waiting[0] == stamp:
                self._misses = 0
            elif stamp < self._waiting[0] and self._misses < GIVE_UP:
                return  # of an earlier picture: its own is still on the way
            self.flush()

    def add_image(self, stamp: int, image: Image) -> None:
        self.flush()
        if stamp in self._infos:
            self._misses = 0
            self._emit(stamp, image, self._infos[stamp])
            return
        if self._waiting is not None:
            self._lost()
        self._waiting = (stamp, image)
        if self._misses >= GIVE_UP:
            self.flush()

    def flush(self) -> None:
        """Let the waiting picture go with the best calibration there is."""
        if self._waiting is None or not self._infos:
            return
        (stamp, image), self._waiting = self._waiting, None
        info = self._infos.get(stamp)
        if info is None:
            self._misses = min(self._misses + 1, GIVE_UP)
            info = next(reversed(self._infos.values()))
        self._emit(stamp, image, info)
