# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What a node publishes: each topic knows its message and how a frame becomes one.

Publishers exist as long as the node, so that consumers are known before anything is computed:
without a consumer nothing is made, and the inputs are not even subscribed to.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from stereo_msgs.msg import DisparityImage

from depth_ros.files.pictures import depth_to_colors
from depth_ros.messages.camera_info import camera_to_camera_info
from depth_ros.messages.cloud import CloudBuilder
from depth_ros.messages.depth_image import depth_to_image
from depth_ros.messages.disparity import prediction_to_disparity_image
from depth_ros.messages.image import array_to_image
from depth_ros.nodes.parameters.specs import Value, cloud_options
from depth_ros.nodes.qos import output_qos, with_overrides
from depth_ros.pipeline import DepthFrame
from depth_ros.types import DepthKind, FloatImage, Prediction


@dataclass(frozen=True)
class Settings:
    """What the parameters say about the messages; replaced as a whole when they change."""

    depth_encoding: str
    cloud: CloudBuilder
    points_max_rate: float
    max_age: float

    @classmethod
    def of(cls, values: Mapping[str, Value]) -> Settings:
        """Return what these parameter values mean."""
        return cls(
            depth_encoding=str(values['depth_encoding']),
            cloud=CloudBuilder(**cloud_options(values)),  # type: ignore[arg-type]
            points_max_rate=float(values['points_max_rate']),
            max_age=float(values['max_age']),
        )


def relative_values(prediction: Prediction) -> FloatImage:
    """Return the values with larger meaning nearer, whatever the relative kind."""
    if prediction.kind is DepthKind.SCALE_INVARIANT:
        with np.errstate(divide='ignore'):
            return np.divide(np.float32(1), prediction.values, dtype=np.float32)
    return prediction.values


def _depth(frame: DepthFrame, header: Any, settings: Settings) -> Any:
    if frame.depth is None:
        return None
    return depth_to_image(frame.depth, header, settings.depth_encoding)  # type: ignore[arg-type]


def _camera_info(frame: DepthFrame, header: Any, settings: Settings) -> Any:
    return camera_to_camera_info(frame.camera, header)


def _points(frame: DepthFrame, header: Any, settings: Settings) -> Any:
    if frame.depth is None:
        return None
    return settings.cloud(frame.depth, frame.camera, header, frame.image)


def _disparity(frame: DepthFrame, header: Any, settings: Settings) -> Any:
    if frame.prediction.kind is not DepthKind.DISPARITY:
        return None
    return prediction_to_disparity_image(frame.prediction, header)


def _confidence(frame: DepthFrame, header: Any, settings: Settings) -> Any:
    confidence = frame.prediction.confidence
    return None if confidence is None else array_to_image(confidence, '32FC1', header)


def _color(frame: DepthFrame, header: Any, settings: Settings) -> Any:
    if frame.depth is not None:
        depth = frame.depth
    else:  # relative: colours of 1 / value, as those of depth are of inverse depth
        with np.errstate(divide='ignore'):
            depth = np.float32(1) / np.maximum(relative_values(frame.prediction), 0)
    return array_to_image(depth_to_colors(depth), 'rgb8', header)


def _relative(frame: DepthFrame, header: Any, settings: Settings) -> Any:
    if frame.depth is not None:
        return None
    return array_to_image(relative_values(frame.prediction), '32FC1', header)


class Output(NamedTuple):
    """One topic below the node's name."""

    topic: str
    message: type
    build: Callable[[DepthFrame, Any, Settings], Any]  # None: this frame has nothing for it
    description: str
    absent: str = ''  # what is said when a frame has nothing for it


_COMMON = (
    Output('depth/image', Image, _depth, 'depth along the optical axis'),
    Output('depth/camera_info', CameraInfo, _camera_info, 'the camera of ~/depth/image'),
    Output('points', PointCloud2, _points, 'the depth image as points'),
    Output(
        'confidence',
        Image,
        _confidence,
        '0 to 1, 32FC1, where the model tells it',
        'the model tells no confidence, ~/confidence stays empty; use another model',
    ),
    Output('depth/color', Image, _color, 'the depth image in colours of inverse depth'),
)
MONO = (
    *_COMMON,
    Output(
        'relative',
        Image,
        _relative,
        '32FC1, larger is nearer, no unit',
        'there are metres, so ~/relative stays empty; subscribe to ~/depth/image',
    ),
)
STEREO = (
    *_COMMON,
    Output(
        'disparity',
        DisparityImage,
        _disparity,
        'of the left image',
        'the model gives no disparity, ~/disparity stays empty; subscribe to ~/depth/image',
    ),
)


class Outputs:
    """The publishers of one node."""

    def __init__(
        self,
        node: LifecycleNode,
        outputs: Iterable[Output],
        complain: Callable[[str], None],
    ) -> None:
        self._outputs = {output.topic: output for output in outputs}
        self._publishers: dict[str, Any] = {
            name: with_overrides(
                partial(node.create_lifecycle_publisher, output.message, f'~/{name}'),
                output_qos,
                f'~/{name}',
                complain,
            )
            for name, output in self._outputs.items()
        }
        self._last_points: int | None = None

    def consumers(self) -> int:
        """Return how many subscriptions listen."""
        return sum(p.get_subscription_count() for p in self._publishers.values())

    def due(self, stamp: int, settings: Settings) -> list[str]:
        """Return the topics that somebody wants of the frame with this stamp (nanoseconds)."""
        wanted = [t for t, p in self._publishers.items() if p.get_subscription_count() > 0]
        if 'points' in wanted and not self._points_due(stamp, settings.points_max_rate):
            wanted.remove('points')
        return wanted

    def _points_due(self, stamp: int, max_rate: float) -> bool:
        if max_rate <= 0 or self._last_points is None or stamp <= self._last_points:
            return True
        # A tenth of a period of grace, or a camera at just this rate would lose every other one.
        return (stamp - self._last_points) * 1e-9 >= 0.9 / max_rate

    def publish(
        self, topics: Iterable[str], frame: DepthFrame, header: Any, settings: Settings
    ) -> tuple[Mapping[str, float], Mapping[str, str]]:
        """
        Publish the frame on these topics.

        Return the seconds spent on each, and a sentence by each topic this frame left empty.
        """
        timings, empty = {}, {}
        for topic in topics:
            start = time.perf_counter()
            msg = self._outputs[topic].build(frame, header, settings)
            if msg is None:
                empty[topic] = self._outputs[topic].absent
                continue
            self._publishers[topic].publish(msg)
            if topic == 'points':
                stamp = header.stamp
                self._last_points = stamp.sec * 1_000_000_000 + stamp.nanosec
            timings[topic] = time.perf_counter() - start
        return timings, empty
