# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the catalogue says of stereo networks: the scenes they suit, and what they cost."""

from __future__ import annotations

# What the training data show, by a word of the description; the last that is found counts, since
# weights are tuned on it at the end. Disparity decides: other rigs see other distances.
SCENES = {
    'Scene Flow': 'rendered things, disparity to 200 px; the best start for training',
    'twelve data sets': 'rooms, yards and roads, 0.5 to 80 m',
    'Middlebury': 'things in a room, 1 to 6 m, in large images',
    'ETH3D': 'rooms and yards, 0.5 to 20 m, in grey images',
    'KITTI': 'roads, 4 to 80 m, with a rig like that of KITTI (721 px, 0.54 m)',
}

# Seconds of a processor and MB that `bench/stereo.py --cpu-time` found at 320x240 in float32 on a
# Xeon with AMX, at the steps and range that were published.
COSTS = {
    'anynet': (0.035, 21),
    'lightstereo-s': (0.17, 59),
    'lightstereo-m': (0.31, 72),
    'aanet-': (1.1, 149),
    'aanet-plus': (1.9, 225),
    'psmnet': (3.5, 432),
    'leastereo': (3.5, 446),
    'raft-stereo-realtime': (1.0, 110),
    'raft-stereo-': (11, 318),
    'igev-stereo': (9.6, 246),
    'igev-plusplus': (11.6, 342),
    'rt-igev-plusplus': (1.3, 105),
}


def suits_of(description: str) -> str:
    """Return the scenes and distances that weights are for, from what they were trained on."""
    found = [scenes for word, scenes in SCENES.items() if word in description]
    return found[-1] if found else ''


def cost_of(name: str) -> str:
    """Return time and memory of a network by its catalogue name, as words."""
    fitting = [prefix for prefix in COSTS if name.startswith(prefix)]
    if not fitting:
        return ''
    seconds, memory = COSTS[max(fitting, key=len)]
    return f'{seconds:g} s of processor time and {memory} MB at 320x240 in float32'
