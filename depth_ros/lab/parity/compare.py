# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Run a network on stored inputs and compare with stored outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from depth_ros.lab.parity.case import Case, Tolerance
from depth_ros.lab.parity.fill import checksum, filled_state
from depth_ros.types import DepthError

TIMES_NOISE = 10.0
WITHOUT_NOISE = 1e-4  # of the range of the output, where the golden states no noise


@dataclass(frozen=True)
class Row:
    """One output, compared."""

    output: str
    error: float
    """The largest absolute error, of the share of the values that must hold."""
    allowed: float

    @property
    def holds(self) -> bool:
        return self.error <= self.allowed


def read_golden(path: Path) -> dict[str, Any]:
    """Return the parsed JSON of a golden."""
    try:
        spec = json.loads(path.read_text('utf-8'))
    except (OSError, ValueError) as error:
        raise DepthError(f'{path} cannot be read as a golden ({error}); give NAME.json') from error
    if not isinstance(spec, dict) or 'name' not in spec:
        raise DepthError(f'{path} has no `name`, expected a golden; give NAME.json')
    return spec


def loaded_network(case: Case, spec: Mapping[str, Any], folder: Path) -> Any:
    """Return the network with the weights of the golden."""
    network = case.build(spec.get('config', {}))
    if case.load is not None:
        case.load(network, spec, folder)
    elif spec.get('params'):
        fill_network(network, case, spec)
    return network


def fill_network(network: Any, case: Case, spec: Mapping[str, Any]) -> None:
    """Load the weights that the recipe gives; names and shapes must be the official ones."""
    state = filled_state(spec)
    if checksum(state) != spec['weights_crc32']:
        raise DepthError(
            f'the weights of {spec["name"]} have crc32 {checksum(state)}, expected '
            f'{spec["weights_crc32"]}; the golden and the recipe do not belong together'
        )
    renamed = {case.key(key): torch.from_numpy(value) for key, value in state.items()}
    mapped = {key: value for key, value in renamed.items() if key is not None}
    report = network.load_state_dict(mapped, strict=False)
    missing = [key for key in report.missing_keys if not key.endswith('num_batches_tracked')]
    if missing or report.unexpected_keys:
        raise DepthError(
            f'{spec["name"]}: the network lacks {report.unexpected_keys[:3]} and has '
            f'{missing[:3]} besides the official names; correct the network or its key map'
        )


def compare(
    case: Case, spec: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]], folder: Path
) -> list[Row]:
    """Return one row per stored output."""
    network = loaded_network(case, spec, folder)
    inputs = {
        key.removeprefix('in_'): torch.from_numpy(value)
        for key, value in arrays.items()
        if key.startswith('in_')
    }
    with torch.inference_mode():
        outputs = case.run(network, inputs)
    rows = []
    for key, wanted in arrays.items():
        if key.startswith('out_'):
            name = key.removeprefix('out_')
            rows.append(
                _row(name, wanted, outputs.get(name), _tolerance(case, spec, name, wanted))
            )
    return rows


def _row(name: str, wanted: npt.NDArray[Any], got: Any, tolerance: Tolerance) -> Row:
    if got is None:
        return Row(f'{name} (not returned)', float('inf'), tolerance.limit)
    values = np.asarray(got.detach().float().cpu() if torch.is_tensor(got) else got, np.float64)
    if values.shape != wanted.shape:
        shapes = f'{name} (shape {values.shape}, expected {wanted.shape})'
        return Row(shapes, float('inf'), tolerance.limit)
    difference = np.abs(values - wanted.astype(np.float64))
    difference[~np.isfinite(difference)] = np.inf
    if tolerance.share < 1:
        error = np.quantile(difference, tolerance.share, method='higher')
    else:
        error = difference.max(initial=0.0)
    return Row(name, float(error), tolerance.limit)


def _tolerance(
    case: Case, spec: Mapping[str, Any], name: str, wanted: npt.NDArray[Any]
) -> Tolerance:
    if name in case.tolerances:
        return case.tolerances[name]
    stated = spec['cases']['A']['outputs'][name]  # measured once, and used for every case
    noise = [
        stated[key] for key in ('fp32_vs_fp64_maxabs', 'other_backend_maxabs') if key in stated
    ]
    if noise:
        return Tolerance(TIMES_NOISE * max(noise))
    return Tolerance(WITHOUT_NOISE * float(np.ptp(wanted)))
