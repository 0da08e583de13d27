# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`depth_ros infer`: an image, a pair or views in, depth and a cloud out. No ROS needed."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from depth_ros.cli import infer_scale, infer_views
from depth_ros.cli.model_options import add_option_argument, make_model
from depth_ros.files.calibration import read_camera
from depth_ros.files.depth_colors import draw_depth, draw_relative
from depth_ros.files.images import read_image
from depth_ros.files.ply import write_ply
from depth_ros.files.reading import read_array
from depth_ros.files.writing import make_folder, write_array, write_image, write_text
from depth_ros.geometry.channels import as_rgb
from depth_ros.geometry.depth_values import valid_or_nan
from depth_ros.geometry.unproject import depth_to_points
from depth_ros.models.registry import DEFAULT_MONO, DEFAULT_STEREO, DEFAULT_VIEWS
from depth_ros.pipeline import RECTIFY_MODES, DepthFrame, Options, Pipeline
from depth_ros.types import (
    Camera,
    DepthError,
    DepthKind,
    FloatImage,
    Image,
    Known,
    View,
    quoted,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'image',
        type=Path,
        nargs='+',
        help='an image, the left one of a pair, or several views of one scene',
    )
    parser.add_argument('--right', type=Path, help='the right image of a pair')
    parser.add_argument(
        '--model',
        help=f'default {DEFAULT_MONO}, for a pair {DEFAULT_STEREO}, '
        f'for several views {DEFAULT_VIEWS}',
    )
    parser.add_argument('--out', type=Path, default=Path('infer_out'), help='default %(default)s')
    camera = parser.add_argument_group('the camera: a calibration file, or numbers')
    camera.add_argument('--camera', type=Path, help='camera_info YAML of camera_calibration')
    camera.add_argument('--right-camera', type=Path, help='the same for the right eye')
    camera.add_argument('--focal', type=float, help='focal length in pixels (rectified)')
    camera.add_argument('--fov', type=float, help='horizontal field of view in degrees')
    camera.add_argument('--cx', type=float, help='principal point; default the centre')
    camera.add_argument('--cy', type=float, help='the same downwards')
    camera.add_argument('--baseline', type=float, help='metres between the eyes')
    camera.add_argument(
        '--doffs', type=float, help='cx of the right eye minus cx of the left; default 0'
    )
    depth = parser.add_argument_group('around the model')
    add_option_argument(depth)  # type: ignore[arg-type]
    depth.add_argument(
        '--prompt',
        type=Path,
        help='depth.npy in metres, for models that take one beside the image',
    )
    depth.add_argument(
        '--rectify',
        choices=RECTIFY_MODES,
        default='auto',
        help='undistort where the calibration asks for it, in any case, or not at all',
    )
    depth.add_argument('--min-depth', type=float, default=0.0, help='metres')
    depth.add_argument('--max-depth', type=float, default=math.inf, help='metres')
    depth.add_argument(
        '--edge-threshold',
        type=float,
        default=Options.edge_threshold,
        help='flying pixels; 0 keeps them',
    )
    depth.add_argument(
        '--min-confidence', type=float, default=0.0, help='0 to 1; pixels below become NaN'
    )
    depth.add_argument(
        '--scale',
        type=float,
        default=0.0,
        help='makes metres of a relative model: 1/Z = scale * value + shift',
    )
    depth.add_argument('--shift', type=float, default=0.0, help='in 1/m, with --scale')
    infer_scale.add_arguments(parser)
    infer_views.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Infer, write the files, and say in a line what came out."""
    _check_camera_arguments(arguments)
    options = Options(
        rectify=arguments.rectify,
        min_depth=arguments.min_depth,
        max_depth=arguments.max_depth,
        edge_threshold=arguments.edge_threshold,
        min_confidence=arguments.min_confidence,
        scale=arguments.scale,
        shift=arguments.shift,
    )
    adjuster = infer_scale.scaled_by(arguments)
    image = read_image(arguments.image[0])
    if len(arguments.image) > 1:
        return infer_views.run(arguments, _mono_camera(arguments, image), options)
    if arguments.poses is not None:
        raise DepthError('--poses is for several views; give more images, or leave it out')
    stereo = arguments.right is not None
    name = arguments.model or (DEFAULT_STEREO if stereo else DEFAULT_MONO)
    if stereo:
        right = read_image(arguments.right)
        cameras = _stereo_cameras(arguments, image, right)
        model = make_model(name, arguments.option)
        frame = Pipeline(model, options)([View(image, cameras[0]), View(right, cameras[1])])
        known = True
    else:
        camera = _mono_camera(arguments, image)
        known = camera is not None
        model = make_model(name, arguments.option)
        pipeline = Pipeline(model, options, adjuster)
        if not known and pipeline.makes_metres:
            raise DepthError(
                f'model {quoted(name)} gives metres and needs the camera for that; '
                'give --camera FILE, --focal PIXELS or --fov DEGREES'
            )
        # A relative model does not look at the camera: any will do.
        assumed = camera or Camera.pinhole(image.shape[1], image.shape[0], max(image.shape[:2]))
        known_depth = Known(depth=_read_prompt(arguments.prompt))
        frame = pipeline([View(image, assumed, known_depth)])
    write_results(frame, name, arguments.out, camera_known=known)
    print(_summary(frame, name, arguments.out))
    if model.info.caution:
        print(f'depth_ros infer: {model.info.caution}', file=sys.stderr)
    return 0


# An argument, and those that would say the same thing differently.
_EITHER_OR = (
    ('camera', ('focal', 'fov', 'cx', 'cy')),
    ('focal', ('fov',)),
    ('right_camera', ('baseline', 'doffs')),
)
_OF_A_PAIR = ('right_camera', 'baseline', 'doffs')
_NUMBERS = ('focal', 'fov', 'cx', 'cy', 'baseline', 'doffs')


def _check_camera_arguments(arguments: argparse.Namespace) -> None:
    """Refuse what would be ignored: it was given because it matters."""
    given = {name: value for name, value in vars(arguments).items() if value is not None}
    for one, others in _EITHER_OR:
        for other in others:
            if one in given and other in given:
                raise DepthError(
                    f'{_flag(one)} and {_flag(other)} both say what the camera is; give one'
                )
    for name in _OF_A_PAIR:
        if name in given and 'right' not in given:
            raise DepthError(f'{_flag(name)} is for a pair; give --right IMAGE with it')
    if 'prompt' in given and 'right' in given:
        raise DepthError('--prompt is for one image; leave it out, or --right')
    for name in _NUMBERS:
        if name in given and not math.isfinite(given[name]):
            raise DepthError(f'{_flag(name)} is {given[name]}, expected a finite number')
    if given.get('focal', 1) <= 0:
        raise DepthError(f'--focal is {arguments.focal:g}, expected pixels above 0')


def _flag(name: str) -> str:
    return '--' + name.replace('_', '-')


def _mono_camera(arguments: argparse.Namespace, image: Image) -> Camera | None:
    """Return the camera of the only, or the left, image; None where nothing was said."""
    height, width = image.shape[:2]
    if arguments.camera is not None:
        return read_camera(arguments.camera)
    focal = arguments.focal
    if focal is None and arguments.fov is not None:
        if not 0 < arguments.fov < 180:
            raise DepthError(f'--fov is {arguments.fov:g}, expected between 0 and 180 degrees')
        focal = width / 2 / math.tan(math.radians(arguments.fov) / 2)
    if focal is None:
        return None
    return Camera.pinhole(width, height, focal, cx=arguments.cx, cy=arguments.cy)


def _read_prompt(path: Path | None) -> FloatImage | None:
    if path is None:
        return None
    prompt = read_array(path, 'save metres with np.save')
    if prompt.ndim != 2 or not np.issubdtype(prompt.dtype, np.floating):
        raise DepthError(
            f'{path} holds {prompt.dtype} of shape {prompt.shape}, '
            'expected metres as floats, height x width'
        )
    return prompt.astype(np.float32)


def _stereo_cameras(
    arguments: argparse.Namespace, left: Image, right: Image
) -> tuple[Camera, Camera]:
    camera = _mono_camera(arguments, left)
    if camera is None:
        raise DepthError(
            'a pair needs its calibration; give --camera and --right-camera, '
            'or --focal and --baseline for a rectified pair'
        )
    if arguments.right_camera is not None:
        return camera, read_camera(arguments.right_camera)
    if arguments.baseline is None:
        raise DepthError(
            'the distance between the eyes is not known; give --baseline METRES or --right-camera'
        )
    if arguments.baseline <= 0:
        raise DepthError(
            f'--baseline is {arguments.baseline:g}, expected metres above 0; '
            'if the images are in the wrong order, swap them'
        )
    height, width = right.shape[:2]
    if left.shape[:2] != right.shape[:2]:
        raise DepthError(
            f'left is {left.shape[1]}x{left.shape[0]} and right is {width}x{height}, expected '
            'one size for a rectified pair; give --camera and --right-camera, or other images'
        )
    other = Camera.pinhole(
        width,
        height,
        camera.fx,
        camera.fy,
        camera.cx + (arguments.doffs or 0.0),
        camera.cy,
        baseline=arguments.baseline,
    )
    return camera, other


def write_results(
    frame: DepthFrame, model: str, out: Path, *, camera_known: bool = True
) -> dict[str, Any]:
    """Write depth.npy, depth.png, points.ply when metric, and prediction.json."""
    make_folder(out)
    prediction = frame.prediction
    if frame.depth is None:
        values = prediction.values
        image = draw_relative(values)
        (out / 'points.ply').unlink(missing_ok=True)  # of an earlier, metric run
    else:
        values = valid_or_nan(frame.depth)
        image = draw_depth(frame.depth)
        points = depth_to_points(frame.depth, frame.camera)
        rgb = as_rgb(frame.image)
        write_ply(out / 'points.ply', points, rgb)
    write_array(out / 'depth.npy', values)
    write_image(out / 'depth.png', image)
    report = {
        'model': model,
        'kind': prediction.kind.value,
        'unit': 'm' if frame.depth is not None else prediction.kind.unit,
        'meaning': 'metres along the optical axis, NaN invalid'
        if frame.depth is not None
        else 'disparity in pixels, NaN invalid; the baseline of the pair is not known'
        if prediction.kind.value == 'disparity'
        else 'relative: larger is nearer'
        if prediction.kind.value == 'affine_inverse'
        else 'relative: depth up to one factor',
        'valid': float(np.isfinite(values).mean()),
        'camera': _camera_facts(frame.camera) if camera_known else None,
        'baseline': prediction.baseline or None,
        'scale': infer_scale.facts(frame.scale),
        'timings_ms': {k: round(v * 1e3, 3) for k, v in frame.timings.items()},
    }
    write_text(out / 'prediction.json', json.dumps(report, indent=2) + '\n')
    return report


def _camera_facts(camera: Camera) -> Mapping[str, float]:
    names = ('width', 'height', 'fx', 'fy', 'cx', 'cy')
    return {name: getattr(camera, name) for name in names}


def _summary(frame: DepthFrame, model: str, out: Path) -> str:
    values = frame.prediction.values if frame.depth is None else frame.depth
    valid = values[np.isfinite(values)]
    if valid.size == 0:
        return f'{model}: no pixel is valid; see {out}'
    low, middle, high = np.percentile(valid, [2, 50, 98])
    what = 'm' if frame.depth is not None else 'without unit: relative, not metres'
    if frame.depth is None and frame.prediction.kind is DepthKind.DISPARITY:
        what = 'px: the baseline is not known, so there are no metres'
    share = valid.size / values.size
    return f'{model}: {low:.2f} .. {middle:.2f} .. {high:.2f} {what}, {share:.0%} valid; see {out}'
