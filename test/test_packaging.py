# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The package as colcon and pip see it."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import depth_ros

ROOT = Path(depth_ros.__file__).resolve().parents[1]
PACKAGE = ROOT / 'depth_ros'

# What may be imported anywhere in the package, and the key of package.xml that brings it.
KEYS = {'numpy': 'python3-numpy', 'cv2': 'python3-opencv', 'yaml': 'python3-yaml'}
# Found when chosen: the package works without, and the error names the line that installs it.
OPTIONAL = {
    'PIL',
    'huggingface_hub',
    'numba',
    'onnx',
    'onnxruntime',
    'openvino',
    'ray',
    'rosgraph_msgs',  # of a part of rclpy
    'ros2doctor',  # it loads the plug-ins, nothing else does
    'safetensors',
    'scipy',
    'tf2_ros',
    'torch',
    'transformers',
    'tqdm',
    'trimesh',  # of viser
    'viser',
}


@pytest.fixture(scope='module')
def manifest() -> ET.Element:
    return ET.parse(ROOT / 'package.xml').getroot()


@pytest.fixture
def setup_arguments(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what setup.py tells setuptools."""
    setuptools = pytest.importorskip('setuptools')
    given: dict[str, Any] = {}
    monkeypatch.setattr(setuptools, 'setup', lambda **arguments: given.update(arguments))
    monkeypatch.chdir(ROOT)
    code = compile((ROOT / 'setup.py').read_text(), 'setup.py', 'exec')
    exec(code, {'__name__': '__main__'})
    return given


def test_one_version_everywhere(manifest: ET.Element, setup_arguments: dict[str, Any]) -> None:
    changelog = (ROOT / 'CHANGELOG.rst').read_text()
    assert setup_arguments['version'] == depth_ros.__version__
    assert manifest.findtext('version') == depth_ros.__version__
    assert depth_ros.__version__ in changelog


def test_manifest_is_valid(manifest: ET.Element) -> None:
    # With an invalid one colcon takes the package for plain Python and ros2 never finds it.
    assert manifest.get('format') == '3'
    assert manifest.findtext('export/build_type') == 'ament_python'
    if find_spec('catkin_pkg') is None:
        pytest.skip('catkin_pkg is not installed')
    from catkin_pkg.package import parse_package

    warnings: list[str] = []
    package = parse_package(str(ROOT / 'package.xml'), warnings=warnings)
    package.validate()
    assert warnings == []


def test_only_setuptools_is_required_outright(setup_arguments: dict[str, Any]) -> None:
    # The ROS packages of apt are unknown to pip: a requirement on them could not be met.
    assert setup_arguments['install_requires'] == ['setuptools']


@pytest.mark.parametrize(
    ('package', 'refused', 'taken'),
    [
        ('opencv-python-headless', ['4.5.5.64', '4.8.0.76', '4.10.0.84', '4.11.0.86'],
         ['4.8.1.78', '4.9.0.80', '4.12.0.88', '4.13.0.92']),
        ('pillow', ['9.5.0', '10.0.0', '10.2.0'], ['10.3.0', '13.0.0']),
        ('PyYAML', ['5.3.1'], ['6.0.4']),
    ],
)  # fmt: skip
def test_decoders_with_known_holes_are_not_installed(
    setup_arguments: dict[str, Any], package: str, refused: list[str], taken: list[str]
) -> None:
    requirements = pytest.importorskip('packaging.requirements')
    extras = setup_arguments['extras_require']
    found = [requirements.Requirement(line) for lines in extras.values() for line in lines]
    ours = [requirement for requirement in found if requirement.name == package]
    assert ours
    for requirement in ours:
        assert not any(requirement.specifier.contains(version) for version in refused)
        assert all(requirement.specifier.contains(version) for version in taken)


def test_everything_beside_the_code_is_installed(setup_arguments: dict[str, Any]) -> None:
    installed = {name for _, names in setup_arguments['data_files'] for name in names}
    beside = {
        str(path.relative_to(ROOT))
        for folder in ('launch', 'config')
        for path in (ROOT / folder).rglob('*')
        if path.is_file()
    }
    assert beside | {'package.xml', 'resource/depth_ros'} == installed


def test_every_folder_with_code_is_a_package(setup_arguments: dict[str, Any]) -> None:
    folders = {path.parent.relative_to(ROOT) for path in PACKAGE.rglob('*.py')}
    assert {'.'.join(folder.parts) for folder in folders} == set(setup_arguments['packages'])


def test_every_command_has_a_main(setup_arguments: dict[str, Any]) -> None:
    for line in setup_arguments['entry_points']['console_scripts']:
        _, _, target = line.partition(' = ')
        module, function = target.split(':')
        tree = ast.parse((ROOT / module.replace('.', '/')).with_suffix('.py').read_text())
        assert function in {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}, line


def imported_names() -> Iterator[tuple[str, str]]:
    """Yield the name of every foreign package that the code imports, and where."""
    for path in PACKAGE.rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names = [node.module]
            for name in names:
                top = name.split('.')[0]
                if top not in sys.stdlib_module_names and top != 'depth_ros':
                    yield top, str(path.relative_to(ROOT))


def test_every_import_is_declared(manifest: ET.Element) -> None:
    declared = {element.text for element in manifest.iter('exec_depend')}
    undeclared = {
        (name, where)
        for name, where in imported_names()
        if name not in OPTIONAL and KEYS.get(name, name) not in declared
    }
    assert undeclared == set()


@pytest.mark.parametrize(
    'script',
    ['scripts/bench', 'scripts/demo', 'scripts/test', 'scripts/environment.sh', '.ci/run'],
)
def test_scripts_are_well_formed(script: str) -> None:
    path = ROOT / script
    subprocess.run(['bash', '-n', str(path)], check=True)
    assert os.access(path, os.X_OK) == (path.suffix != '.sh')


def test_a_python_whose_path_has_a_space_is_taken(tmp_path: Path) -> None:
    python = tmp_path / 'my python' / 'python3'
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    done = subprocess.run(
        ['bash', '-c', '. scripts/environment.sh; find_python'],
        cwd=ROOT,
        env={**os.environ, 'PYTHON': str(python)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, str(python)), done.stderr


def copy_of_the_tree(folder: Path) -> Path:
    """Return a copy without environments and build products, to build in."""
    ignored = shutil.ignore_patterns('.*', 'build', 'install', 'log', '*.egg-info', 'demo_out')
    return Path(shutil.copytree(ROOT, folder / 'src' / 'depth_ros', ignore=ignored))


def clean_environment(**extra: str) -> dict[str, str]:
    """Return an environment in which a copy of the package can be run instead of this one."""
    names = (
        'PYTHONPATH',
        'AMENT_PREFIX_PATH',
        'LD_LIBRARY_PATH',
        '_ROS_WHEELS_BOOTSTRAP_COMPLETE',
    )
    return {**{k: v for k, v in os.environ.items() if k not in names}, **extra}


@pytest.mark.slow
def test_pip_installs_commands_and_share(tmp_path: Path) -> None:
    pytest.importorskip('setuptools', minversion='70.1')  # makes wheels by itself from then on
    source, prefix = copy_of_the_tree(tmp_path), tmp_path / 'prefix'
    command = [sys.executable, '-m', 'pip', 'install', '--no-deps', '--no-build-isolation']
    command += ['--no-index', '--no-warn-script-location', '--ignore-installed']
    done = subprocess.run(
        [*command, '--prefix', str(prefix), str(source)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=clean_environment(),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    commands = {path.name for path in (prefix / 'bin').iterdir()}
    assert {'depth_ros', 'mono_depth', 'stereo_depth'} <= commands
    assert not (prefix / 'lib' / 'depth_ros').exists()
    share = prefix / 'share' / 'depth_ros'
    assert (share / 'config' / 'fastdds_large_data.xml').is_file()
    assert (share / 'launch' / 'mono.launch.py').is_file()
    assert (prefix / 'share/ament_index/resource_index/packages/depth_ros').is_file()
    site = next(prefix.glob('lib/python*/site-packages'))
    done = subprocess.run(
        [str(prefix / 'bin' / 'depth_ros'), '--version'],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=clean_environment(PYTHONPATH=str(site)),
    )
    assert done.stdout.split() == ['depth_ros', depth_ros.__version__], done.stderr


@pytest.mark.slow
def test_colcon_builds_an_ament_package(tmp_path: Path) -> None:
    pytest.importorskip('colcon_ros')
    copy_of_the_tree(tmp_path)
    colcon = [sys.executable, '-m', 'colcon']
    environment = clean_environment()
    done = subprocess.run(
        [*colcon, 'build'], capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    prefix = tmp_path / 'install' / 'depth_ros'
    # Where `ros2 run` and `ros2 launch` look.
    libexec = prefix / 'lib' / 'depth_ros'
    assert {'depth_ros', 'mono_depth', 'stereo_depth'} <= {p.name for p in libexec.iterdir()}
    assert (prefix / 'share' / 'ament_index/resource_index/packages/depth_ros').is_file()
    # Only the type ros.ament_python has this hook; plain Python packages are not found by ros2.
    assert (prefix / 'share' / 'depth_ros' / 'hook' / 'ament_prefix_path.sh').is_file()
    installed = {p.name for p in (prefix / 'share' / 'depth_ros' / 'config').iterdir()}
    assert installed == {p.name for p in (ROOT / 'config').iterdir()}
    # The built command runs in the environment that colcon sets up, and finds its own files.
    code = 'from depth_ros.files.share import share_directory; print(share_directory())'
    found = subprocess.run(
        ['sh', '-c', f'. install/setup.sh && "$0" -c "{code}"', sys.executable],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
    )
    assert found.stdout.strip() == str(prefix / 'share' / 'depth_ros'), found.stderr
