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

# Seconds of a processor and MB that `bench/stereo.py --cpu-time` found at 640x480 in float32 on a
# Xeon with AMX, at the steps and range that were published.
COSTS = {
    'anynet': (0.095, 33),
    'lightstereo-s': (0.74, 153),
    'lightstereo-m': (1.0, 177),
    'aanet-': (5.6, 358),
    'aanet-plus': (6.2, 556),
    'psmnet': (15, 927),
    'leastereo': (17, 1655),
    'raft-stereo-realtime': (3.4, 213),
    'raft-stereo-': (40, 854),
    'igev-stereo': (36, 695),
    'igev-plusplus': (43, 895),
    'rt-igev-plusplus': (4.5, 386),
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
    return f'{seconds:g} s of processor time and {memory} MB at 640x480 in float32'
