# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What is wrong, as text for a terminal and as JSON for a program."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Sequence
from typing import Any

from depth_ros.doctor.finding import Finding
from depth_ros.doctor.seen import Seen, Topic


def text_report(seen: Seen, findings: Sequence[Finding]) -> str:
    """Return what was looked at and one numbered sentence per finding."""
    lines = [
        f'domain {seen.domain}: {_count(seen.nodes, "node")}, '
        # One that two nodes read is one camera.
        f'{_count({camera.image for camera in seen.cameras}, "image topic")}, '
        f'{_count(seen.depth_nodes, "depth node")}, {seen.seconds:g} s'
    ]
    for name, figures in sorted(rates(seen).items()):
        lines.append(
            f'  {name}: {figures["hertz"]:.1f} Hz'
            + (f', {figures["age"]:.3f} s old' if figures['age'] is not None else '')
        )
    if not seen.reads_tf:
        lines.append('TF was not looked at: tf2_msgs is not installed')
    if not findings:
        lines.append('nothing wrong was found')
    for number, finding in enumerate(findings, 1):
        lines.append(f'{number}. {finding.severity.name.lower()}: {finding.text} [{finding.code}]')
    return '\n'.join(lines)


def _count(things: Collection[Any], what: str) -> str:
    return f'{len(things)} {what}{"" if len(things) == 1 else "s"}'


def json_report(seen: Seen, findings: Sequence[Finding]) -> str:
    """Return the same for a program; codes do not change from version to version."""
    return json.dumps(
        {
            'domain': seen.domain,
            'seconds': seen.seconds,
            'nodes': sorted(seen.nodes),
            'depth_nodes': sorted(node.name for node in seen.depth_nodes),
            'cameras': [
                {'image': c.image, 'camera_info': c.info, 'node': c.node, 'side': c.side}
                for c in seen.cameras
            ],
            'topics': rates(seen),
            'tf_read': seen.reads_tf,
            'findings': [
                {'severity': f.severity.name.lower(), 'code': f.code, 'text': f.text}
                for f in findings
            ],
        },
        indent=2,
    )


def rates(seen: Seen) -> dict[str, dict[str, Any]]:
    """Return rate and age of every topic that the doctor listened to."""
    return {topic.name: _figures(topic) for topic in seen.topics.values() if topic.received}


def _figures(topic: Topic) -> dict[str, Any]:
    received = topic.received
    assert received is not None
    age = received.age
    return {
        'messages': len(received.arrivals),
        'hertz': round(received.hertz, 3),
        'age': None if math.isnan(age) else round(age, 4),
        'bytes': received.size,
        'frame': received.frame,
    }
