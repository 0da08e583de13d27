# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Processes that work for another one and end with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading

PERIOD = 0.5  # seconds between looks for the parent


def serve_parent() -> None:
    """
    Prepare a worker process: end it with its parent, however that ends.

    A parent that is killed cannot end its workers, and they would go on for hours. Ctrl-C reaches
    all processes of a terminal; here it is left to the parent, which ends the work in order.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(parent_id: int) -> None:
    parent = multiprocessing.parent_process()
    while os.getppid() == parent_id and (parent is None or parent.is_alive()):
        if parent is None:
            threading.Event().wait(PERIOD)
        else:
            parent.join(PERIOD)
    os._exit(1)  # in the middle of whatever it does
