# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`depth_ros doctor`: look at the running graph and state what is wrong."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator

from depth_ros.doctor.checkup import findings
from depth_ros.doctor.report import json_report, text_report
from depth_ros.files.share import transport_environment
from depth_ros.types import DepthError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--seconds', type=float, default=5.0, help='to listen for; default %(default)s'
    )
    parser.add_argument('--json', action='store_true', help='print JSON instead of text')


def run(args: argparse.Namespace) -> int:
    """Print what is wrong; return 1 if anything is."""
    if not 0.5 <= args.seconds <= 600:
        raise DepthError(f'--seconds is {args.seconds:g}, expected 0.5 to 600')
    # The doctor listens as the launch files do; DDS reads it when rclpy starts.
    os.environ.update(transport_environment())
    try:
        from depth_ros.doctor.graph import look
    except ImportError as error:
        raise DepthError(
            f'the doctor needs ROS ({error}); source its setup file, or pip install depth_ros[ros]'
        ) from error
    with _output_to_errors():
        seen = look(args.seconds)
    found = findings(seen)
    print(json_report(seen, found) if args.json else text_report(seen, found))
    return 1 if found else 0


@contextlib.contextmanager
def _output_to_errors() -> Iterator[None]:
    """Send what the middleware prints to stderr, so that stdout holds the report alone."""
    sys.stdout.flush()
    output = os.dup(1)
    try:
        os.dup2(2, 1)
        yield
    finally:
        os.dup2(output, 1)
        os.close(output)
