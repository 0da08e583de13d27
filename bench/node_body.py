# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Everything a depth node does around the network's forward pass, ours and as it is usual.

Both get the same bgr8 message, prepare it as Depth Anything V2 asks (518 pixels, bicubic,
ImageNet), are handed the same network output, and make a depth message and an xyzrgb cloud at
the image's size. The usual way is what a competent Python node does today: cv_bridge's
conversion, the model's own image processor, bicubic resizing back, a meshgrid, create_cloud and
`data = x.tobytes()`. Only the forward pass itself is taken out, of both.

    python bench/node_body.py [--frames 40]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from sensor_msgs.msg import Image, PointCloud2
from std_msgs.msg import Header

from bench.cloud import OPPONENT, usual
from bench.timing import interleaved, ratio_line
from depth_ros.messages.camera_info import camera_info_to_camera, camera_to_camera_info
from depth_ros.messages.cloud import CloudBuilder
from depth_ros.messages.depth_image import depth_to_image
from depth_ros.messages.image import array_to_image, image_to_view_array
from depth_ros.models.registry import create_model
from depth_ros.pipeline import Pipeline
from depth_ros.types import Camera, View

SIZES = {'640x480': (640, 480), '1280x720': (1280, 720)}
BAR = 5.0


def save_checkpoint(folder: Path) -> None:
    """Write a metric Depth Anything V2 with its real preprocessing and a tiny random network."""
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation
    from transformers import DPTImageProcessor as Processor

    backbone = {
        'model_type': 'dinov2', 'image_size': 518, 'patch_size': 14, 'hidden_size': 24,
        'num_hidden_layers': 4, 'num_attention_heads': 2, 'out_indices': [1, 2, 3, 4],
        'reshape_hidden_states': False,
    }  # fmt: skip
    config = DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=24,
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        head_hidden_size=8,
        depth_estimation_type='metric',
        max_depth=20,
    )
    DepthAnythingForDepthEstimation(config).save_pretrained(folder)
    Processor(
        size={'height': 518, 'width': 518},
        keep_aspect_ratio=True,
        ensure_multiple_of=14,
        resample=3,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    ).save_pretrained(folder)


class Stub:
    """Stands for the forward pass: the same output at once, whatever comes in."""

    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime
        self.output: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)

    def __call__(self, pixels: Any, *beside: Any) -> dict[str, Any]:
        if self.output is None:
            height, width = pixels.shape[-2:]
            slope = torch.linspace(9, 1, height)[:, None].expand(height, width)
            self.output = slope[None].contiguous() + 0.1
        return {'predicted_depth': self.output}


class Ours:
    """What mono_depth calls for every frame."""

    def __init__(self, checkpoint: Path) -> None:
        model = create_model(str(checkpoint), {'device': 'cpu', 'precision': 'float32'})
        self.stub = Stub(model._runtime)  # type: ignore[attr-defined]
        model._runtime = self.stub  # type: ignore[attr-defined]
        self.pipeline = Pipeline(model)
        self.cloud = CloudBuilder('xyzrgb')

    def __call__(self, message: Image, info: Any) -> tuple[Image, PointCloud2]:
        camera = camera_info_to_camera(info, message.width, message.height)
        frame = self.pipeline([View(image_to_view_array(message), camera)])
        assert frame.depth is not None
        depth = depth_to_image(frame.depth, message.header)
        return depth, self.cloud(frame.depth, frame.camera, message.header, frame.image)


class Usual:
    """The competent node of today."""

    def __init__(self, checkpoint: Path, output: Any) -> None:
        from transformers import AutoImageProcessor

        self.processor = AutoImageProcessor.from_pretrained(checkpoint)
        self.output = output
        try:
            from cv_bridge import CvBridge

            self.convert = lambda m: CvBridge().imgmsg_to_cv2(m, 'rgb8')
        except ImportError:
            self.convert = _like_cv_bridge

    def __call__(self, message: Image, info: Any) -> tuple[Image, PointCloud2]:
        image = self.convert(message)
        self.processor(images=image, return_tensors='pt')
        resized = torch.nn.functional.interpolate(
            self.output[:, None], image.shape[:2], mode='bicubic', align_corners=False
        )
        depth = resized.squeeze().numpy()
        depth_message = Image(header=message.header, height=depth.shape[0], width=depth.shape[1])
        depth_message.encoding, depth_message.step = '32FC1', 4 * depth.shape[1]
        depth_message.data = depth.tobytes()
        k = info.k
        camera = Camera.pinhole(depth.shape[1], depth.shape[0], k[0], k[4], k[2], k[5])
        return depth_message, usual('xyzrgb', depth, camera, message.header, image)


def _like_cv_bridge(message: Image) -> np.ndarray:
    """Convert as cv_bridge does: a view of the bytes, then OpenCV's colour conversion."""
    shape = (message.height, message.width, 3)
    return cv2.cvtColor(np.ndarray(shape, np.uint8, message.data), cv2.COLOR_BGR2RGB)


def run(frames: int = 40) -> dict[str, dict[str, float]]:
    """Return milliseconds of both ways and their ratio, by size."""
    results = {}
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        checkpoint = Path(folder)
        save_checkpoint(checkpoint)
        for name, (width, height) in SIZES.items():
            image = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
            image = cv2.GaussianBlur(image, (0, 0), 3).astype(np.uint8)
            message = array_to_image(image, 'bgr8', Header(frame_id='camera'))
            info = camera_to_camera_info(Camera.pinhole(width, height, 0.8 * width), Header())
            ours = Ours(checkpoint)
            ours(message, info)
            theirs = Usual(checkpoint, ours.stub.output)
            _compare(ours(message, info), theirs(message, info))
            medians = interleaved(
                {'ours': lambda: ours(message, info), 'usual': lambda: theirs(message, info)},  # noqa: B023
                frames,
            )
            results[name] = {
                'ours_ms': medians['ours'] * 1e3,
                'usual_ms': medians['usual'] * 1e3,
                'ratio': medians['usual'] / medians['ours'],
            }
    return results


def _compare(ours: tuple[Image, PointCloud2], theirs: tuple[Image, PointCloud2]) -> None:
    """Stop where the two do not do the same job."""
    a, b = (np.frombuffer(m[0].data, np.float32) for m in (ours, theirs))
    worst = float(np.nanmax(np.abs(a - b) / b))
    if a.shape != b.shape or worst > 1e-2 or len(ours[1].data) != len(theirs[1].data):
        raise SystemExit(f'the two depths differ by {worst:.2%}: nothing to compare')


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description='Everything around the forward pass.')
    parser.add_argument('--frames', type=int, default=40, help='measured frames, at least 30')
    arguments = parser.parse_args()
    print(f'threads: {torch.get_num_threads()}; clouds of the usual way: {OPPONENT}')
    for name, result in run(max(30, arguments.frames)).items():
        print(f'{name}: ours {result["ours_ms"]:.2f} ms, usual {result["usual_ms"]:.2f} ms')
        if name == '640x480':
            print(ratio_line(f'{name}, usual / ours', result['ratio'], BAR))
        else:
            print(f'{name}, usual / ours: {result["ratio"]:.2f}')


if __name__ == '__main__':
    main()
