# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`depth_ros nav2`: write the configuration of navigation packages for one camera."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from depth_ros.files.calibration import read_camera
from depth_ros.files.nav2_config import navigation_files
from depth_ros.files.nav2_numbers import RELATIVE_ERROR, Setup
from depth_ros.files.share import transport_environment
from depth_ros.files.writing import make_folder, write_text
from depth_ros.geometry.uncertainty import SIGMA_DISPARITY
from depth_ros.types import DepthError, quoted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--camera-info', type=Path, required=True, metavar='FILE',
        help='YAML of camera_calibration; of the left camera for stereo',
    )  # fmt: skip
    parser.add_argument(
        '--mount', type=float, nargs='+', required=True, metavar=('HEIGHT', 'PITCH'),
        help='metres above the floor, then radians by which the camera looks down and by which '
        'its right side hangs down; what is left out is 0',
    )  # fmt: skip
    parser.add_argument(
        '--out', type=Path, default=Path('nav2'), help='folder; default %(default)s'
    )
    parser.add_argument('--force', action='store_true', help='replace files that are there')
    parser.add_argument(
        '--baseline', type=float, default=0.0, help='metres, of a stereo pair; default: one view'
    )
    parser.add_argument(
        '--robot-height', type=float, default=1.0, help='metres; default %(default)s'
    )
    parser.add_argument(
        '--rate', default='10.0', metavar='HZ',
        help='clouds per second, or `measure`: look at the running robot; default %(default)s',
    )  # fmt: skip
    parser.add_argument(
        '--relative-error', type=float, default=RELATIVE_ERROR,
        help='of depth from one view; default %(default)s',
    )  # fmt: skip
    parser.add_argument(
        '--sigma-disparity', type=float, default=SIGMA_DISPARITY,
        help='pixels, of stereo; default %(default)s',
    )  # fmt: skip
    parser.add_argument(
        '--resolution', type=float, default=0.05, help='metres of a cell; default %(default)s'
    )
    parser.add_argument(
        '--optical-frame', default='camera_optical_frame', help='default %(default)s'
    )
    parser.add_argument('--base-frame', default='base_link', help='default %(default)s')
    parser.add_argument('--odom-frame', default='odom', help='default %(default)s')


def _rate(text: str) -> float:
    """Return the clouds per second that are given, or those of the running robot."""
    if text != 'measure':
        try:
            return float(text)
        except ValueError:
            raise DepthError(
                f'--rate is {quoted(text)}, expected clouds per second or `measure`'
            ) from None
    os.environ.update(transport_environment())
    from depth_ros.doctor.graph import look
    from depth_ros.doctor.rates import depth_rate

    topic, rate = depth_rate(look())
    print(f'measured {rate:.3g} messages per second on {topic}')
    return round(rate, 2)


def run(args: argparse.Namespace) -> int:
    """Write every file and print which."""
    if len(args.mount) > 3:
        raise DepthError(
            f'--mount has {len(args.mount)} numbers, expected height, pitch and roll at most'
        )
    height, pitch, roll = (*args.mount, 0.0, 0.0)[:3]
    setup = Setup(
        camera=read_camera(args.camera_info),
        height=height,
        pitch=pitch,
        roll=roll,
        baseline=args.baseline,
        robot_height=args.robot_height,
        rate=_rate(args.rate),
        relative_error=args.relative_error,
        sigma_disparity=args.sigma_disparity,
        resolution=args.resolution,
        optical_frame=args.optical_frame,
        base_frame=args.base_frame,
        odom_frame=args.odom_frame,
    )
    files = navigation_files(setup)
    there = [name for name in files if (args.out / name).exists()]
    if there and not args.force:
        raise DepthError(
            f'{args.out / there[0]} is there already; give another --out, or --force to replace it'
        )
    make_folder(args.out)
    for name, text in files.items():
        write_text(args.out / name, text)
        print(args.out / name)
    print(
        f'obstacles are marked up to {setup.mark_range} m, where the depth is off by '
        f'{setup.error_at(setup.mark_range):.2g} m, and cleared up to {setup.clear_range} m'
    )
    return 0
