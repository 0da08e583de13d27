# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Compare networks with the authors' outputs: `python -m depth_ros.lab.parity`."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from depth_ros.lab.parity.case import case_of
from depth_ros.lab.parity.compare import compare, read_golden
from depth_ros.types import DepthError


def main(arguments: list[str] | None = None) -> int:
    """Compare one case, or every case of a folder; return 0 when all outputs hold."""
    parser = argparse.ArgumentParser(prog='python -m depth_ros.lab.parity', description=__doc__)
    parser.add_argument('golden', type=Path, help='NAME.json, or a folder of goldens')
    parser.add_argument('case', type=Path, nargs='?', help='NAME.CASE.npz; default: all beside it')
    parser.add_argument('--json', action='store_true', help='print one JSON object')
    given = parser.parse_args(arguments)
    try:
        results = [result for pair in _pairs(given.golden, given.case) for result in _run(*pair)]
    except (DepthError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    if not results:
        print(f'error: {given.golden} holds no NAME.json with a NAME.CASE.npz', file=sys.stderr)
        return 2
    if given.json:
        print(json.dumps(results[0] if given.case else results, indent=1))
    else:
        _print(results)
    failed = any(result['status'] == 'differs' for result in results)
    missing = given.case is not None and results[0]['status'] == 'no network'
    return 1 if failed or missing else 0


def _pairs(golden: Path, case: Path | None) -> list[tuple[Path, Path]]:
    if case is not None:
        return [(golden, case)]
    goldens = sorted(golden.glob('*.json')) if golden.is_dir() else [golden]
    return [(one, npz) for one in goldens for npz in sorted(one.parent.glob(f'{one.stem}.*.npz'))]


def _run(golden: Path, npz: Path) -> list[dict[str, Any]]:
    spec = read_golden(golden)
    case = case_of(spec['name'])
    result: dict[str, Any] = {'name': spec['name'], 'case': npz.name, 'status': 'no network'}
    if case is None:
        return [result]
    with np.load(npz, allow_pickle=False) as arrays:
        rows = compare(case, spec, dict(arrays), golden.parent)
    result['status'] = 'holds' if all(row.holds for row in rows) else 'differs'
    result['outputs'] = [{**asdict(row), 'holds': row.holds} for row in rows]
    return [result]


def _print(results: list[dict[str, Any]]) -> None:
    for result in results:
        print(f'{result["status"]:<10}  {result["case"]}')
        for row in result.get('outputs', ()):
            mark = ' ' if row['holds'] else '!'
            figures = f'error {row["error"]:.3g} allowed {row["allowed"]:.3g}'
            print(f'  {mark} {row["output"]:<36} {figures}')


if __name__ == '__main__':
    sys.exit(main())
