# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Every check on what was seen, and the sentences in order."""

from __future__ import annotations

from depth_ros.doctor.checks import (
    calibration,
    costmaps,
    frames,
    inputs,
    load,
    monitors,
    nodes,
    stamps,
)
from depth_ros.doctor.finding import Finding, Severity, ordered
from depth_ros.doctor.seen import Seen

CHECKS = (inputs, calibration, stamps, frames, costmaps, monitors, load, nodes)


def findings(seen: Seen) -> list[Finding]:
    """Return what is wrong, the most likely cause first."""
    found: dict[tuple[str, str], Finding] = {}
    for check in CHECKS:
        for finding in check.check(seen):
            found.setdefault((finding.code, finding.text), finding)
    several = list(found.values())
    if any(f.severity == Severity.ERROR and f.code != 'node_problem' for f in several):
        # What a node states of itself is then the same once more, or follows from it.
        several = [f for f in several if f.code != 'node_problem']
    return ordered(several)
