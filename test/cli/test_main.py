# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The dispatcher: help, unknown commands, commands of later versions, and no heavy imports."""

import subprocess
import sys

import pytest

from depth_ros import __version__
from depth_ros.cli.main import COMMANDS, main


@pytest.mark.parametrize('arguments', [[], ['-h'], ['--help']])
def test_help_names_every_command(arguments, capsys):
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert all(f'\n  {name} ' in text for name in COMMANDS)


def test_version(capsys):
    assert main(['--version']) == 0
    assert __version__ in capsys.readouterr().out


def test_an_unknown_command_is_named_and_exits_with_2(capsys):
    assert main(['paint']) == 2
    assert "'paint'" in capsys.readouterr().err


def test_arguments_that_ros_appends_are_ignored(capsys):
    assert main(['--version', '--ros-args', '-r', 'a:=b']) == 0
    assert __version__ in capsys.readouterr().out


def test_a_depth_error_is_one_line_without_a_traceback(tmp_path, capsys):
    assert main(['infer', str(tmp_path / 'no.png')]) == 2
    error = capsys.readouterr().err.strip()
    assert 'no.png' in error
    assert '\n' not in error


def test_the_list_of_commands_loads_neither_torch_nor_ros():
    code = (
        'import sys; from depth_ros.cli.main import main; main([]); '
        "sys.exit(any(m in sys.modules for m in ('torch', 'rclpy', 'cv2', 'transformers')))"
    )
    assert subprocess.run([sys.executable, '-c', code], stdout=subprocess.DEVNULL).returncode == 0
