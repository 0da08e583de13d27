# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The commit of each published checkpoint that this version was written for.

A commit cannot change, a branch can. A repository without an entry is taken from its main branch.
Every commit named holds safetensors; where the main branch holds pickled weights only, it is that
of a conversion by the hub, or the place of one.
"""

from __future__ import annotations

from collections.abc import Mapping

from depth_ros.models.weights.source import Hub

REVISIONS: Mapping[str, str] = {
    'LiheYoung/depth-anything-small-hf': '25216a913fa218ccb7d58cce818d52b728b6c1f6',
    'LiheYoung/depth-anything-base-hf': 'fbce2ff06a429af8a3fdb9296c6a922a37e43482',
    'LiheYoung/depth-anything-large-hf': '27ccb0920352c0c37b3a96441873c8d37bd52fb6',
    'depth-anything/Depth-Anything-V2-Small-hf': '5426e4f0f36572d16453bbda7a8389317b1bef99',
    'depth-anything/Depth-Anything-V2-Base-hf': 'b1958afc87fb45a9e3746cb387596094de553ed8',
    'depth-anything/Depth-Anything-V2-Large-hf': '7581137eff8d4e94f6e796d3baea0e9fa79b22d2',
    'depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf': (
        '8078d68a9c75a972131914f6afd0c1723be0da7f'
    ),
    'depth-anything/Depth-Anything-V2-Metric-Indoor-Base-hf': (
        'c6d9784685727bfc6d0a7b5452ce94afaee1e7f5'
    ),
    'depth-anything/Depth-Anything-V2-Metric-Indoor-Large-hf': (
        'd2fc6a93601aabb1139a3bf0ebfcb4e89c67817f'
    ),
    'depth-anything/Depth-Anything-V2-Metric-Outdoor-Small-hf': (
        'fd2c22027eaf20374204f14099b8341e1925ad39'
    ),
    'depth-anything/Depth-Anything-V2-Metric-Outdoor-Base-hf': (
        '5b575fded0346068343a6d96d0ce3ab6dbc9fb49'
    ),
    'depth-anything/Depth-Anything-V2-Metric-Outdoor-Large-hf': (
        '4eab4cf1983c2801c515804005214de56a4b67cc'
    ),
    'depth-anything/prompt-depth-anything-vits-hf': '6f3768a5383d95a904ec00d2a7ca3bd186f8797e',
    'apple/DepthPro-hf': 'de816c8ce7168afcb231f96d501d72b869d0beda',
    'Intel/dpt-large': 'bc15f29aa3a80d532f2ed650b5e16ac48d8958f9',
    'Intel/dpt-hybrid-midas': 'refs/pr/5',  # a conversion
    'Intel/dpt-beit-base-384': 'f609b939ceda1ed6309d95d5180b323d27cd6828',
    'Intel/dpt-beit-large-384': '2f1cf99842f19a286657ec1eb8dc6120fa79ef69',
    'Intel/dpt-beit-large-512': 'ead58c150f1fcebca5de8edc0fbc80a947572243',
    'Intel/dpt-swinv2-tiny-256': 'f7f350e1a10a5ea58671b68ab5f49dc18ec00483',
    'Intel/dpt-swinv2-base-384': 'eeea6391bff1ac346bf260290c26cc9e0cd04b50',
    'Intel/dpt-swinv2-large-384': '2563fd168a32ae8d8efb6de3c6fdd1f156c703d8',
    'Intel/zoedepth-nyu': '52ae69caf7896c927909b3ceab4249c235e16dc1',
    'Intel/zoedepth-kitti': '0347db85b019f309d5544c70ad2ac998ad570899',
    'Intel/zoedepth-nyu-kitti': 'f364d4c7936e91f465abba182208dd68142bf0ca',
    'facebook/dpt-dinov2-small-kitti': 'ae22d4d5332a62d4c6a24bf75ba8e77391c4238b',
    'facebook/dpt-dinov2-base-nyu': '3723e9f266255a1d75debb4fa5f98b62df9ba83d',  # a conversion
    'facebook/dpt-dinov2-base-kitti': 'refs/pr/4',  # a conversion
    'facebook/dpt-dinov2-large-nyu': '1849919ae0a586119ac9b77f54bdfa370e570387',  # a conversion
    'facebook/dpt-dinov2-large-kitti': 'refs/pr/2',  # a conversion
    'vinvino02/glpn-nyu': 'cb8ce03174424af9a3315da175ead88667f0578c',
    'vinvino02/glpn-kitti': '9768169a36469e37109f209410348e9f182dbc75',  # a conversion
}


def published(repository: str) -> Hub:
    """Return where a published checkpoint is, at the commit that this version was written for."""
    return Hub(repository, REVISIONS.get(repository, 'main'))
