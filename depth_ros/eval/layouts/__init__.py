# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Recognise how a folder is arranged and list its frames.

Another layout is another `Layout` in one of these modules: a function from a folder to frames.
"""

from __future__ import annotations

from pathlib import Path

from depth_ros.eval.frames import DataSet, Layout
from depth_ros.eval.layouts import indoor, kitti, middlebury, synthetic
from depth_ros.types import DepthError

LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for module in (synthetic, middlebury, kitti, indoor)
    for layout in module.LAYOUTS
}


def open_dataset(root: str | Path, layout: str | None = None) -> DataSet:
    """
    Return the frames of a folder; without a layout the first that recognises it is taken.

    Nothing but names is read here.
    """
    root = Path(root)
    if not root.is_dir():
        raise DepthError(f'there is no folder {root}; give the folder of the data set')
    if layout is not None and layout not in LAYOUTS:
        raise DepthError(f'layout is {layout!r}, expected one of {", ".join(LAYOUTS)}')
    for candidate in [LAYOUTS[layout]] if layout is not None else LAYOUTS.values():
        sources = tuple(candidate.find(root))
        if sources:
            return DataSet(root, candidate, sources)
    if layout is not None:
        raise DepthError(
            f'{root} holds no frames of layout {layout} ({LAYOUTS[layout].description})'
        )
    known = '; '.join(f'{item.name} ({item.description})' for item in LAYOUTS.values())
    raise DepthError(
        f'{root} is arranged like no data set with ground truth that is known here; '
        f'known are: {known}'
    )
