# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Bytes of a recording <-> messages, by the definitions that the recording carries.

`rosbags` reads and writes them; definitions that a recording lacks are those of a ROS release.
"""

from __future__ import annotations

import array
import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from depth_ros.files.bags.content import BagError, Data, Topic, required

_NUMPY = {'bool': 'bool_', 'byte': 'uint8', 'char': 'uint8'}


class Types:
    """Reads the messages of one recording."""

    def __init__(self, topics: Mapping[str, Topic]) -> None:
        self._standard = _store()
        self._own: dict[str, Any] = {}
        self._topics = topics

    def read(self, topic: str, data: Data) -> Any:
        """Return the message of a topic; its fields are those of its type."""
        kind = self._topics[topic].type
        if kind not in self._own:
            self._own[kind] = self._store_for(self._topics[topic])
        # The reader asks for aligned memory, and for bytes that do not change.
        view = data if isinstance(data, bytes) else memoryview(data)
        try:
            return self._own[kind].deserialize_cdr(view, kind)
        except Exception as error:
            raise BagError(
                f'a message of {topic} ({kind}) cannot be read ({error}); it is damaged, or its '
                'type is another than the recording states'
            ) from error

    def _store_for(self, topic: Topic) -> Any:
        if topic.schema == 'ros2msg' and topic.definition:
            typesys = required('rosbags.typesys')
            try:
                store = typesys.get_typestore(typesys.Stores.EMPTY)
                store.register(typesys.get_types_from_msg(topic.definition, topic.type))
                store.get_msgdef(topic.type)
                return store
            except Exception:  # an unusual definition: the standard one may fit
                pass
        if topic.type not in self._standard.fielddefs:
            raise BagError(
                f'{topic.name} has type {topic.type!r}, which the recording does not define; '
                'record it again with a newer rosbag2, or as MCAP'
            )
        return self._standard


class Serialiser:
    """Writes messages of standard types."""

    def __init__(self) -> None:
        self._store = _store()

    def definition(self, kind: str) -> str:
        """Return the definition of a type with those it contains, as ros2msg."""
        return str(self._store.generate_msgdef(kind, ros_version=2)[0])

    def known_definition(self, kind: str) -> str:
        """Return the definition of a type; empty where this release does not know it."""
        return self.definition(kind) if kind in self._store.fielddefs else ''

    def write(self, message: Any, kind: str) -> Data:
        """Return the CDR bytes of a message, of whatever class it is."""
        data: Data = self._store.serialize_cdr(self._filled(message, kind), kind)
        return data

    def _filled(self, message: Any, kind: str) -> Any:
        """Return the same content in the class of the library, without copying arrays."""
        _, fields = self._store.fielddefs[kind]
        values = [self._value(getattr(message, name), desc) for name, desc in fields]
        return self._store.types[kind](*values)

    def _value(self, value: Any, desc: Any) -> Any:
        form, detail = desc
        if form == 1:
            return value
        if form == 2:
            return self._filled(value, detail)
        inner_form, inner = detail[0]
        if inner_form == 1 and inner[0] != 'string':
            dtype = _NUMPY.get(inner[0], inner[0])
            if isinstance(value, array.array):
                return np.frombuffer(value, dtype) if len(value) else np.zeros(0, dtype)
            return np.ascontiguousarray(value, dtype)
        return [self._value(item, detail[0]) for item in value]


@functools.cache
def _store() -> Any:
    typesys = required('rosbags.typesys')
    return typesys.get_typestore(typesys.Stores.ROS2_HUMBLE)
