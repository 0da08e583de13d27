# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Any hub id or folder with a depth model of a family that this package has an adapter for."""

from __future__ import annotations

from depth_ros.models import checkpoint
from depth_ros.models.base import Family
from depth_ros.models.transformers_model import TransformersModel, TransformersOptions, open_model


def accepts(name: str) -> bool:
    """Return whether a name is a folder with a configuration, or reads as owner/name."""
    return checkpoint.is_folder(name) or checkpoint.is_hub_id(name)


def create(name: str, options: TransformersOptions) -> TransformersModel:
    """Load a model that the catalogue does not name."""
    return open_model(name, options)


FAMILY = Family(names={}, config=TransformersOptions, create=create, accepts=accepts)
