# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`~/depth/image/compressedDepth`: what image_transport reads as compressedDepth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from depth_ros.messages.classes import CompressedImage
from depth_ros.messages.compressed_depth import (
    DEPTH_MAX,
    PNG_LEVEL,
    QUANTIZATION,
    depth_to_compressed,
)
from depth_ros.nodes.output.output import Output
from depth_ros.nodes.parameters.spec import ParameterSpec, Value
from depth_ros.pipeline import DepthFrame


@dataclass(frozen=True)
class CompressedSettings:
    """What the parameters say about compressed depth."""

    encoding: Any
    depth_max: float
    quantization: float
    png_level: int


def build(frame: DepthFrame, header: Any, settings: CompressedSettings) -> Any:
    """Return the compressed depth image; None while the prediction is relative."""
    if frame.depth is None:
        return None
    return depth_to_compressed(
        frame.depth,
        header,
        settings.encoding,
        settings.depth_max,
        settings.quantization,
        settings.png_level,
    )


def prepare(values: Mapping[str, Value]) -> CompressedSettings:
    """Return the settings of these parameter values."""
    return CompressedSettings(
        values['depth_encoding'],
        float(values['compressed_depth_max']),
        float(values['compressed_depth_quantization']),
        int(values['compressed_depth_png_level']),
    )


OUTPUT = Output(
    'depth/image/compressedDepth',
    CompressedImage,
    build,
    'the depth image for the transport compressedDepth',
    parameters=(
        ParameterSpec(
            'compressed_depth_max',
            DEPTH_MAX,
            'metres; farther depth is invalid in compressedDepth',
            range=(0.1, 1e4),
        ),
        ParameterSpec(
            'compressed_depth_quantization',
            QUANTIZATION,
            'metres of depth at which a step of compressedDepth as 32FC1 is 1 m',
            range=(1.0, 1e4),
        ),
        ParameterSpec(
            'compressed_depth_png_level',
            PNG_LEVEL,
            'of compressedDepth: 0 is fast, 9 is small',
            range=(0, 9),
        ),
    ),
    prepare=prepare,
)
