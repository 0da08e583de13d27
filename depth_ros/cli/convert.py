# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`depth_ros convert`: turn an official checkpoint file into safetensors, once."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from depth_ros.models.protocol import ModelError
from depth_ros.models.registry import family_of
from depth_ros.models.weights.fetch import converted_folder
from depth_ros.models.weights.official import convert


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('name', help='the model that the file belongs to, see `depth_ros models`')
    parser.add_argument('file', type=Path, help='.pth, .pt, .tar, .ckpt as published')
    parser.add_argument('--out', type=Path, help='folder; default: where the nodes look for it')


def run(arguments: argparse.Namespace) -> int:
    """Convert one file and state where the result is."""
    official = family_of(arguments.name).official
    if official is None:
        raise ModelError(
            f'{arguments.name} has no official checkpoint file to convert; '
            '`depth_ros models` shows where its weights come from'
        )
    folder = arguments.out or converted_folder(arguments.name)
    written = convert(arguments.name, official, arguments.file, folder)
    use = f' --option weights={json.dumps(str(folder))}' if arguments.out else ''
    print(f'{written}\nuse it: depth_ros infer ... --model {arguments.name}{use}')
    return 0
