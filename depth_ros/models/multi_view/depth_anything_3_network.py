# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The networks of Depth Anything 3 as the engine runs them: one view, or all views of a scene."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from depth_ros.models.engine.attention import per_head_attention
from depth_ros.models.engine.runtime import Executable
from depth_ros.models.multi_view.depth_anything_3_weights import identity, load_network

DEPTH, CONFIDENCE, SKY = 'depth', 'confidence', 'sky_from_one'
LONGEST_PER_HEAD = 4096  # tokens; attention head by head holds a square of that size in memory


def outputs_of(configuration: Any) -> tuple[str, ...]:
    """Return what a network of one view returns, in order."""
    if hasattr(configuration, 'metric'):
        return DEPTH, CONFIDENCE, SKY
    return (DEPTH, CONFIDENCE) if configuration.head.kind == 'rays' else (DEPTH, SKY)


def executable(
    files: Sequence[Path], configuration: Any, views_at_once: int, exported: bool
) -> Executable:
    """
    Return a network with weights; its forward takes images of one view each.

    :param exported: whether an executor needs the digest of the weights, which takes a while.
    """
    network = load_network(files, configuration, views_at_once)
    outputs = outputs_of(configuration)
    heads = ('da3.', 'da3_metric.') if hasattr(configuration, 'metric') else ('',)
    return Executable(
        _one_view(network, outputs),
        outputs,
        tail=[f'network.{head}{name}' for head in heads for name in _TAIL],
        identity=identity(files, repr(configuration)) if exported else '',
        set_attention=attention_switch(network),
    )


# The last layers decide in which steps depth, rays and cameras can be stated: they stay float32.
_TAIL = (
    'head.scratch.output_conv2',
    'head.scratch.sky_output_conv2',
    'head.scratch.output_conv2_aux.3',
    'cam_dec',
)


def _one_view(network: Any, outputs: Sequence[str]) -> Any:
    """Return a module that takes (images, 3, height, width) and returns a plain tuple."""
    import torch

    class OneView(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: Any) -> Any:
            scene = self.network(images[:, None])
            named = {
                DEPTH: scene.depth,
                CONFIDENCE: scene.confidence,
                # Executors are compared by the mean of an output, which is 0 without any sky.
                SKY: None if scene.sky is None else scene.sky + 1,
            }
            return tuple(named[name][:, 0] for name in outputs)

    return OneView().eval()


def attention_switch(network: Any) -> Callable[[bool], None]:
    """Return what switches a network between fused attention and that head by head."""

    def switch(per_head: bool) -> None:
        for module in network.modules():
            if hasattr(module, 'attend'):
                module.attend = _attend if per_head else None

    return switch


def _attend(query: Any, key: Any, value: Any) -> Any:
    if query.shape[-2] <= LONGEST_PER_HEAD:
        return per_head_attention(query, key, value)
    from torch.nn.functional import scaled_dot_product_attention

    return scaled_dot_product_attention(query, key, value)


def scene_of(
    network: Any, images: Any, extrinsics: Any = None, intrinsics: Any = None
) -> dict[str, Any]:
    """
    Return what a network predicts for the views of one scene, on the CPU, in float32.

    :param images: (views, 3, height, width), float32 on the network's device. :param extrinsics:
        (views, 4, 4), world to camera. :param intrinsics: (views, 3, 3).
    """
    from depth_ros.models.networks.depth_anything_3.camera import relative_extrinsics

    dtype = next(network.parameters()).dtype
    known: tuple[Any, ...] = ()
    if extrinsics is not None:
        known = (relative_extrinsics(extrinsics[None]).float(), intrinsics[None].float())
    # Not called as a module: a hook would convert the known cameras to half precision.
    scene = network.forward(images[None].to(dtype), *known)
    return {
        name: None if value is None else value[0].float().cpu()
        for name, value in scene._asdict().items()
        if name != 'reference'
    }
