# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Messages on a real graph whose packages are not on PyPI: they are sent and received as bytes.

A forged class has the type support of another message under its own name. Publishers and
subscribers match by name, and bytes pass through without the rest of the type support.
"""

from __future__ import annotations

import ctypes
import importlib.util
import sys
import types
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pytest


class TypeSupport(ctypes.Structure):
    """rosidl_message_type_support_t."""

    _fields_ = [
        ('identifier', ctypes.c_char_p),
        ('data', ctypes.c_void_p),
        ('handle', ctypes.c_void_p),
        ('more', ctypes.c_void_p * 3),
    ]


class Callbacks(ctypes.Structure):
    """message_type_support_callbacks_t of rosidl_typesupport_fastrtps_cpp."""

    _fields_ = [
        ('namespace', ctypes.c_char_p),
        ('name', ctypes.c_char_p),
        ('functions', ctypes.c_void_p * 8),
    ]


_KEPT: list[object] = []


def is_here(package: str) -> bool:
    """Return whether the package is installed, or forged already."""
    return package in sys.modules or importlib.util.find_spec(package) is not None


def check_release(package: str) -> None:
    """Skip the test where the middleware compares types by more than their names."""
    with suppress(PackageNotFoundError):
        if int(version('rclpy').split('.')[0]) < 9:
            pytest.skip(f'{package} is not installed, and cannot be forged before Kilted')


def forge(package: str, message: str, members: dict[str, Any] | None = None) -> type:
    """Make `from PACKAGE.msg import MESSAGE` work, and return the class."""
    from geometry_msgs.msg import PoseArray  # of no fixed size, as what is forged here
    from rclpy.utilities import get_rmw_implementation_identifier

    if get_rmw_implementation_identifier() != 'rmw_fastrtps_cpp':
        pytest.skip(f'{package} is not installed, and is forged for rmw_fastrtps_cpp only')
    check_release(package)
    meta = type(PoseArray)
    meta.__import_type_support__()
    api = ctypes.pythonapi
    api.PyCapsule_GetName.restype = ctypes.c_char_p
    api.PyCapsule_GetName.argtypes = [ctypes.py_object]
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    api.PyCapsule_New.restype = ctypes.py_object
    api.PyCapsule_New.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    name = api.PyCapsule_GetName(meta._TYPE_SUPPORT)
    pointer = api.PyCapsule_GetPointer(meta._TYPE_SUPPORT, name)
    find = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(
        TypeSupport.from_address(pointer).handle
    )
    found = find(pointer, b'rosidl_typesupport_fastrtps_c')
    support = TypeSupport.from_buffer_copy(ctypes.string_at(found, ctypes.sizeof(TypeSupport)))
    callbacks = Callbacks.from_buffer_copy(
        ctypes.string_at(support.data, ctypes.sizeof(Callbacks))
    )
    callbacks.namespace = callbacks.namespace.replace(b'geometry_msgs', package.encode())
    callbacks.name = message.encode()
    support.data = ctypes.addressof(callbacks)
    _KEPT.extend((support, callbacks, name))
    shared = ('_CREATE_ROS_MESSAGE', '_CONVERT_FROM_PY', '_CONVERT_TO_PY', '_DESTROY_ROS_MESSAGE')
    metaclass = type(
        f'Metaclass_{message}',
        (type,),
        {
            '_TYPE_SUPPORT': api.PyCapsule_New(ctypes.addressof(support), name, None),
            **{attribute: getattr(meta, attribute) for attribute in shared},
            '__import_type_support__': classmethod(lambda cls: None),
        },
    )
    forged = metaclass(message, (), dict(members or {}))
    top, module = types.ModuleType(package), types.ModuleType(f'{package}.msg')
    setattr(module, message, forged)
    top.msg = module
    sys.modules.update({package: top, f'{package}.msg': module})
    return forged
