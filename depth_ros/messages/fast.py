# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Put bytes into a message field without copying them."""

from __future__ import annotations

import array
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Message = TypeVar('Message')


def new_message(kind: type[Message], header: Any) -> Message:
    """
    Return a message that takes an array.array('B') as its data as it is.

    Since Iron the setter copies an array element by element, unless the message checks its
    fields: then it looks at the type code and keeps the array. Humble always does that.
    """
    slots: Any = kind
    if '_check_fields' in slots.__slots__:
        return slots(header=header, check_fields=True)
    return slots(header=header)


def array_to_bytes(values: npt.NDArray[Any]) -> array.array[int]:
    """Return the bytes as the one type that a field takes without looking at each of them."""
    data = array.array('B')
    if values.size:
        data.frombytes(np.ascontiguousarray(values).data.cast('B'))
    return data
