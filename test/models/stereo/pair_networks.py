# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One name of each stereo network, made-up weights for it, and options that make it quick."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from exact_matcher import write_weights

from depth_ros.lab.parity.fill import filled_array
from depth_ros.models.registry import family_of

# With the golden that holds the official parameter names.
NETWORKS = {
    'anynet': 'anynet',
    'psmnet-kitti2015': 'psmnet',
    'aanet-sceneflow': 'aanet',
    'aanet-plus-sceneflow': 'aanet_plus',
    'leastereo-sceneflow': 'leastereo',
    'lightstereo-s-sceneflow': 'lightstereo_s',
    'lightstereo-m-kitti': 'lightstereo_m',
    'raft-stereo-sceneflow': 'raft_stereo',
    'raft-stereo-rvc': 'raft_stereo_rvc',
    'raft-stereo-realtime': 'raft_stereo_realtime',
    'igev-stereo-sceneflow': 'igev_stereo',
    'igev-plusplus-sceneflow': 'igev_plusplus',
    'rt-igev-plusplus-sceneflow': 'rt_igev_plusplus',
}


def few(name: str) -> dict[str, Any]:
    """Return options that make a network quick, where it has them."""
    # The volumes of IGEV are pooled to 1/32, the others at most to 1/16.
    quick = {'iterations': 1, 'disparity_range': 96 if 'igev' in name else 48}
    known = family_of(name).config.__dataclass_fields__
    return {option: value for option, value in quick.items() if option in known}


def filled_folder(folder: Path, name: str) -> Path:
    """Write made-up weights for a name into a folder; return it."""
    state = family_of(name).official.skeleton(name).state_dict()
    tensors = {
        key: torch.from_numpy(filled_array(key, value.shape, 1.0)) for key, value in state.items()
    }
    return write_weights(folder, name, tensors)
