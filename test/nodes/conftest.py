# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A graph per module: the nodes it starts live as long as the module's tests."""

import pytest


@pytest.fixture(scope='module')
def graph():
    pytest.importorskip('rclpy')
    from node_harness import Graph

    result = Graph()
    yield result
    result.close()
