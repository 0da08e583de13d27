# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The configuration of a run that takes a second."""

from depth_ros.lab.train.config import config_from

SMALL = {
    'layout': {'deep': 16, 'decoder': [8, 8, 8, 8]}, 'encoder': 'random',
    'width': 64, 'height': 64, 'batch': 2, 'workers': 0, 'warm_up': 2, 'precision': 'float32',
    'device': 'cpu',
}  # fmt: skip


def configuration(dataset, **more):
    return config_from({**SMALL, 'steps': 12, 'data': {'folders': [str(dataset)]}, **more})
