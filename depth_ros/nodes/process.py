# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Run one depth node as a process that starts by itself and ends cleanly."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

from depth_ros.nodes.depth_node import DepthNode


def run(make_node: Callable[[], DepthNode], args: list[str] | None = None) -> None:
    """Spin until interrupted or told to end; the exit code is 0 for both."""
    rclpy.init(args=args)
    node, ended = None, True
    try:
        node = make_node()
        node.autostart()
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        if node is not None:
            ended = node.close()
            node.destroy_node()
        rclpy.try_shutdown()
    if not ended:
        # A model is still at work in native code. The interpreter cannot end under it without
        # a crash, and waiting for it would be rude.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
