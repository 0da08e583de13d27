#!/usr/bin/env python3
# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Write config/rerun.rbl, or open a recording of `depth_ros bag` in rerun with it.

    pip install rerun-sdk
    scripts/rerun_blueprint.py                  write config/rerun.rbl
    scripts/rerun_blueprint.py OUT/OUT_0.mcap   open the file in the viewer
"""

from __future__ import annotations

import sys
from pathlib import Path

import rerun as rr
import rerun.blueprint as rrb

ROOT = Path(__file__).resolve().parents[1]
NODES = {'stereo_depth': 'confidence', 'mono_depth': 'relative'}


def blueprint() -> rrb.Blueprint:
    """Return a tab per node: the cloud, beside it depth and what else there is."""
    tabs = [
        rrb.Horizontal(
            # The view takes the coordinate frame of its origin, so no transform is needed.
            rrb.Spatial3DView(origin=f'/{node}/points', name='points'),
            rrb.Vertical(
                rrb.Spatial2DView(origin=f'/{node}/depth/image', name='depth'),
                rrb.Spatial2DView(origin=f'/{node}/{other}', name=other),
            ),
            column_shares=[3, 2],
            name=node,
        )
        for node, other in NODES.items()
    ]
    return rrb.Blueprint(
        rrb.Tabs(*tabs),
        rrb.BlueprintPanel(state='collapsed'),
        rrb.SelectionPanel(state='collapsed'),
    )


def main() -> None:
    """Write the file, or open recordings."""
    if len(sys.argv) == 1:
        blueprint().save('depth_ros', str(ROOT / 'config' / 'rerun.rbl'))
        return
    rr.init('depth_ros', spawn=True, default_blueprint=blueprint())
    for path in sys.argv[1:]:
        rr.log_file_from_path(path)


if __name__ == '__main__':
    main()
