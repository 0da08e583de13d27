# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Recognise how a folder is arranged and list its frames.

Another layout is another `Layout` in one of these modules: a function from a folder to frames.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from depth_ros.lab.eval.frames import DataSet, Layout
from depth_ros.lab.eval.layouts import indoor, kitti, middlebury, synthetic
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


def open_datasets(roots: Sequence[str | Path], layout: str | None = None) -> DataSet:
    """
    Return the frames of several folders as one set, every frame named with its folder.

    The usual rules are those of the layouts where they agree, else all pixels are judged.
    """
    if not roots:
        raise DepthError('no folder is given; expected one data set or more')
    sets = [open_dataset(root, layout) for root in roots]
    if len(sets) == 1:
        return sets[0]
    paths = [item.root.resolve() for item in sets]
    top = Path(os.path.commonpath(paths))
    short = [path.relative_to(top) for path in paths]
    sources = tuple(
        replace(source, name=str(name / source.name))
        for item, name in zip(sets, short, strict=True)
        for source in item.sources
    )
    protocols = {item.layout.protocol for item in sets}
    together = Layout(
        ', '.join(dict.fromkeys(item.layout.name for item in sets)),
        'several folders',
        lambda _: sources,
        protocols.pop() if len(protocols) == 1 else 'full',
    )
    title = ', '.join(str(item.root) for item in sets)
    return DataSet(top, together, sources, title, tuple(map(str, short)))
