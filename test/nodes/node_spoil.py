# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Good messages, and the ways in which they are spoilt."""

import array
import copy

import numpy as np
from node_scene import encoded

from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.types import Camera

W, H = 64, 48
CAMERA = Camera.pinhole(W, H, 50.0)
IMAGE = np.random.default_rng(0).integers(0, 255, (H, W, 3), np.uint8)
NAN = float('nan')


def good(head, camera=CAMERA, image=IMAGE, encoding='rgb8'):
    return encoded(encoding, image, head), camera_to_camera_info(camera, copy.deepcopy(head))


def image_with(**fields):
    def spoil(image, info):
        for name, value in fields.items():
            setattr(image, name, value)

    return spoil


def info_with(**fields):
    """Spoil fields of the calibration; `k_0=...` is an element of k, `roi_width` one of roi."""

    def spoil(image, info):
        for name, value in fields.items():
            head, _, tail = name.partition('_')
            if head in ('k', 'p', 'r', 'd') and tail:
                values = list(getattr(info, head))
                values[int(tail)] = value
                setattr(info, head, values)
            elif head == 'roi':
                setattr(info.roi, tail, value)
            else:
                setattr(info, name, value)

    return spoil


def data_of(size):
    return array.array('B', bytes(size))


def both_with(frame_id):
    def spoil(image, info):
        image.header.frame_id = info.header.frame_id = frame_id

    return spoil


def refuse(graph, process, send, sentence):
    """Send something bad and wait for the sentence."""
    since = len(process.lines)
    send()
    graph.spin_until(lambda: process.said(sentence, since), f'the sentence {sentence!r}')
