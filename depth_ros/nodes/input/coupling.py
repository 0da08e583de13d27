# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Join an image with the calibration that belongs to it.

A calibration of the same stamp is the right one, and an image waits a moment for it: drivers send
either of the two first. Many drivers send calibrations rarely, late or with stamps of their own.
After some images without an equal stamp the latest calibration is used at once, until equal stamps
are seen or the calibration changes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Image = TypeVar('Image')
Info = TypeVar('Info')

REMEMBERED = 10
OF_NO_IMAGE = -1  # a stamp that no image has
GIVE_UP = 3  # images in a row without an equal stamp: this camera does not stamp both equally
PATIENCE = 0.1  # seconds that an image waits for the calibration of its own stamp


def _unchanged(before: Info, after: Info) -> bool:
    return True


class Coupler(Generic[Image, Info]):
    """
    Call `emit(stamp_ns, image, info)` for every image, in order, at most one image late.

    :param lost: called for an image that is dropped because no calibration has come at all.
    :param same: whether two calibrations are equal but for their stamps.
    """

    def __init__(
        self,
        emit: Callable[[int, Image, Info], None],
        lost: Callable[[], None] = lambda: None,
        same: Callable[[Info, Info], bool] = _unchanged,
    ) -> None:
        self._emit, self._lost, self._same = emit, lost, same
        self._infos: OrderedDict[int, Info] = OrderedDict()
        self.reset()

    def reset(self) -> None:
        """
        Forget what waits and what the stamps showed: time jumped or the inputs were left.

        The last calibration stays: a driver may send it only once.
        """
        last = next(reversed(self._infos.values()), None)
        self._infos.clear()
        if last is not None:
            self._infos[OF_NO_IMAGE] = last
        self._waiting: tuple[int, Image] | None = None
        self._since = 0.0
        self._misses = 0

    @property
    def has_info(self) -> bool:
        return bool(self._infos)

    def add_info(self, stamp: int, info: Info) -> None:
        """Take a calibration; release the image that waits for it."""
        last = next(reversed(self._infos.values()), None)
        if last is not None and not self._same(last, info):
            # What came before describes another camera: no later image may be given it.
            self._infos.clear()
            self._misses = 0
        self._infos.pop(stamp, None)
        self._infos[stamp] = info
        while len(self._infos) > REMEMBERED:
            self._infos.popitem(last=False)
        if self._waiting is not None and self._waiting[0] == stamp:
            self._misses = 0
            self._release()

    def add_image(self, stamp: int, image: Image, now: float) -> None:
        """Take an image; `now` is in seconds of any steady clock."""
        if self._waiting is not None and self._infos:
            self._release()
        if stamp in self._infos:
            self._misses = 0
            self._emit(stamp, image, self._infos[stamp])
            return
        if self._waiting is not None:
            self._lost()
        self._waiting, self._since = (stamp, image), now
        if self._misses >= GIVE_UP and self._infos:
            self._release()

    def flush(self, now: float) -> None:
        """Release an image that has waited long enough, with the latest calibration."""
        if self._waiting is not None and self._infos and now - self._since >= PATIENCE:
            self._release()

    def _release(self) -> None:
        assert self._waiting is not None
        (stamp, image), self._waiting = self._waiting, None
        info = self._infos.get(stamp)
        if info is None:
            self._misses = min(self._misses + 1, GIVE_UP)
            info = next(reversed(self._infos.values()))
        self._emit(stamp, image, info)
