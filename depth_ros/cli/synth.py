# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`depth_ros synth`: write rendered sequences with exact depth. No ROS and no torch needed."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from depth_ros.lab.synthetic.scene.worlds import kinds
from depth_ros.types import DepthError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--out', type=Path, required=True, help='a folder, new or empty')
    parser.add_argument('--frames', type=int, default=100, help='in all; default %(default)s')
    parser.add_argument(
        '--per-sequence', type=int, default=10, help='frames of one drive; default %(default)s'
    )
    parser.add_argument(
        '--kinds', nargs='+', choices=kinds(), default=kinds(), metavar='KIND',
        help=f'of {", ".join(kinds())}; default all in turn',
    )  # fmt: skip
    parser.add_argument('--seed', type=int, default=0, help='of the first sequence')
    parser.add_argument('--width', type=int, default=640)
    parser.add_argument('--height', type=int, default=480)
    parser.add_argument('--focal', type=float, default=0.0, help='pixels; default: sampled')
    parser.add_argument('--baseline', type=float, default=0.0, help='metres; default: sampled')
    parser.add_argument(
        '--distorted', type=float, default=0.0, metavar='SHARE',
        help='share of sequences through raw distorted lenses, which have no right eye',
    )  # fmt: skip
    parser.add_argument(
        '--handheld', type=float, default=0.0, metavar='SHARE',
        help='share of sequences tilted any way, as in a hand, instead of mounted on a robot',
    )  # fmt: skip
    parser.add_argument(
        '--glances', type=float, default=0.0, metavar='SHARE',
        help='share of sequences with as much near and far as real ones have, not all there is',
    )  # fmt: skip
    parser.add_argument('--mono', action='store_true', help='no right eye: half the work')
    parser.add_argument(
        '--perfect', action='store_true', help='no noise, blur, exposure error or JPEG'
    )
    parser.add_argument('--antialias', type=int, default=2, help='n x n colour samples a pixel')
    parser.add_argument('--jobs', type=int, default=1, help='processes; the files are the same')


def run(args: argparse.Namespace) -> int:
    from depth_ros.lab.synthetic.dataset import SetOptions, write_set

    if args.out.is_dir() and any(args.out.iterdir()):
        raise DepthError(f'{args.out} is not empty; give a new folder, or empty this one')
    if args.seed < 0 or args.width < 8 or args.height < 8 or args.antialias < 1:
        raise DepthError(
            'the seed must not be negative, pictures have at least 8x8 pixels and one sample'
        )
    if not all(0 <= share <= 1 for share in (args.handheld, args.glances, args.distorted)):
        raise DepthError('--handheld, --glances and --distorted are shares, expected 0 to 1')
    options = SetOptions(
        args.frames, args.per_sequence, tuple(args.kinds), args.seed, args.width, args.height,
        args.focal, args.baseline, args.distorted, not args.perfect, args.antialias,
        jobs=args.jobs, stereo=not args.mono, handheld=args.handheld,
        glances=args.glances,
    )  # fmt: skip
    begun, done = time.monotonic(), 0
    args.out.mkdir(parents=True, exist_ok=True)
    for name, count in write_set(args.out, options):
        done += count
        print(f'{name}  {done}/{args.frames} frames', flush=True)
    print(f'{args.out}: {done} frames in {time.monotonic() - begun:.1f} s; see contact_sheet.png')
    return 0
