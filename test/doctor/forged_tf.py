# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
tf2_msgs/TFMessage on a real graph, also where the package is not installed (it is not on PyPI).

The forged class has the type support of another message under the name of TFMessage. That is
enough for messages that are sent and received as bytes, and the bytes are those of rosbags.
"""

from __future__ import annotations

import ctypes
import importlib.util
import sys
import types

import numpy as np
import pytest
from rclpy.qos import QoSDurabilityPolicy, QoSProfile

TYPE = 'tf2_msgs/msg/TFMessage'


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


def install() -> None:
    """Make `from tf2_msgs.msg import TFMessage` work."""
    if 'tf2_msgs' in sys.modules or importlib.util.find_spec('tf2_msgs') is not None:
        return
    from geometry_msgs.msg import PoseArray
    from rclpy.utilities import get_rmw_implementation_identifier

    if get_rmw_implementation_identifier() != 'rmw_fastrtps_cpp':
        pytest.skip('tf2_msgs is not installed, and is forged for rmw_fastrtps_cpp only')
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
    callbacks.namespace = callbacks.namespace.replace(b'geometry_msgs', b'tf2_msgs')
    callbacks.name = b'TFMessage'
    support.data = ctypes.addressof(callbacks)
    _KEPT.extend((support, callbacks, name))

    class Metaclass(type):
        """What rclpy reads from the class of a message class."""

        _TYPE_SUPPORT = api.PyCapsule_New(ctypes.addressof(support), name, None)
        _CREATE_ROS_MESSAGE = meta._CREATE_ROS_MESSAGE
        _CONVERT_FROM_PY = meta._CONVERT_FROM_PY
        _CONVERT_TO_PY = meta._CONVERT_TO_PY
        _DESTROY_ROS_MESSAGE = meta._DESTROY_ROS_MESSAGE

        @classmethod
        def __import_type_support__(cls):
            pass

    class TFMessage(metaclass=Metaclass):
        """A name for bytes."""

    package, module = types.ModuleType('tf2_msgs'), types.ModuleType('tf2_msgs.msg')
    module.TFMessage = TFMessage
    package.msg = module
    sys.modules.update({'tf2_msgs': package, 'tf2_msgs.msg': module})


def message(*joints) -> bytes:
    """Return a serialised TFMessage of (parent, child, position, quaternion)."""
    stores = pytest.importorskip('rosbags.typesys')
    store = stores.get_typestore(stores.Stores.ROS2_JAZZY)
    kinds = store.types
    header, stamp = kinds['std_msgs/msg/Header'], kinds['builtin_interfaces/msg/Time'](0, 0)
    vector, turn = kinds['geometry_msgs/msg/Vector3'], kinds['geometry_msgs/msg/Quaternion']
    transform = kinds['geometry_msgs/msg/Transform']
    stamped = kinds['geometry_msgs/msg/TransformStamped']
    transforms = [
        stamped(
            header(stamp, parent),
            child,
            transform(vector(*map(float, position)), turn(*map(float, quaternion))),
        )
        for parent, child, position, quaternion in joints
    ]
    return bytes(store.serialize_cdr(kinds[TYPE](transforms), TYPE))


def publish(node, *joints):
    """Publish static joints on /tf_static, for late subscribers too."""
    install()
    from tf2_msgs.msg import TFMessage

    latched = QoSProfile(depth=10, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
    publisher = node.create_publisher(TFMessage, '/tf_static', latched)
    publisher.publish(message(*joints))
    return publisher


OPTICAL = tuple(np.array([-0.5, 0.5, -0.5, 0.5]))  # of an optical frame in a body frame
