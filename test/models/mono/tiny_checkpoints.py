# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Small checkpoints of every family, written as a user's would be: config, processor, safetensors.

The weights are random and keep the variance from layer to layer, so that the output depends on
every part of the image as a trained network's does.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

DINOV2 = {
    'model_type': 'dinov2',
    'image_size': 56,
    'hidden_size': 32,
    'num_hidden_layers': 4,
    'num_attention_heads': 2,
    'mlp_ratio': 2,
    'out_indices': [1, 2, 3, 4],
    'reshape_hidden_states': False,
    'patch_size': 14,
    'layerscale_value': 0.5,
}
IMAGENET = {'image_mean': [0.485, 0.456, 0.406], 'image_std': [0.229, 0.224, 0.225]}
NECK = {'neck_hidden_sizes': [8, 8, 16, 16], 'fusion_hidden_size': 16}


def image(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Return a smooth random image with some noise, uint8 RGB."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 12 + 2, width // 12 + 2, 3), dtype=np.uint8)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    noise = rng.integers(-8, 9, smooth.shape, dtype=np.int16)
    return np.clip(smooth + noise, 0, 255).astype(np.uint8)


def depth_anything(kind: str = 'relative', max_depth: float = 1) -> tuple[Any, dict]:
    from transformers import DepthAnythingConfig

    config = DepthAnythingConfig(
        backbone_config=dict(DINOV2),
        reassemble_hidden_size=32,
        head_hidden_size=8,
        depth_estimation_type=kind,
        max_depth=max_depth,
        **NECK,
    )
    return config, {
        'image_processor_type': 'DPTImageProcessor',
        'size': {'height': 70, 'width': 70},
        'keep_aspect_ratio': True,
        'ensure_multiple_of': 14,
        'resample': 3,
        **IMAGENET,
    }


def prompt_depth_anything() -> tuple[Any, dict]:
    from transformers import PromptDepthAnythingConfig

    config = PromptDepthAnythingConfig(
        backbone_config=dict(DINOV2),
        reassemble_hidden_size=32,
        head_hidden_size=8,
        depth_estimation_type='metric',
        max_depth=1,
        **NECK,
    )
    return config, {
        'image_processor_type': 'PromptDepthAnythingImageProcessor',
        'size': {'height': 84, 'width': 84},
        'keep_aspect_ratio': True,
        'ensure_multiple_of': 14,
        'resample': 3,
        'prompt_scale_to_meter': 0.001,
        **IMAGENET,
    }


def _dpt_processor(**changes: Any) -> dict:
    return {
        'image_processor_type': 'DPTImageProcessor',
        'size': {'height': 64, 'width': 64},
        'image_mean': [0.5, 0.5, 0.5],
        'image_std': [0.5, 0.5, 0.5],
        'resample': 3,
        **changes,
    }


def dpt_vit() -> tuple[Any, dict]:
    from transformers import DPTConfig

    config = DPTConfig(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=64,
        patch_size=16,
        backbone_out_indices=[0, 1, 2, 3],
        **NECK,
    )
    return config, _dpt_processor()


def dpt_hybrid() -> tuple[Any, dict]:
    from transformers import DPTConfig

    config = DPTConfig(
        is_hybrid=True,
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=64,
        patch_size=16,
        backbone_out_indices=[0, 1, 2, 3],
        backbone_config={
            'model_type': 'bit',
            'global_padding': 'same',
            'layer_type': 'bottleneck',
            'depths': [1, 1, 1],
            'embedding_size': 16,
            'hidden_sizes': [16, 32, 64],
            'num_groups': 4,
            'out_features': ['stage1', 'stage2', 'stage3'],
            'embedding_dynamic_padding': True,
        },
        backbone_featmap_shape=[1, 64, 4, 4],
        neck_ignore_stages=[0, 1],
        neck_hidden_sizes=[16, 32, 16, 16],
        fusion_hidden_size=16,
    )
    return config, _dpt_processor()


def dpt_beit() -> tuple[Any, dict]:
    from transformers import BeitConfig, DPTConfig

    backbone = BeitConfig(
        image_size=64,
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=64,
        use_relative_position_bias=True,
        reshape_hidden_states=False,
        out_features=['stage1', 'stage2', 'stage3', 'stage4'],
    )
    config = DPTConfig(backbone_config=backbone, hidden_size=32, image_size=64, **NECK)
    return config, _dpt_processor(keep_aspect_ratio=True, ensure_multiple_of=32)


def dpt_swinv2() -> tuple[Any, dict]:
    from transformers import DPTConfig, Swinv2Config

    backbone = Swinv2Config(
        image_size=64,
        patch_size=4,
        embed_dim=8,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 2, 2],
        window_size=4,
        out_features=['stage1', 'stage2', 'stage3', 'stage4'],
    )
    config = DPTConfig(
        backbone_config=backbone,
        hidden_size=8,
        image_size=64,
        neck_hidden_sizes=[8, 16, 32, 64],
        fusion_hidden_size=16,
        reassemble_factors=[1, 1, 1, 1],
    )
    return config, _dpt_processor()


def dpt_dinov2() -> tuple[Any, dict]:
    from transformers import Dinov2Config, DPTConfig

    backbone = Dinov2Config(**{**DINOV2, 'apply_layernorm': False})
    config = DPTConfig(
        backbone_config=backbone,
        hidden_size=32,
        neck_hidden_sizes=[8, 8, 16, 16],
        fusion_hidden_size=256,  # the projection of the head knows no other
        add_projection=True,
        use_bias_in_fusion_residual=False,
    )
    return config, _dpt_processor(
        do_resize=False,
        do_rescale=False,
        do_pad=True,
        size_divisor=14,
        image_mean=[123.675, 116.28, 103.53],
        image_std=[58.395, 57.12, 57.375],
    )


def zoedepth(two_heads: bool = False) -> tuple[Any, dict]:
    from transformers import BeitConfig, ZoeDepthConfig

    backbone = BeitConfig(
        image_size=64,
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=64,
        use_relative_position_bias=True,
        reshape_hidden_states=False,
        out_features=['stage1', 'stage2', 'stage3', 'stage4'],
    )
    bins = [{'name': 'nyu', 'n_bins': 16, 'min_depth': 0.001, 'max_depth': 10.0}]
    more: dict[str, Any] = {}
    if two_heads:
        bins.append({'name': 'kitti', 'n_bins': 16, 'min_depth': 0.001, 'max_depth': 80.0})
        more = {
            'num_patch_transformer_layers': 4,
            'patch_transformer_hidden_size': 128,
            'patch_transformer_intermediate_size': 32,
            'patch_transformer_num_attention_heads': 2,
        }
    config = ZoeDepthConfig(
        backbone_config=backbone,
        bin_configurations=bins,
        bottleneck_features=16,
        num_relative_features=8,
        num_attractors=[4, 2, 2, 1],
        bin_embedding_dim=16,
        **NECK,
        **more,
    )
    return config, {
        'image_processor_type': 'ZoeDepthImageProcessor',
        'size': {'height': 64, 'width': 96},
        'keep_aspect_ratio': True,
        'ensure_multiple_of': 32,
        'resample': 2,
        'image_mean': [0.5, 0.5, 0.5],
        'image_std': [0.5, 0.5, 0.5],
    }


def depth_pro(with_field_of_view: bool = True) -> tuple[Any, dict]:
    from transformers import DepthProConfig

    vit = {
        'model_type': 'dinov2',
        'hidden_size': 16,
        'num_hidden_layers': 2,
        'num_attention_heads': 2,
        'mlp_ratio': 2,
        'image_size': 32,
        'patch_size': 8,
        'use_mask_token': False,
        'layerscale_value': 0.5,
    }
    config = DepthProConfig(
        patch_size=32,
        fusion_hidden_size=16,
        intermediate_hook_ids=[1, 0],
        intermediate_feature_dims=[16, 16],
        scaled_images_ratios=[0.5, 1.0],
        scaled_images_overlap_ratios=[0.0, 0.25],
        scaled_images_feature_dims=[16, 16],
        merge_padding_value=1,
        use_fov_model=with_field_of_view,
        num_fov_head_layers=1,
        image_model_config=dict(vit),
        patch_model_config=dict(vit),
        fov_model_config=dict(vit),
    )
    return config, {
        'image_processor_type': 'DepthProImageProcessor',
        'size': {'height': 64, 'width': 64},
        'resample': 2,
        'image_mean': [0.5, 0.5, 0.5],
        'image_std': [0.5, 0.5, 0.5],
    }


def glpn() -> tuple[Any, dict]:
    from transformers import GLPNConfig

    config = GLPNConfig(
        depths=[1, 1, 1, 1],
        hidden_sizes=[16, 32, 32, 64],
        num_attention_heads=[1, 2, 2, 2],
        mlp_ratios=[2, 2, 2, 2],
        decoder_hidden_size=16,
        max_depth=10,
    )
    return config, {
        'image_processor_type': 'GLPNImageProcessor',
        'size_divisor': 32,
        'resample': 2,
    }


def chmv2() -> tuple[Any, dict]:
    from transformers import CHMv2Config

    config = CHMv2Config(
        backbone_config={
            'model_type': 'dinov3_vit',
            'image_size': 64,
            'hidden_size': 32,
            'intermediate_size': 64,
            'num_attention_heads': 2,
            'num_hidden_layers': 4,
            'num_register_tokens': 1,
            'out_indices': [1, 2, 3, 4],
            'reshape_hidden_states': True,
            'apply_layernorm': True,
            'return_class_token': True,
        },
        post_process_channels=[8, 8, 16, 16],
        fusion_hidden_size=16,
        head_hidden_size=8,
        number_output_channels=16,
    )
    return config, {'image_processor_type': 'CHMv2ImageProcessor'}


def tipsv2() -> tuple[Any, dict]:
    from transformers import Tipsv2DptConfig

    config = Tipsv2DptConfig(
        backbone_config={
            'model_type': 'tipsv2_vision_model',
            'image_size': 56,
            'hidden_size': 32,
            'intermediate_size': 64,
            'num_attention_heads': 2,
            'num_hidden_layers': 4,
            'out_indices': [1, 2, 3, 4],
            'reshape_hidden_states': False,
            'apply_layernorm': True,
        },
        num_depth_bins=16,
        **NECK,
    )
    return config, {
        'image_processor_type': 'Tipsv2DptImageProcessor',
        'size': {'height': 56, 'width': 56},
    }


FAMILIES: dict[str, Callable[[], tuple[Any, dict]]] = {
    'depth_anything_relative': depth_anything,
    'depth_anything_metric': lambda: depth_anything('metric', 20),
    'prompt_depth_anything': prompt_depth_anything,
    'dpt_vit': dpt_vit,
    'dpt_hybrid': dpt_hybrid,
    'dpt_beit': dpt_beit,
    'dpt_swinv2': dpt_swinv2,
    'dpt_dinov2': dpt_dinov2,
    'zoedepth_one_head': zoedepth,
    'zoedepth_two_heads': lambda: zoedepth(two_heads=True),
    'depth_pro': depth_pro,
    'glpn': glpn,
    'chmv2': chmv2,
    'tipsv2': tipsv2,
}


def write_checkpoint(folder: Path, made: tuple[Any, dict], seed: int = 0) -> Path:
    """Save a network of this configuration with random weights, and its processor's settings."""
    import torch
    from transformers import AutoModelForDepthEstimation

    config, processor = made
    torch.manual_seed(seed)
    network = AutoModelForDepthEstimation.from_config(config)
    with torch.no_grad():
        for name, value in network.named_parameters():
            if value.ndim >= 2 and 'position' not in name and 'token' not in name:
                last = value.shape[0] == 1
                value.normal_(0, (0.2 if last else 1) * value[0].numel() ** -0.5)
            elif name.endswith('bias'):
                value.uniform_(0, 0.2)
            if name.endswith('bias') and value.numel() == 1:
                value.fill_(1.0)  # the last layer: a ReLU must not leave nothing but zeros
    network.save_pretrained(folder)
    (folder / 'preprocessor_config.json').write_text(json.dumps(processor))
    return folder
