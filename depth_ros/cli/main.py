# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The command `depth_ros`: one module per sub-command, imported when it is called."""

from __future__ import annotations

import argparse
import errno
import importlib
import io
import logging
import os
import sys
from collections.abc import Sequence

from depth_ros import __version__
from depth_ros.types import DepthError, quoted

# name -> what it does; the module is depth_ros.cli.<name>
COMMANDS = {
    'demo': 'play a rendered scene through the real nodes and measure what comes out',
    'infer': 'depth, cloud and images from an image or a stereo pair',
    'bag': 'recordings in, recordings with depth out, here or on a cluster',
    'view': 'images, depth and clouds of files, recordings and nodes in a browser',
    'models': 'list every model, what its numbers mean, and its licence',
    'fetch': 'download models ahead of time and verify them',
    'convert': 'turn an official checkpoint file into safetensors',
    'bench': 'measure what models and nodes cost on this machine: time, memory, power',
    'eval': 'measure models against ground truth',
    'doctor': 'look at the running graph and state what is wrong',
    'nav2': 'write the configuration of Nav2, slam_toolbox, rtabmap and nvblox for a camera',
    'policy': 'write the SROS 2 policy of a node under its names',
    'synth': 'write a synthetic data set with exact depth',
    'train': 'train a model from a configuration',
}


def _usage() -> str:
    width = max(map(len, COMMANDS))
    rows = [f'  {name:<{width}}  {text}' for name, text in COMMANDS.items()]
    return '\n'.join(
        ['usage: depth_ros [--version] COMMAND ...', '', *rows, '', 'depth_ros COMMAND --help']
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one sub-command and return its exit code; 2 for what the caller got wrong."""
    for stream in (sys.stdout, sys.stderr):
        # A path may hold what the terminal's encoding does not; it is shown with escapes.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors='backslashreplace')
    arguments = list(sys.argv[1:] if argv is None else argv)
    if '--ros-args' in arguments:  # `ros2 run` and launch files may append them
        arguments = arguments[: arguments.index('--ros-args')]
    if not arguments or arguments[0] in ('-h', '--help'):
        print(_usage())
        return 0
    if arguments[0] in ('-V', '--version'):
        print(f'depth_ros {__version__}')
        return 0
    name, *rest = arguments
    if name not in COMMANDS:
        print(f'depth_ros: there is no command {quoted(name)}\n\n{_usage()}', file=sys.stderr)
        return 2
    logging.basicConfig(level=logging.INFO, format='%(levelname)s: %(message)s')
    module = importlib.import_module(f'depth_ros.cli.{name}')
    parser = argparse.ArgumentParser(prog=f'depth_ros {name}', description=COMMANDS[name])
    module.add_arguments(parser)
    try:
        return int(module.run(parser.parse_args(rest)) or 0)
    except DepthError as error:
        print(f'depth_ros {name}: {error}', file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output has gone, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # no such folder, no right to write, no space
        what = 'a file' if error.filename is None else error.filename
        remedy = 'free space' if error.errno == errno.ENOSPC else 'give another path'
        why = error.strerror or f'{type(error).__name__}: {error}'
        print(f'depth_ros {name}: {what} cannot be used ({why}); {remedy}', file=sys.stderr)
        return 2
    except MemoryError:
        print(
            f'depth_ros {name}: out of memory; give smaller images or a smaller model',
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == '__main__':
    sys.exit(main())
