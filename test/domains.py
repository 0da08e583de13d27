# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""ROS domain ids for tests: every test its own, also beside other test processes."""

import os
import random


def free_domain() -> int:
    """Return an id from 1 to 101 that no other worker of this test run chooses."""
    worker = int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0').removeprefix('gw'))
    workers = int(os.environ.get('PYTEST_XDIST_WORKER_COUNT', '1'))
    return random.SystemRandom().choice(range(1 + worker, 102, workers))
