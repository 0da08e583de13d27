# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Any hub id or folder with a depth model of a family that this package has an adapter for."""

from __future__ import annotations

from depth_ros.models.mono.hf.model import TransformersModel, TransformersOptions, open_model
from depth_ros.models.protocol import Family
from depth_ros.models.weights import hub, verify


def accepts(name: str) -> bool:
    """Return whether a name is a folder with a configuration, or reads as owner/name."""
    return verify.is_folder(name) or hub.is_hub_id(name)


def create(name: str, options: TransformersOptions) -> TransformersModel:
    """Load a model that the catalogue does not name."""
    return open_model(name, options)


FAMILY = Family(names={}, config=TransformersOptions, create=create, accepts=accepts)
