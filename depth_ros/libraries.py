# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The one decision between a ROS library and its stand-in.

A robot has cv_bridge, message_filters, sensor_msgs_py, diagnostic_msgs and tf2_ros from its
distribution; an installation from PyPI may have none. Each is used where it can be imported and a
small trial gives what the stand-in gives; otherwise the stand-in is used, and `describe` says why.
DEPTH_ROS_LIBRARIES=own asks for the stand-ins.

What is not delegated, and why: images that are RGB or grey already, since they need no conversion
and are not even copied; compressed images, since the size must be checked before decoding; and
create_cloud of sensor_msgs_py, since it is many times slower than CloudBuilder and swaps the
height and width of organised clouds.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from depth_ros.messages.cloud import cloud_to_points
from depth_ros.messages.image import (
    ENCODINGS,
    array_to_image,
    image_to_array,
)
from depth_ros.messages.image import (
    image_to_view_array as own_image_to_view_array,
)
from depth_ros.sync import PairSynchroniser
from depth_ros.sync_filters import FilterSynchroniser
from depth_ros.types import Image

VARIABLE = 'DEPTH_ROS_LIBRARIES'


@dataclass(frozen=True)
class Choice:
    """Which of the two serves one purpose, and why."""

    name: str
    source: str  # ros, own
    reason: str = ''
    found: Any = None  # what the trial found out

    def __str__(self) -> str:
        return f'{self.name}: {self.source}' + (f' ({self.reason})' if self.reason else '')


@functools.cache
def choices() -> Mapping[str, Choice]:
    """Decide, once per process."""
    return {name: _choose(name, trial) for name, trial in _TRIALS.items()}


def report() -> dict[str, str]:
    """Return 'ros' or 'own' by the name of each library."""
    return {name: choice.source for name, choice in choices().items()}


def describe() -> str:
    """Return one line for the log: what is used and, for each stand-in, why."""
    return ', '.join(map(str, choices().values()))


def pair_synchroniser(
    tolerance: float, queue_size: int, callback: Callable[[Any, Any], None]
) -> PairSynchroniser:
    """Return what pairs left and right; message_filters does the matching where it is."""
    used = choices()['message_filters'].source == 'ros'
    return (FilterSynchroniser if used else PairSynchroniser)(tolerance, queue_size, callback)


def image_to_view_array(msg: Any, decimation: int = 1) -> Image:
    """Return HxW for grey encodings, HxWx3 RGB for colour; cv_bridge converts what it can."""
    choice = choices()['cv_bridge']
    if choice.source == 'own' or decimation > 1 or msg.encoding not in choice.found:
        return own_image_to_view_array(msg, decimation)
    # It does not look at the size of the data before it reads them.
    image_to_array(msg)
    return _cv_bridge_convert(_cv_bridge(), msg)


def read_points(msg: Any) -> np.ndarray:
    """Return the points of a cloud as one structured array of N."""
    points = cloud_to_points(msg).reshape(-1)
    # sensor_msgs_py swaps big-endian bytes within the message, and does not know padded rows.
    plain = not msg.is_bigendian and msg.row_step == msg.width * msg.point_step
    if choices()['sensor_msgs_py'].source == 'own' or not plain or not len(points):
        return points
    return importlib.import_module('sensor_msgs_py.point_cloud2').read_points(msg)


def module(name: str) -> Any | None:
    """Return the library itself where it is used (diagnostic_msgs, tf2_ros), else None."""
    used = choices()[name].source == 'ros'
    return importlib.import_module(name) if used else None


def _choose(name: str, trial: Callable[[], Any]) -> Choice:
    if os.environ.get(VARIABLE, '').strip().lower() == 'own':
        return Choice(name, 'own', f'{VARIABLE}=own')
    try:
        present = importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        present = False
    if not present:
        return Choice(name, 'own', 'not installed')
    try:
        return Choice(name, 'ros', found=trial())
    except Exception as error:
        kind = '' if isinstance(error, RuntimeError) else f'{type(error).__name__}: '
        return Choice(name, 'own', f'trial failed: {kind}{error}')


def _cv_bridge_trial() -> frozenset[str]:
    """Return the encodings that cv_bridge converts as the stand-in does."""
    # Its compiled half, built for NumPy 1, can end the process when it meets NumPy 2.
    if int(np.__version__.split('.')[0]) >= 2:
        code = 'import depth_ros.libraries as l; print(*l.cv_bridge_encodings())'
        done = subprocess.run(
            [sys.executable, '-c', code], capture_output=True, text=True, timeout=30
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or [f'exit code {done.returncode}'])[-1]
            raise RuntimeError(f'{last.removeprefix("RuntimeError: ")}, NumPy {np.__version__}')
        return frozenset(done.stdout.split())
    return cv_bridge_encodings()


def cv_bridge_encodings() -> frozenset[str]:
    """Convert a small image of every encoding with cv_bridge and return the equal ones."""
    from std_msgs.msg import Header

    bridge = _cv_bridge()
    noise = np.random.default_rng(0).integers(0, 256, (4, 6, 8), np.uint8)
    equal, problem = [], ''
    for encoding in ENCODINGS.values():
        needs_no_conversion = encoding.name in ('rgb8', 'mono8', '8UC1')
        if encoding.family == 'depth' or encoding.rows != 1 or needs_no_conversion:
            continue
        pixels = noise[..., : encoding.pixel_bytes].copy().view(encoding.dtype)
        if encoding.channels == 1:
            pixels = pixels[..., 0]
        msg = array_to_image(pixels, encoding.name, Header())
        try:
            theirs = _cv_bridge_convert(bridge, msg)
        except Exception as error:
            problem = f'{type(error).__name__}: {error}'
            continue
        if np.array_equal(theirs, own_image_to_view_array(msg)):
            equal.append(encoding.name)
    if not equal:
        raise RuntimeError(problem or 'no encoding is converted as expected')
    return frozenset(equal)


def _cv_bridge_convert(bridge: Any, msg: Any) -> Image:
    colour = ENCODINGS[msg.encoding].is_colour
    return bridge.imgmsg_to_cv2(msg, 'rgb8' if colour else 'mono8')


@functools.cache
def _cv_bridge() -> Any:
    return importlib.import_module('cv_bridge').CvBridge()


def _message_filters_trial() -> None:
    for tolerance in (0.0, 0.01):
        pairs: list[Any] = []
        synchroniser = FilterSynchroniser(
            tolerance, 2, lambda *pair, seen=pairs: seen.append(pair)
        )
        synchroniser.add('left', 10**9, 'left')
        synchroniser.add('right', 10**9 + round(tolerance * 1e9), 'right')
        if pairs != [('left', 'right')]:
            raise RuntimeError(f'a pair {tolerance:g} s apart came out as {pairs}')


def _sensor_msgs_py_trial() -> None:
    from sensor_msgs.msg import PointCloud2, PointField

    from depth_ros.messages.fast import array_to_bytes

    values = np.arange(4, dtype=np.float32)
    msg = PointCloud2(height=1, width=2, point_step=8, row_step=16, is_dense=True)
    msg.fields = [
        PointField(name=n, offset=4 * i, datatype=PointField.FLOAT32, count=1)
        for i, n in enumerate('xy')
    ]
    msg.data = array_to_bytes(values)
    points = importlib.import_module('sensor_msgs_py.point_cloud2').read_points(msg)
    if points['x'].tolist() != [0.0, 2.0] or points['y'].tolist() != [1.0, 3.0]:
        raise RuntimeError(f'two points were read as {points}')


def _diagnostic_msgs_trial() -> None:
    from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

    status = DiagnosticStatus(level=DiagnosticStatus.OK, values=[KeyValue(key='k', value='v')])
    DiagnosticArray(status=[status])


def _tf2_trial() -> None:
    tf2_ros = importlib.import_module('tf2_ros')
    if not hasattr(tf2_ros, 'Buffer') or not hasattr(tf2_ros, 'TransformListener'):
        raise RuntimeError('it has no Buffer and TransformListener')


_TRIALS: Mapping[str, Callable[[], Any]] = {
    'cv_bridge': _cv_bridge_trial,
    'message_filters': _message_filters_trial,
    'sensor_msgs_py': _sensor_msgs_py_trial,
    'diagnostic_msgs': _diagnostic_msgs_trial,
    'tf2_ros': _tf2_trial,
}
