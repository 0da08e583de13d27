# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`depth_ros view`: images, depth and clouds in a browser, here or from another machine."""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from depth_ros.cli.bag import parse_parameters
from depth_ros.cli.model_options import parse_options
from depth_ros.files.bags.reader import is_bag
from depth_ros.files.calibration import read_camera
from depth_ros.files.images import read_image
from depth_ros.models.registry import DEFAULT_MONO, DEFAULT_STEREO
from depth_ros.reprocess.settings import BagJob, Engine, engine_for
from depth_ros.reprocess.topics import Choice
from depth_ros.types import Camera, DepthError
from depth_ros.viewer.shown import Shown
from depth_ros.viewer.sources import (
    Models,
    Moments,
    Recorded,
    Recording,
    open_cloud,
    open_image,
    open_result,
)
from depth_ros.viewer.window import LOCAL, Window

TOPICS = ('image', 'camera_info', 'left', 'right')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'what',
        nargs='*',
        type=Path,
        metavar='WHAT',
        help='a recording, the folder of infer or demo, a PLY file, an image, or a pair',
    )
    parser.add_argument(
        '--node',
        action='append',
        default=[],
        metavar='NAME',
        help='a running node, such as /stereo_depth, instead of WHAT; may be repeated',
    )
    models = parser.add_argument_group('what is computed')
    models.add_argument(
        '--model',
        action='append',
        default=[],
        help='of an image or a recording; several are shown side by side',
    )
    models.add_argument(
        '--option',
        action='append',
        default=[],
        metavar='NAME=VALUE',
        help='an option of every model that has it',
    )
    models.add_argument('--param', action='append', default=[], metavar='NAME=VALUE')
    models.add_argument('--camera', type=Path, help='camera_info YAML, for an image')
    models.add_argument('--right-camera', type=Path, help='the same for the right one of a pair')
    models.add_argument('--focal', type=float, help='pixels, instead of --camera')
    models.add_argument('--baseline', type=float, help='metres, with --focal, for a pair')
    topics = parser.add_argument_group('topics of a recording; found by type and name')
    for name in TOPICS:
        topics.add_argument(f'--{name.replace("_", "-")}', default='', metavar='TOPIC')
    page = parser.add_argument_group('the page')
    page.add_argument(
        '--host',
        default='127.0.0.1',
        help='0.0.0.0 to open it from other machines, with a token; default this machine only',
    )
    page.add_argument('--port', type=int, default=8080, help='default %(default)s; 0 is any')
    page.add_argument('--token', default='', help='of your choice, for other machines')
    page.add_argument('--play', action='store_true', help='play a recording at once')


def run(arguments: argparse.Namespace) -> int:
    """Show until interrupted."""
    if bool(arguments.node) == bool(arguments.what):
        raise DepthError('give a file, a folder or a recording, or else --node NAME')
    if arguments.token and arguments.host in LOCAL:
        raise DepthError('--token is for other machines; give --host with it')
    showing = _live(arguments) if arguments.node else _still(arguments)
    try:
        print(f'open {showing.window.url}  (Ctrl-C ends it)', flush=True)
        while True:
            time.sleep(3600)
    finally:
        showing.close()


class Showing:
    """A page with what feeds it."""

    def __init__(self, window: Window, *parts: Any) -> None:
        self.window, self._parts = window, parts

    def close(self) -> None:
        """End everything."""
        for part in (*self._parts, self.window):
            part.close()


def _window(arguments: argparse.Namespace, title: str, names: Sequence[str]) -> Window:
    return Window(title, names, arguments.host, arguments.port, arguments.token)


def _still(arguments: argparse.Namespace) -> Showing:
    moments, models = _moments(arguments)
    title = ', '.join(path.name for path in arguments.what)
    window = _window(arguments, title, moments.names)
    reached = [0.0]

    def seek(seconds: float) -> float | None:
        found = moments.at(seconds)
        if found is None:
            return None
        reached[0], shown = found
        window.show(shown)
        return reached[0]

    parts = []
    if moments.duration > 0:
        timeline = window.add_timeline(moments.duration, seek, moments.rate)
        timeline.go(0.0)
        timeline.play(arguments.play)
        parts.append(timeline)
    else:
        seek(0.0)
    if models is not None:
        lock = threading.Lock()
        for name, engine in models.engines.items():

            def change(parameter: str, value: Any, name: str = name) -> str:
                with lock:
                    problem = models.change(name, parameter, value)
                    if not problem:
                        seek(reached[0])
                    return problem

            window.add_parameters(name, models.specs(name), engine.values, change)
    return Showing(window, *parts)


def _moments(arguments: argparse.Namespace) -> tuple[Moments, Models | None]:
    first, *rest = what = arguments.what
    if is_bag(first):
        if rest:
            raise DepthError('one recording at a time; leave the others out')
        recorded = {} if arguments.model else Recorded.find(first)
        if recorded:
            return Recorded(first, recorded), None
        choice = Choice(**{name: getattr(arguments, name) for name in TOPICS})
        models = Models(_engines(arguments, pair=choice.is_pair))
        return Recording(first, models, choice), models
    if first.is_dir():
        return open_result(first), None
    if first.suffix.lower() == '.ply':
        return open_cloud(first), None
    if len(what) > 2:
        raise DepthError(f'{len(what)} images are given, expected one, or left and right')
    models = Models(_engines(arguments, pair=len(what) == 2))
    return open_image(models, what, _cameras(arguments, what)), models


def _engines(arguments: argparse.Namespace, *, pair: bool) -> dict[str, Engine]:
    names = arguments.model or [DEFAULT_STEREO if pair else DEFAULT_MONO]
    parameters = parse_parameters(arguments.param)
    engines = {}
    for name in dict.fromkeys(names):
        options = _options_for(name, arguments.option, names)
        engines[name] = engine_for(BagJob('', '', name, options, parameters))
    return engines


def _options_for(name: str, given: Sequence[str], names: Sequence[str]) -> Mapping[str, Any]:
    """Return the options that a model has; one that no model has is refused."""
    options: dict[str, Any] = {}
    for item in given:
        errors = []
        for other in names:
            try:
                found = parse_options(other, [item])
            except DepthError as error:
                errors.append(error)
                continue
            if other == name:
                options |= found
        if len(errors) == len(names):
            raise errors[0]
    return options


def _cameras(arguments: argparse.Namespace, images: Sequence[Path]) -> list[Camera]:
    height, width = read_image(images[0]).shape[:2]
    if arguments.camera is not None:
        cameras = [read_camera(arguments.camera)]
        if len(images) == 2:
            if arguments.right_camera is None:
                raise DepthError('a pair needs --right-camera beside --camera')
            cameras.append(read_camera(arguments.right_camera))
        return cameras
    if arguments.focal is None:
        raise DepthError('the camera is not known; give --camera FILE or --focal PIXELS')
    if len(images) == 2 and not (arguments.baseline or 0) > 0:
        raise DepthError('a pair with --focal needs --baseline METRES')
    baselines = (0.0, arguments.baseline or 0.0)[: len(images)]
    return [Camera.pinhole(width, height, arguments.focal, baseline=b) for b in baselines]


def _live(arguments: argparse.Namespace) -> Showing:
    try:
        from depth_ros.nodes.viewing import LiveNodes
    except ImportError as error:
        raise DepthError(f'--node needs ROS 2 ({error}); source a ROS workspace') from error

    names = [name.strip('/') for name in arguments.node]
    window = _window(arguments, 'live', names)
    nodes = LiveNodes(names, lambda name, what: window.show({name: Shown(**what)}))
    for name in names:
        specs, values = nodes.parameters(name)
        if specs:
            window.add_parameters(name, specs, values, partial(nodes.set_parameter, name))
        else:
            print(
                f'/{name} does not answer, so its parameters are not shown; `ros2 node list` has '
                'the names, and ROS_DOMAIN_ID must be that of the node',
                flush=True,
            )
    return Showing(window, nodes)
