# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The writing side of one file of the output: messages, the journal, files beside them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from depth_ros.files.bags.content import BagError, Message, Topic
from depth_ros.files.bags.mcap_writer import McapWriter
from depth_ros.files.bags.metadata import numbered_qos
from depth_ros.files.bags.reader import Bag
from depth_ros.files.bags.serialise import Serialiser
from depth_ros.messages.classes import make_header, type_name
from depth_ros.pipeline import DepthFrame
from depth_ros.reprocess.export import FrameFolder, write_preview
from depth_ros.reprocess.facts import facts_of
from depth_ros.reprocess.journal import FOLDER, Journal
from depth_ros.reprocess.settings import BagJob, Engine
from depth_ros.reprocess.source import Item
from depth_ros.types import DepthError, View

IMAGES = 'images'


@dataclass(frozen=True)
class Computed:
    """An item with its depth; `rectified` is empty where no files of frames are written."""

    item: Item
    result: DepthFrame | None
    rectified: list[View]
    problem: str
    seconds: float  # spent in the pipeline


class Sink:
    """
    Writes what was computed.

    :param image_every: of so many frames one image is kept; 0 keeps none.
    :param watch: called with the time of each frame that is written.
    """

    def __init__(
        self,
        job: BagJob,
        bag: Bag,
        engine: Engine,
        path: Path,
        image_every: int,
        watch: Callable[[int], None],
    ) -> None:
        self._job, self._bag, self._engine, self._path = job, bag, engine, path
        self._every, self._watch = image_every, watch
        self._serialiser = Serialiser()
        self._topics = self._output_topics()
        self.copied = self._copied_topics()
        self._topics.update({name: self._as_copied(bag.topics[name]) for name in self.copied})
        export = job.export
        self.frames = (
            FrameFolder(Path(export.frames), bag.name, export.formats) if export.frames else None
        )

    def open(self, journal: Journal) -> McapWriter:
        """Return a writer behind the last chunk that is whole and noted."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        while journal.rows:
            keep = int(journal.rows[-1]['end'])
            try:
                if self._path.stat().st_size >= keep:
                    return McapWriter(self._path, self._job.compression, keep)
            except (BagError, FileNotFoundError):
                pass
            journal.forget_after(len(journal.rows) - 1)
        return McapWriter(self._path, self._job.compression)

    def write(self, computed: Computed, writer: McapWriter, journal: Journal) -> None:
        """Write one item: a chunk, the files beside it, and then its line of the journal."""
        item = computed.item
        row: dict[str, Any] = {}
        messages = list(item.copies)
        if item.frame is not None:
            made, row = self._messages(computed)
            messages += made
        writer.write(messages, self._topics)
        if item.copies:
            row['copy'] = _after(item.copies, journal.last('copy'))
        if item.frame is not None:
            self._export(computed, journal)
        journal.add({**row, 'end': writer.end})
        if item.frame is not None:
            self._watch(item.frame.time)

    def _messages(self, computed: Computed) -> tuple[list[Message], dict[str, Any]]:
        """Return the messages of a frame, built as the node builds them, and its row."""
        frame, result = computed.item.frame, computed.result
        assert frame is not None
        shot = frame.shots[0]
        row: dict[str, Any] = {'t': frame.time, 'stamp': shot.stamp}
        if result is None:
            return [], {**row, 'problem': computed.problem}
        header = make_header(shot.stamp, shot.image.header.frame_id)
        begun = time.perf_counter()
        messages = []
        try:
            for output in self._engine.outputs:
                built = output.build(result, header, self._engine.prepared[output.topic])
                if built is not None:
                    name = self._name_of(output.topic)
                    data = self._serialiser.write(built, self._topics[name].type)
                    messages.append(Message(frame.time, name, data))
        except BagError:
            raise
        except DepthError as error:  # as for a node, this frame is lost
            return [], {**row, 'problem': str(error)}
        row |= facts_of(result)
        row['ms'] = {
            'convert': round(computed.item.seconds * 1e3, 3),
            'pipeline': round(computed.seconds * 1e3, 3),
            'build': round((time.perf_counter() - begun) * 1e3, 3),
        }
        if result.prediction.carry is not None:
            row['carry'] = True
        return messages, row

    def _export(self, computed: Computed, journal: Journal) -> None:
        frame, result = computed.item.frame, computed.result
        if result is None or frame is None:
            return
        if self.frames is not None:
            self.frames.write(result, computed.rectified, frame.time)
        if self._every and journal.frames % self._every == 0:
            folder = Path(self._job.out) / FOLDER / IMAGES
            write_preview(folder / f'{frame.time}.jpg', result)

    def _name_of(self, output: str) -> str:
        namespace = self._job.namespace.strip('/') or self._engine.node
        return f'/{namespace}/{output}'

    def _output_topics(self) -> dict[str, Topic]:
        topics = {}
        for output in self._engine.outputs:
            name, kind = self._name_of(output.topic), type_name(output.message)
            topics[name] = Topic(name, kind, self._serialiser.definition(kind), 'ros2msg')
        return topics

    def _copied_topics(self) -> frozenset[str]:
        asked, there = set(self._job.copy), self._bag.topics
        if '*' in asked:
            asked = set(there)
        missing = sorted(asked - there.keys())
        if missing:
            raise BagError(
                f'topic {missing[0]} cannot be copied, it is not in {self._bag.path}; '
                f'it has {", ".join(sorted(there))}'
            )
        clash = sorted(asked & self._topics.keys())
        if clash:
            raise BagError(
                f'topic {clash[0]} is copied and computed; leave it out of --copy, or write the '
                'outputs below another --namespace'
            )
        return frozenset(asked)

    def _as_copied(self, topic: Topic) -> Topic:
        definition, schema = topic.definition, topic.schema
        if not definition:
            definition, schema = self._serialiser.known_definition(topic.type), 'ros2msg'
        return replace(topic, definition=definition, schema=schema, qos=numbered_qos(topic.qos))


def _after(copies: list[Message], last: Sequence[int] | None) -> list[int]:
    """Return the time of the last copied message, and how many of that time are written."""
    final = copies[-1].time
    count = sum(message.time == final for message in copies)
    if last is not None and last[0] == final:
        count += last[1]
    return [final, count]
