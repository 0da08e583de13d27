# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`depth_ros infer`, called from a test."""

import json

from depth_ros.cli.main import main


def infer(out, *arguments):
    """Run the command; return its exit code and its report."""
    code = main(['infer', *map(str, arguments), '--out', str(out)])
    path = out / 'prediction.json'
    return code, json.loads(path.read_text()) if path.exists() else None
