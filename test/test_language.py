# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Pages, help texts and descriptions use plain words; a short list holds what they avoid."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import re
from pathlib import Path

import pytest

import depth_ros
from depth_ros.cli.main import COMMANDS
from depth_ros.models.registry import catalogue, families
from depth_ros.nodes.parameters.specs import MONO, STEREO

ROOT = Path(depth_ros.__file__).resolve().parents[1]
PAGES = [
    *ROOT.glob('*.md'),
    *ROOT.glob('*.rst'),
    *(ROOT / 'docs').glob('*.md'),
    *(ROOT / 'bench').glob('*.md'),
    *(ROOT / 'config').rglob('*.yaml'),
    *(ROOT / 'depth_ros').rglob('*.md'),
]
# A person as the subject, a network that is told, and a picture where an image is meant.
WORDS = re.compile(r'\b(who|whoever|somebody|nobody|told|pictures?)\b', re.IGNORECASE)


def found(text: str) -> list[str]:
    """Return the lines in which a word of the list stands."""
    return [line.strip() for line in text.splitlines() if WORDS.search(line)]


@pytest.mark.parametrize('page', PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_pages_use_plain_words(page: Path) -> None:
    assert found(page.read_text('utf-8')) == []


def parser_of(command: str) -> argparse.ArgumentParser:
    """Return the parser of a command as the command line builds it."""
    parser = argparse.ArgumentParser(prog=command, description=COMMANDS[command])
    importlib.import_module(f'depth_ros.cli.{command}').add_arguments(parser)
    return parser


def test_helps_and_descriptions_use_plain_words() -> None:
    shown = [spec.description for spec in (*MONO, *STEREO)]
    shown += [parser_of(command).format_help() for command in COMMANDS]
    for info in catalogue().values():
        shown += [info.description, info.caution]
    for family in families():
        shown += [field.metadata['help'] for field in dataclasses.fields(family.config)]
    assert len(shown) > 300
    assert [line for text in shown for line in found(text)] == []


def test_the_list_finds_its_words() -> None:
    assert found('Whoever is told\nan image\na picture') == ['Whoever is told', 'a picture']
