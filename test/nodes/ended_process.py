# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Runs an empty node, and gets a signal to end at one line of `process.run`.

Started by tests as `python ended_process.py SIGNAL LINE`, lines counted from where signals are
handled. One end for each process: on Jazzy a second one in the same process is not heard.
"""

import inspect
import os
import signal
import sys
import time

import rclpy
from rclpy.node import Node

from depth_ros.nodes import process


class EmptyNode(Node):
    """What `run` asks of a node, and an end of its own for a line that is never reached."""

    def __init__(self):
        super().__init__('empty')

    def autostart(self):
        self.create_timer(5.0, lambda: os.kill(os.getpid(), signal.SIGTERM))

    def close(self):
        return True


def signal_at(line):
    """Return a trace function: the signal at this line, and the line only once it has worked."""

    def trace(frame, event, _):
        if frame.f_code is not process.run.__code__:
            return None
        if event == 'line' and frame.f_lineno == line:
            sys.settrace(None)
            os.kill(os.getpid(), getattr(signal, sys.argv[1]))
            while rclpy.ok():
                time.sleep(0.01)
            return None
        return trace

    return trace


def main() -> None:
    lines, first = inspect.getsourcelines(process.run)
    handled = next(i for i, line in enumerate(lines) if 'install_signal_handlers(' in line)
    number = handled + int(sys.argv[2])
    sys.settrace(signal_at(first + number))
    process.run(EmptyNode, [])
    sys.settrace(None)
    print('ended at', lines[number].strip())


if __name__ == '__main__':
    main()
