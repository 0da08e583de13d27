# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""ROS domain ids for tests: every test its own, also beside other test processes."""

import itertools
import os
import random
from collections.abc import Iterator


def _own() -> Iterator[int]:
    """Yield the ids from 1 to 101 of this worker of the test run, each once before any again."""
    worker = int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0').removeprefix('gw'))
    workers = int(os.environ.get('PYTEST_XDIST_WORKER_COUNT', '1'))
    own = list(range(1 + worker, 102, workers))
    random.SystemRandom().shuffle(own)
    return itertools.cycle(own)


_ids = _own()


def free_domain() -> int:
    """Return an id that no test of this run uses now."""
    return next(_ids)
