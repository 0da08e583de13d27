# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The launch files and what they start, for the tests of both."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from depth_ros.nodes import launching
from depth_ros.nodes.parameters.specs import MONO, MULTI, STEREO

ROOT = Path(launching.__file__).resolve().parents[2]
NODES = {'mono_depth': MONO, 'stereo_depth': STEREO, 'multi_view_depth': MULTI}
FILES = {
    'mono_depth': 'mono.launch.py',
    'stereo_depth': 'stereo.launch.py',
    'multi_view_depth': 'multi_view.launch.py',
}

each_node = pytest.mark.parametrize('node', list(NODES))


def tables(node: str) -> dict[str, Any]:
    """Return the module-level tables of a node's launch file, which imports no launch."""
    return runpy.run_path(str(ROOT / 'launch' / FILES[node]))
