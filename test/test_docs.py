# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the documentation says is there, is there."""

from __future__ import annotations

import argparse
import importlib
import itertools
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import depth_ros
from depth_ros.cli.main import COMMANDS, main
from depth_ros.files.calibration import write_camera
from depth_ros.lab.synthetic import make_scene, render
from depth_ros.lab.synthetic.scene.views import Mount, sample_pose
from depth_ros.nodes.camera_drivers import arguments_of
from depth_ros.nodes.launching import COMMON
from depth_ros.nodes.parameters.specs import MONO, MULTI, STEREO, model_options
from depth_ros.types import Camera

ROOT = Path(depth_ros.__file__).resolve().parents[1]
PAGES = [*ROOT.glob('*.md'), *(ROOT / 'docs').glob('*.md')]

NODES = {'mono_depth': MONO, 'stereo_depth': STEREO, 'multi_view_depth': MULTI}

each_page = pytest.mark.parametrize('page', PAGES, ids=lambda p: str(p.relative_to(ROOT)))


def anchors(page: Path) -> set[str]:
    """Return the anchors that a Markdown page offers for its headings."""
    headings = re.findall(r'^#+ (.+)$', page.read_text(), flags=re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', h.lower()).replace(' ', '-') for h in headings}


def commands(page: Path) -> list[list[str]]:
    """Return the shell commands of a page's code blocks, in words."""
    blocks = re.findall(r'```bash\n(.*?)```', page.read_text(), flags=re.DOTALL)
    lines = '\n'.join(blocks).replace('\\\n', ' ').splitlines()
    return [shlex.split(line, comments=True) for line in lines]


@pytest.mark.parametrize(
    'page', [*PAGES, ROOT / 'bench' / 'RESULTS.md'], ids=lambda p: str(p.relative_to(ROOT))
)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r'\]\(([^)]+)\)', page.read_text()):
        if '://' in target:
            continue
        name, _, anchor = target.partition('#')
        found = page.parent / name if name else page
        assert found.exists(), f'{target} does not exist'
        assert not anchor or anchor in anchors(found), f'{target} has no such heading'


@each_page
def test_tables_of_contents_have_even_rows(page: Path) -> None:
    # A `|` inside a cell would break the row in two.
    width = None
    for line in page.read_text().splitlines():
        if not line.startswith('|'):
            width = None
            continue
        cells = len(re.findall(r'(?<!\\)\|', line))
        assert width in (None, cells), line
        width = cells


@each_page
def test_launch_commands_use_existing_arguments(page: Path) -> None:
    for words in commands(page):
        if words[:3] != ['ros2', 'launch', 'depth_ros']:
            continue
        tables = runpy.run_path(str(ROOT / 'launch' / words[3]))
        if 'DRIVER' in tables:
            known = set(arguments_of(tables['DRIVER']))
        else:
            known = {'name', *COMMON, *tables['INPUTS'], *tables['OUTPUTS']}
        given = [word.split(':=')[0] for word in words[4:] if ':=' in word]
        assert set(given) <= known, words


@each_page
def test_node_commands_use_existing_parameters(page: Path) -> None:
    for words in commands(page):
        if '--ros-args' not in words:
            continue
        specs = NODES[next((word for word in words if word in NODES), 'mono_depth')]
        known = {spec.name for spec in specs}
        given = [b.split(':=') for a, b in itertools.pairwise(words) if a == '-p']
        model = dict(given).get('model', next(s.default for s in specs if s.name == 'model'))
        cameras = dict(given).get('cameras', '').split(',')
        known |= {f'{camera}.{spec.name}' for camera in cameras for spec in specs}
        known |= {spec.name for spec in model_options(str(model))}
        assert {name for name, _ in given} <= known, words


@each_page
def test_depth_ros_commands_exist(page: Path) -> None:
    for words in commands(page):
        for prefix in (['depth_ros'], ['ros2', 'run', 'depth_ros', 'depth_ros']):
            if words[: len(prefix)] == prefix and len(words) > len(prefix):
                name = words[len(prefix)]
                assert name in COMMANDS or name == 'COMMAND' or name.startswith('-'), words


PREFIXES = (
    ['depth_ros'],
    ['python', '-m', 'depth_ros'],
    ['ros2', 'run', 'depth_ros', 'depth_ros'],
)


def command_of(words: list[str]) -> list[str] | None:
    """Return the arguments of a `depth_ros` command, None for another command."""
    if '|' in words:
        words = words[: words.index('|')]
    for prefix in PREFIXES:
        if words[: len(prefix)] == prefix:
            given = words[len(prefix) :]
            return given if given and given[0] in COMMANDS and '...' not in given else None
    return None


@each_page
def test_depth_ros_commands_have_the_arguments_that_are_given(page: Path) -> None:
    for words in commands(page):
        if (given := command_of(words)) is None:
            continue
        parser = argparse.ArgumentParser(prog=' '.join(words), exit_on_error=False)
        importlib.import_module(f'depth_ros.cli.{given[0]}').add_arguments(parser)
        try:
            parser.parse_args(given[1:])
        except SystemExit:
            pytest.fail(' '.join(words))


# Commands on files of their own, without a download: run as they are written.
INFER = [
    pytest.param(given, id=' '.join(given[1:]))
    for page in PAGES
    for words in commands(page)
    if (given := command_of(words)) and given[0] == 'infer' and 'DIR' not in given
    if not any(word.endswith('.npy') for word in given)
    if '--model' not in given or given[given.index('--model') + 1] in ('floor', 'sgbm')
    if sum(word.endswith(('.png', '.jpg')) for word in given) <= 2
]


@pytest.mark.parametrize('given', INFER)
def test_infer_runs_as_written(given: list[str], tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    texture = np.random.default_rng(0).integers(0, 256, (120, 330, 3), np.uint8)
    if '--camera-height' in given:  # a floor must be seen
        height, pitch = (
            float(given[given.index(name) + 1]) for name in ('--camera-height', '--camera-pitch')
        )
        scene = make_scene('corridor', 3)
        pose = sample_pose(scene, np.random.default_rng(0), Mount(height, pitch, 0.0))
        texture = render(scene, Camera.pinhole(640, 480, 600.0), pose).image[..., ::-1]
    files = {word for word in given if word.endswith(('.png', '.jpg'))}
    for name in files:
        shift = 8 if name == given[given.index('--right') + 1 if '--right' in given else 0] else 0
        wide = texture.shape[1] - 10
        cv2.imwrite(name, np.ascontiguousarray(texture[:, shift : shift + wide]))
    for name in {word for word in given if word.endswith('.yaml')}:
        right = '--right-camera' in given and name == given[given.index('--right-camera') + 1]
        write_camera(Camera.pinhole(320, 120, 260.0, baseline=0.12 if right else 0.0), name)
    assert main(given) == 0
    out = Path(given[given.index('--out') + 1] if '--out' in given else 'infer_out')
    assert np.isfinite(np.load(out / 'depth.npy')).mean() > 0.3


def test_the_models_command_runs_as_written(capsys: Any) -> None:
    assert main(['models']) == 0
    assert 'da3-small' in capsys.readouterr().out


@pytest.mark.parametrize('page', ['docs/eval.md', 'docs/synthetic.md'])
def test_python_of_the_pages_runs(page: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    if page == 'docs/eval.md':
        few = ['--frames', '1', '--per-sequence', '1', '--jobs', '1', '--out', 'DIR']
        assert main(['synth', '--width', '160', '--height', '120', *few]) == 0
    for code in re.findall(r'```python\n(.*?)```', (ROOT / page).read_text(), re.DOTALL):
        exec(code, {})


@each_page
def test_scripts_exist(page: Path) -> None:
    for words in commands(page):
        if words and words[0].startswith('scripts/'):
            assert (ROOT / words[0]).is_file(), words


def test_derived_files_agree_with_the_declarations() -> None:
    pytest.importorskip('rclpy')
    done = subprocess.run(
        [sys.executable, str(ROOT / 'scripts' / 'write_reference.py'), '--check'],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_sources_carry_their_licence() -> None:
    folders = ('depth_ros', 'launch', 'scripts', 'test', 'bench')
    sources = [*ROOT.glob('*.py'), *(p for f in folders for p in (ROOT / f).rglob('*.py'))]
    line = 'SPDX-License-Identifier: Apache-2.0'
    assert len(sources) > 50
    assert [p for p in sources if line not in p.read_text()[:300]] == []


def test_readme_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A wall that is seen 20 px apart: Z = 420 px * 0.12 m / 20 px.
    texture = np.random.default_rng(0).integers(0, 256, (480, 700), np.uint8)
    cv2.imwrite(str(tmp_path / 'left.png'), texture[:, :640])
    cv2.imwrite(str(tmp_path / 'right.png'), texture[:, 20:660])
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r'```python\n(.*?)```', (ROOT / 'README.md').read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    assert np.nanmedian(names['frame'].depth) == pytest.approx(2.52, rel=1e-3)


def test_readme_shows_an_image_that_is_small() -> None:
    images = re.findall(r'!\[[^\]]+\]\(([^)]+)\)', (ROOT / 'README.md').read_text())
    assert images
    assert all((ROOT / p).stat().st_size < 600_000 for p in images)
