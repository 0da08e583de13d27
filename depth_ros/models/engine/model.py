# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The base of models whose network is executed by a Runtime."""

from __future__ import annotations

from depth_ros.models.engine.runtime import Runtime
from depth_ros.models.protocol import ModelBase, ModelError


class RuntimeModel(ModelBase):
    """A model that holds a runtime until it is closed."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime: Runtime | None = runtime

    def describe(self) -> str:
        """Return how the network runs, for diagnostics and benchmarks."""
        return '' if self._runtime is None else self._runtime.describe()

    def close(self) -> None:
        if self._runtime is not None:
            self._runtime.close()
            self._runtime = None

    def _open_runtime(self) -> Runtime:
        if self._runtime is None:
            raise ModelError(f'{self.info.name} was closed; make the model again')
        return self._runtime
