# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What there is to show: an image, a result, a cloud, a recording; each by several models."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from depth_ros.files.bags.reader import Bag
from depth_ros.files.bags.serialise import Types
from depth_ros.files.images import read_image
from depth_ros.messages.camera_info import camera_info_to_camera
from depth_ros.messages.depth_image import image_to_depth
from depth_ros.nodes.parameters.spec import ParameterSpec, Value
from depth_ros.pipeline import Pipeline
from depth_ros.reprocess.settings import Engine
from depth_ros.reprocess.source import Part, Source
from depth_ros.reprocess.topics import RAW, Choice, Eye, choose, image_topics
from depth_ros.shots import Resolver, stamp_ns
from depth_ros.types import Camera, DepthError, FloatImage, Image, View
from depth_ros.viewer.shown import Shown

NS = 1e-9
LEAD = 700_000_000  # nanoseconds of recording around a moment that its frame may need
# What can be changed while looking.
LIVE = ('min_depth', 'max_depth', 'edge_threshold', 'min_confidence', 'scale', 'shift')


class Moments(Protocol):
    """A source with a timeline; times are seconds from its start."""

    names: tuple[str, ...]
    duration: float
    rate: float

    def at(self, seconds: float) -> tuple[float, dict[str, Shown]] | None:
        """Return the first moment at or after a time, and when it is; None at the end."""


class Models:
    """Some models side by side, with parameters of the nodes that can be changed."""

    def __init__(self, engines: Mapping[str, Engine]) -> None:
        self.engines = dict(engines)
        self.names = tuple(engines)
        self._pipelines: dict[str, Pipeline] = {}

    def begin(self, eyes: tuple[Eye, ...]) -> None:
        """Start afresh, as after a jump in time."""
        self._pipelines = {name: e.pipeline(eyes) for name, e in self.engines.items()}

    def compute(self, views: Sequence[View]) -> dict[str, Shown]:
        """Return what each model makes of the views; one that fails says why."""
        found = {}
        for name, pipeline in self._pipelines.items():
            try:
                count = self.engines[name].views
                frame = pipeline(views[:count])
                spent = frame.timings.get('model', 0.0)
                note = f'{frame.prediction.kind.value}, {spent * 1e3:.0f} ms'
                found[name] = Shown.of(frame, note)
            except DepthError as error:
                found[name] = Shown(views[0].image, note=str(error))
        return found

    def specs(self, name: str) -> list[ParameterSpec]:
        """Return the parameters of a model that can be changed."""
        return [spec for spec in self.engines[name].specs if spec.name in LIVE]

    def change(self, name: str, parameter: str, value: Value) -> str:
        """Set a parameter; return why not, or nothing."""
        engine = self.engines[name].changed(parameter, value)
        try:
            options = engine.options(())
        except DepthError as error:
            return str(error)
        self.engines[name] = engine
        if name in self._pipelines:
            self._pipelines[name].options = dataclasses.replace(
                options, rectify=self._pipelines[name].options.rectify
            )
        return ''


class Recording:
    """A recording, its frames computed when their moment comes."""

    def __init__(self, path: Path, models: Models, choice: Choice) -> None:
        self._bag, self._models = Bag(path), models
        self.names = models.names
        self._start, self.duration = self._bag.start, (self._bag.end - self._bag.start) * NS
        views = max(engine.views for engine in models.engines.values())
        self._eyes = choose(self._bag.topics, views, choice)
        count = self._bag.topics[self._eyes[0].image].count
        self.rate = count / self.duration if self.duration > 0 else 1.0
        self._tolerance = max(engine.tolerance for engine in models.engines.values())
        self._next: Iterator[Any] = iter(())
        self._reached = -1
        self._models.begin(self._eyes)

    def at(self, seconds: float) -> tuple[float, dict[str, Shown]] | None:
        time = self._start + round(seconds / NS)
        # Playing goes on where it was; a jump begins anew.
        if not self._reached < time <= self._reached + round(2.5 / self.rate / NS):
            self._models.begin(self._eyes)
            part = Part(0, max(time, 0), 2**63 - 1)
            source = Source(
                self._bag, part, self._eyes, self._tolerance, (), frozenset(), (), lead=LEAD
            )
            self._next = source.items()
        for item in self._next:
            if item.frame is not None and item.frame.time >= time:
                self._reached = item.frame.time
                if not item.views:
                    shown = {name: Shown(note=item.problem) for name in self.names}
                else:
                    shown = self._models.compute(item.views)
                return (item.frame.time - self._start) * NS, shown
        self._reached = -1
        return None


class Recorded:
    """A recording that holds depth already, as `depth_ros bag` writes it."""

    def __init__(self, path: Path, topics: Mapping[str, str]) -> None:
        self._bag, self._topics = Bag(path), dict(topics)
        self._types = Types(self._bag.topics)
        self.names = tuple(topics)
        self._start, self.duration = self._bag.start, (self._bag.end - self._bag.start) * NS
        count = max(self._bag.topics[topic].count for topic in topics.values())
        self.rate = count / self.duration if self.duration > 0 else 1.0
        self._image = self._find_image()
        self._resolver = Resolver()

    @classmethod
    def find(cls, path: Path) -> dict[str, str]:
        """Return the depth images with a camera_info beside them, by what to call them."""
        with Bag(path) as bag:
            return {
                name.removesuffix('/depth/image').strip('/') or 'depth': name
                for name, topic in bag.topics.items()
                if topic.type == RAW
                and topic.count
                and name.endswith('/depth/image')
                and _info_of(name) in bag.topics
            }

    def at(self, seconds: float) -> tuple[float, dict[str, Shown]] | None:
        time = self._start + round(seconds / NS)
        infos = {_info_of(topic): topic for topic in self._topics.values()}
        wanted = {*self._topics.values(), *infos, *([self._image] if self._image else [])}
        found: dict[str, Any] = {}
        first = None
        for message in self._bag.messages(wanted, max(time - LEAD, 0)):
            if first is not None and message.time > first + LEAD // 10:
                break
            if message.topic in self._topics.values() and message.time < time:
                continue
            if message.topic in self._topics.values() and first is None:
                first = message.time
            found[message.topic] = self._types.read(message.topic, message.data)
        if first is None:
            return None
        shown = {name: self._shown(topic, found) for name, topic in self._topics.items()}
        return (first - self._start) * NS, {k: v for k, v in shown.items() if v is not None}

    def _shown(self, topic: str, found: Mapping[str, Any]) -> Shown | None:
        depth, info = found.get(topic), found.get(_info_of(topic))
        if depth is None or info is None:
            return None
        metres = image_to_depth(depth)
        camera = camera_info_to_camera(info, metres.shape[1], metres.shape[0])
        image = found.get(self._image) if self._image else None
        pixels = None
        if image is not None and stamp_ns(image.header) == stamp_ns(depth.header):
            with suppress(DepthError):  # of another size: the cloud has the colours of depth
                pixels, _ = self._resolver(image, info)
        return Shown(pixels, metres, camera)

    def _find_image(self) -> str:
        """Return the image that was copied beside the depth; empty for none."""
        return next(iter(image_topics(self._bag.topics)), '')


class Still:
    """One moment: an image, a pair, the folder of a result, or a cloud."""

    duration = 0.0
    rate = 1.0

    def __init__(self, names: Sequence[str], make: Callable[[], dict[str, Shown]]) -> None:
        self.names, self._make = tuple(names), make

    def at(self, seconds: float) -> tuple[float, dict[str, Shown]] | None:
        return 0.0, self._make()


def open_result(folder: Path) -> Still:
    """Return the result of `infer` or of `demo` in a folder."""
    names = {'': 'stereo_depth', 'mono_': 'mono_depth'}
    found = {
        name: prefix
        for prefix, name in names.items()
        if (folder / f'{prefix}points.ply').is_file()
    }
    if (folder / 'prediction.json').is_file():
        found = {str(json.loads((folder / 'prediction.json').read_text())['model']): ''}
    if not found:
        raise DepthError(
            f'{folder} holds no points.ply, expected the folder of `depth_ros infer` or '
            '`depth_ros demo`, or a recording'
        )
    shown = {name: _of_folder(folder, prefix) for name, prefix in found.items()}
    return Still(tuple(shown), lambda: shown)


def open_cloud(path: Path) -> Still:
    """Return a PLY file."""
    shown = {path.stem: Shown(points=_read_cloud(path))}
    return Still(tuple(shown), lambda: shown)


def _of_folder(folder: Path, prefix: str) -> Shown:
    cloud, depth = folder / f'{prefix}points.ply', folder / f'{prefix}depth.npy'
    image = folder / 'input.png'
    return Shown(
        image=read_image(image) if image.is_file() else None,
        depth=np.load(depth, allow_pickle=False).astype(np.float32) if depth.is_file() else None,
        points=_read_cloud(cloud) if cloud.is_file() else None,
    )


def _read_cloud(path: Path) -> tuple[FloatImage, Image]:
    """Return points and colours of a PLY file; grey where it has no colours."""
    import trimesh  # of viser

    try:
        cloud: Any = trimesh.load(path)
        points = np.asarray(cloud.vertices, np.float32)
    except Exception as error:
        raise DepthError(f'{path} cannot be read as a cloud ({error}); give a PLY file') from error
    colours = getattr(cloud, 'colors', None)
    if colours is None or len(colours) != len(points):
        return points, np.full(points.shape, 180, np.uint8)
    return points, np.asarray(colours, np.uint8)[:, :3]


def open_image(models: Models, images: Sequence[Path], cameras: Sequence[Camera]) -> Still:
    """Return an image or a pair, computed again when a parameter changes."""
    views = [View(read_image(path), camera) for path, camera in zip(images, cameras)]
    models.begin(())
    return Still(models.names, lambda: models.compute(views))


def _info_of(depth: str) -> str:
    return f'{depth.rpartition("/")[0]}/camera_info'
