# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Recordings for tests, written by the library rosbags and not by the code under test."""

import numpy as np
import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed (extra bags)')
pytest.importorskip('mcap', reason='mcap is not installed (extra bags)')

from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

STORE = get_typestore(Stores.ROS2_HUMBLE)
START = 1_700_000_000_000_000_000
PERIOD = 100_000_000


def kind(name):
    return STORE.types[name]


def header(stamp, frame_id='camera_optical'):
    time = kind('builtin_interfaces/msg/Time')(*divmod(stamp, 10**9))
    return kind('std_msgs/msg/Header')(time, frame_id)


def image(pixels, encoding, stamp, frame_id='camera_optical'):
    pixels = np.ascontiguousarray(pixels)
    height, width = pixels.shape[:2]
    step = pixels.nbytes // height
    data = pixels.reshape(-1).view(np.uint8)
    return kind('sensor_msgs/msg/Image')(
        header(stamp, frame_id), height, width, encoding, 0, step, data
    )


def camera_info(camera, stamp, frame_id='camera_optical'):
    roi = kind('sensor_msgs/msg/RegionOfInterest')(0, 0, 0, 0, False)
    return kind('sensor_msgs/msg/CameraInfo')(
        header(stamp, frame_id), camera.height, camera.width, 'plumb_bob', np.zeros(5),
        camera.K.ravel(), camera.R.ravel(), camera.projection.ravel(), 0, 0, roi,
    )  # fmt: skip


def write(path, messages, storage='mcap', mode='none'):
    """Write (topic, time, message) triples as a folder of rosbag2."""
    plugin = StoragePlugin.MCAP if storage == 'mcap' else StoragePlugin.SQLITE3
    writer = Writer(path, version=9, storage_plugin=plugin)
    if mode != 'none':
        writer.set_compression(CompressionMode[mode.upper()], CompressionFormat.ZSTD)
    with writer:
        connections = {}
        for topic, time, message in messages:
            name = message.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, name, typestore=STORE)
            writer.write(connections[topic], time, STORE.serialize_cdr(message, name))
    return path


def write_mcap(path, messages, compression='none', **options):
    """Write (topic, time, message) triples as one MCAP file by the library mcap."""
    from mcap.writer import CompressionType, Writer

    with path.open('wb') as stream:
        writer = Writer(stream, compression=CompressionType[compression.upper()], **options)
        writer.start(profile='ros2', library='test')
        channels = {}
        for topic, time, message in messages:
            name = message.__msgtype__
            if topic not in channels:
                text = STORE.generate_msgdef(name, ros_version=2)[0].encode()
                schema = writer.register_schema(name, 'ros2msg', text)
                channels[topic] = writer.register_channel(topic, 'cdr', schema)
            data = bytes(STORE.serialize_cdr(message, name))
            writer.add_message(channels[topic], time, data, time)
        writer.finish()
    return path


def drive(count=20, size=(32, 24), topic='/camera/image_raw', info='/camera/camera_info'):
    """Return an image and a camera_info per moment, each with its own noise."""
    from depth_ros.types import Camera

    width, height = size
    camera = Camera.pinhole(width, height, 30.0)
    messages = []
    for i in range(count):
        stamp = START + i * PERIOD
        pixels = np.random.default_rng(i).integers(0, 256, (height, width, 3), np.uint8)
        messages.append((info, stamp + 1, camera_info(camera, stamp)))
        messages.append((topic, stamp + 2, image(pixels, 'rgb8', stamp)))
    return messages
