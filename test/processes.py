# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The children of a process, and whether a process lives."""

from pathlib import Path

import pytest


def children(pid):
    try:
        text = Path(f'/proc/{pid}/task/{pid}/children').read_text()
    except OSError:
        pytest.skip('this system does not list the children of a process')
    return [int(word) for word in text.split()]


def alive(pid):
    try:
        return Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0] != 'Z'
    except OSError:
        return False
