# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Write metadata.yaml, which makes a folder of files a recording for `ros2 bag`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from depth_ros.files.bags.content import Topic, required
from depth_ros.files.bags.reader import METADATA

# The format that Humble writes; every later release reads it.
VERSION = 5


@dataclass(frozen=True)
class FileFacts:
    """What metadata.yaml says about one file; times in nanoseconds."""

    name: str
    start: int
    end: int
    counts: Mapping[str, int]


def numbered_qos(text: str) -> str:
    """Return stored QoS profiles with numbers for their policies, as every release reads them."""
    if not text.strip():
        return ''
    metadata = required('rosbags.rosbag2.metadata')
    try:
        return str(metadata.dump_qos_v8(metadata.parse_qos(text)))
    except Exception:  # `ros2 bag play` falls back to its default for a topic without profiles
        return ''


def write_metadata(folder: Path, files: Sequence[FileFacts], topics: Sequence[Topic]) -> None:
    """Write metadata.yaml for the files of a folder."""
    totals: Counter[str] = Counter()
    for file in files:
        totals.update(file.counts)
    filled = [file for file in files if sum(file.counts.values())]
    start = min((file.start for file in filled), default=0)
    end = max((file.end for file in filled), default=0)
    document: dict[str, Any] = {
        'version': VERSION,
        'storage_identifier': 'mcap',
        'duration': {'nanoseconds': end - start},
        'starting_time': {'nanoseconds_since_epoch': start},
        'message_count': totals.total(),
        'topics_with_message_count': [
            {
                'topic_metadata': {
                    'name': topic.name,
                    'type': topic.type,
                    'serialization_format': 'cdr',
                    'offered_qos_profiles': topic.qos,
                },
                'message_count': totals[topic.name],
            }
            for topic in topics
        ],
        'compression_format': '',
        'compression_mode': '',
        'relative_file_paths': [file.name for file in files],
        'files': [
            {
                'path': file.name,
                'starting_time': {'nanoseconds_since_epoch': file.start},
                'duration': {'nanoseconds': file.end - file.start},
                'message_count': sum(file.counts.values()),
            }
            for file in files
        ],
    }
    text = yaml.safe_dump({'rosbag2_bagfile_information': document}, sort_keys=False)
    temporary = folder / f'{METADATA}.part'
    temporary.write_text(text, encoding='utf-8')
    temporary.replace(folder / METADATA)
