# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Run one depth node as a process that starts by itself and ends cleanly."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions, install_signal_handlers

from depth_ros.nodes.depth_node import DepthNode


def run(make_node: Callable[[], DepthNode], args: list[str] | None = None) -> None:
    """Spin until an interrupt or a signal to end; the exit code is 0 for both."""
    try:
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    except Exception as error:  # a parameter file or argument that rcl cannot parse
        line = ' '.join(str(error).split())
        if os.environ.get('ROS_SECURITY_STRATEGY') == 'Enforce':
            line = line.replace('error not set', 'no keystore')
            line = f'{line[:300]}; set ROS_SECURITY_KEYSTORE and --enclave, see docs/security.md'
        print(f'the arguments cannot be used: {line[:400]}', file=sys.stderr)
        raise SystemExit(1) from None
    # Made before a signal can end what it is made of: it would throw here, and once more, with
    # a traceback that cannot be caught, where Python takes the half of it away.
    executor = SingleThreadedExecutor()
    # Ctrl-C under `ros2 launch` comes twice, from the terminal and from launch, and a second
    # KeyboardInterrupt would cut the clean-up short. rclpy sees the signal all the same.
    signal.signal(signal.SIGINT, lambda *_: None)
    install_signal_handlers(SignalHandlerOptions.ALL)
    node, ended = None, True
    try:
        node = make_node()
        node.autostart()
        executor.add_node(node)
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except Exception as error:
        if node is None and type(error).__name__ == 'RCLError':  # DDS refuses it, as for security
            line = ' '.join(str(error).split())
            print(f'the node cannot be created: {line[:400]}', file=sys.stderr)
            raise SystemExit(1) from None
        if rclpy.ok():  # otherwise: what rclpy throws when it ends in the middle of something
            raise
    finally:
        if node is not None:
            ended = node.close()
            node.destroy_node()
        rclpy.try_shutdown()  # takes rclpy's own handler away
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # holds to the very end of the process
    if not ended:
        # A model is still at work in native code, and the interpreter would crash under it.
        print('inference is still running; exiting without it', file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
