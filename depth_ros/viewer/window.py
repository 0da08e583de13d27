# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The page: clouds side by side, images beside them, a timeline, parameters.

viser draws; here is only what goes where. Several browsers may look at the same page.
"""

from __future__ import annotations

import contextlib
import io
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from depth_ros.nodes.parameters.spec import ParameterSpec, Value
from depth_ros.types import DepthError
from depth_ros.viewer.gate import Gate
from depth_ros.viewer.shown import Shown

LOCAL = ('127.0.0.1', 'localhost', '::1')
CLOSEST, WIDEST = 1.5, 15.0  # metres between the clouds of two models
POINT_SIZE = 0.012
SetParameter = Callable[[str, Value], str]  # returns why not; empty for done


def viser_library() -> Any:
    """Return viser."""
    try:
        import viser

        return viser
    except ImportError as error:
        raise DepthError(
            f"`view` needs viser, which cannot be imported ({error}); run: pip install '.[view]'"
        ) from error


class Window:
    """
    A page for some models or nodes, by their names.

    :param host: where it can be opened from; other than this machine it asks for a token.
    :param port: 0 takes a free one.
    """

    def __init__(
        self,
        title: str,
        names: Sequence[str],
        host: str = '127.0.0.1',
        port: int = 8080,
        token: str = '',
    ) -> None:
        viser = viser_library()
        local = host in LOCAL
        _check_free('127.0.0.1' if local else host, port)
        inner = port if local and port else _free_port()
        logging.getLogger('websockets').setLevel(logging.WARNING)
        with contextlib.redirect_stdout(io.StringIO()):
            self._server = viser.ViserServer('127.0.0.1', inner, label=title, verbose=False)
        inner = int(self._server.get_port())
        self._gate = None if local else Gate(host, port, inner, token)
        if self._gate is None:
            self.url = f'http://127.0.0.1:{inner}/'
        else:
            shown = socket.gethostname() if host in ('0.0.0.0', '::') else host
            self.url = f'http://{shown}:{self._gate.port}/?token={self._gate.token}'
        self._lock = threading.Lock()
        gui = self._server.gui
        gui.configure_theme(
            control_width='large', dark_mode=True, show_logo=False, show_share_button=False
        )
        gui.main_panel.dock_right()
        self._size = POINT_SIZE
        self._server.scene.set_up_direction('-y')
        self._placed = False
        self._title = self._server.gui.add_markdown(f'**{title}**')
        self._columns = {name: _Column(self, name, named=len(names) > 1) for name in names}
        self._add_display_options()

    @property
    def server(self) -> Any:
        """The server of viser."""
        return self._server

    @property
    def point_size(self) -> float:
        """Metres."""
        return self._size

    def show(self, shown: Mapping[str, Shown]) -> None:
        """Show a moment: what each name has."""
        with self._lock:
            if not self._placed:
                self._place(shown)
            for name, what in shown.items():
                self._columns[name].show(what)
            self._server.flush()

    def add_timeline(
        self, duration: float, seek: Callable[[float], float | None], rate: float
    ) -> Timeline:
        """
        Add a slider over seconds and a play button.

        :param seek: shows the moment at or after a time and returns when it is; None at the end.
        :param rate: moments per second of the recording, for the speed of playing.
        """
        return Timeline(self._server, duration, seek, rate)

    def add_parameters(
        self,
        name: str,
        specs: Sequence[ParameterSpec],
        values: Mapping[str, Value],
        change: SetParameter,
    ) -> None:
        """Add a control for each parameter; what is refused is said and taken back."""
        gui = self._server.gui
        with gui.add_folder(f'parameters of {name}', expand_by_default=False):
            says = gui.add_markdown('')
            for spec in specs:
                control = _control(gui, spec, values.get(spec.name, spec.default))
                control.on_update(_Change(spec, control, change, says))

    def close(self) -> None:
        """End the page."""
        if self._gate is not None:
            self._gate.close()
        with contextlib.redirect_stdout(io.StringIO()):
            self._server.stop()

    def _place(self, shown: Mapping[str, Shown]) -> None:
        """Put the clouds beside each other, and the eye of a new browser before them."""
        clouds = [what.cloud()[0] for what in shown.values()]
        clouds = [points for points in clouds if len(points)]
        if not clouds:
            return
        self._placed = True
        low, high = np.percentile(np.concatenate(clouds), (3, 97), axis=0)
        spacing = float(np.clip(1.2 * (high[0] - low[0]), CLOSEST, WIDEST))
        for number, column in enumerate(self._columns.values()):
            column.move(number * spacing)
        middle = (len(self._columns) - 1) * spacing / 2
        back = 0.5 * spacing * len(self._columns)
        camera = self._server.initial_camera
        camera.position = (middle, -0.25 * back, float(low[2]) - back)
        camera.look_at = (middle, 0.0, float(low[2] + high[2]) / 2)

    def _add_display_options(self) -> None:
        with self._server.gui.add_folder('view', expand_by_default=False):
            size = self._server.gui.add_slider('point size (mm)', 1, 60, 1, POINT_SIZE * 1000)

        @size.on_update
        def _(_: Any) -> None:
            self._size = size.value / 1000
            for column in self._columns.values():
                column.resize()


class _Column:
    """The cloud and the images of one model or node."""

    def __init__(self, window: Window, name: str, *, named: bool) -> None:
        self._window, self._name = window, name
        self._root = f'/{name.strip("/") or "depth"}'
        self._cloud: Any = None
        gui, scene = window.server.gui, window.server.scene
        self._frame = scene.add_frame(self._root, axes_length=0.2, axes_radius=0.005)
        if named:
            scene.add_label(f'{self._root}/name', name, position=(0.0, -0.4, 0.0))
        self._folder = gui.add_folder(name)
        with self._folder:
            self._words = gui.add_markdown('')
        self._images: dict[str, Any] = {}

    def show(self, shown: Shown) -> None:
        points, colours = shown.cloud()
        scene = self._window.server.scene
        if len(points):
            self._cloud = scene.add_point_cloud(
                f'{self._root}/points',
                points,
                colours,
                point_size=self._window.point_size,
                point_shape='square',
                point_shading='flat',
                precision='float32',
            )
        elif self._cloud is not None:
            self._cloud.remove()
            self._cloud = None
        self._words.content = shown.words()
        self._image_of('image', shown.draw_image())
        self._image_of('depth', shown.draw_depth())

    def move(self, right: float) -> None:
        """Put the cloud so many metres to the right."""
        self._frame.position = (right, 0.0, 0.0)

    def resize(self) -> None:
        """Take the size of points that the window has now."""
        if self._cloud is not None:
            self._cloud.point_size = self._window.point_size

    def _image_of(self, kind: str, image: Any) -> None:
        if image is None:
            return
        if kind in self._images:
            self._images[kind].image = image
            return
        with self._folder:
            gui = self._window.server.gui
            self._images[kind] = gui.add_image(image, label=kind, format='jpeg')


class Timeline:
    """A slider in seconds, and a thread that moves it while it plays."""

    def __init__(
        self, server: Any, duration: float, seek: Callable[[float], float | None], rate: float
    ) -> None:
        self._seek, self._period, self._duration = seek, 1 / max(rate, 0.1), duration
        self._lock = threading.Lock()
        self._moving = False
        gui = server.gui
        with gui.add_folder('timeline', order=-1.0):
            self._slider = gui.add_slider('seconds', 0.0, max(duration, 0.01), 0.01, 0.0)
            self._play = gui.add_checkbox('play', False)
            self._speed = gui.add_slider('speed', 0.1, 4.0, 0.1, 1.0)
        self._slider.on_update(self._moved)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name='timeline', daemon=True)
        self._thread.start()

    @property
    def time(self) -> float:
        """Seconds from the start."""
        return float(self._slider.value)

    def go(self, seconds: float) -> bool:
        """Show the moment at or after a time; return False at the end."""
        with self._lock:
            reached = self._seek(seconds)
            if reached is None:
                return False
            self._moving = True
            try:
                self._slider.value = round(min(max(reached, 0.0), self._duration), 3)
            finally:
                self._moving = False
        return True

    def play(self, on: bool) -> None:
        """Start or stop playing."""
        self._play.value = on

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join(5)

    def _moved(self, event: Any) -> None:
        if not self._moving and event.client is not None:  # the hand of a person
            self.go(self.time)

    def _run(self) -> None:
        while not self._stop.wait(0.02):
            if not self._play.value:
                continue
            begun, at = time.monotonic(), self.time
            if not self.go(at + self._period / 2):
                self.go(0.0)  # from the beginning again
                continue
            step = (self.time - at) / float(self._speed.value)
            self._stop.wait(max(0.0, min(step, 1.0) - (time.monotonic() - begun)))


class _Change:
    """What happens when a control is moved."""

    def __init__(self, spec: ParameterSpec, control: Any, change: SetParameter, says: Any) -> None:
        self._spec, self._control, self._change, self._says = spec, control, change, says
        self._good = control.value

    def __call__(self, event: Any) -> None:
        if event.client is None:
            return
        try:
            value = self._spec.check(_typed(self._spec, self._control.value))
            problem = self._change(self._spec.name, value)
        except DepthError as error:
            problem = str(error)
        self._says.content = problem
        if problem:
            self._control.value = self._good
        else:
            self._good = self._control.value


def _typed(spec: ParameterSpec, value: Any) -> Value:
    kind = type(spec.default)
    if kind in (int, float) and isinstance(value, str):
        try:
            return kind(value)  # type: ignore[no-any-return]
        except ValueError:
            return value
    return float(value) if kind is float else value  # type: ignore[no-any-return]


def _control(gui: Any, spec: ParameterSpec, value: Value) -> Any:
    hint = f'{spec.description} ({spec.constraint})'
    if spec.choices is not None:
        names = tuple(str(choice) for choice in spec.choices)
        return gui.add_dropdown(spec.name, names, initial_value=str(value), hint=hint)
    if isinstance(spec.default, bool):
        return gui.add_checkbox(spec.name, bool(value), hint=hint)
    # Numbers as text, since some of them are infinite.
    return gui.add_text(spec.name, str(value), hint=hint)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return int(probe.getsockname()[1])


def _check_free(host: str, port: int) -> None:
    """Refuse a port that another program has: viser would take the next one in silence."""
    if not port:
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise DepthError(
                f'the viewer cannot listen on {host}:{port} ({error.strerror}); '
                'give another --host or --port'
            ) from error
