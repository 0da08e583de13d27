# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The law of imports: which room may know which, and that listing things loads nothing heavy."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Set
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / 'depth_ros'

LEARNING = {'torch', 'transformers', 'safetensors', 'huggingface_hub', 'onnxruntime', 'tqdm'}
MESSAGES = {
    *('sensor_msgs', 'stereo_msgs', 'std_msgs', 'geometry_msgs', 'nav_msgs', 'builtin_interfaces'),
}
# Chosen between with their stand-ins by libraries.py, and nowhere else.
CHOSEN = {'cv_bridge', 'message_filters', 'sensor_msgs_py', 'tf2_ros'}
BASE = {'numpy', 'cv2'}


class Law(NamedTuple):
    """What a room may import when it is imported, and inside its functions besides."""

    rooms: Set[str]  # of this package; a room includes the rooms inside it
    at_once: Set[str]
    when_asked: Set[str] = frozenset()


MODEL_ROOMS = {
    *('types', 'geometry', 'files', 'models/protocol', 'models/options'),
    *('models/weights', 'models/engine', 'models/networks'),
}
LAB = {'types', 'geometry', 'files', 'metric', 'models', 'pipeline'}

# The longest room that a file lies in decides. Every arrow points to a room that stands above.
LAWS = {
    '__init__.py': Law({'threads'}, set()),
    'threads.py': Law(set(), set()),
    'types.py': Law(set(), {'numpy'}),
    'geometry': Law({'types'}, BASE, {'numba', 'PIL'}),
    'files': Law({'types', 'geometry'}, {*BASE, 'yaml'}),
    'messages': Law(
        {'types', 'geometry', 'files'},
        {*BASE, *MESSAGES},
        {'point_cloud_interfaces', 'diagnostic_msgs', 'zstandard', 'DracoPy', 'compression'},
    ),
    'metric': Law({'types', 'geometry'}, BASE),
    'models/__init__.py': Law(set(), set()),
    'models/protocol.py': Law({'types', 'models/weights/source'}, set()),
    'models/options.py': Law({'types', 'models/protocol'}, set()),
    'models/weights/source.py': Law(set(), set()),
    'models/weights': Law(
        {'types', 'files', 'models/protocol'},
        {'numpy'},
        {'torch', 'safetensors', 'huggingface_hub'},
    ),
    'models/engine': Law(
        {'types', 'geometry', 'models/protocol', 'models/options'}, BASE, {'torch', 'PIL'}
    ),
    'models/networks': Law({'types'}, {*BASE, 'torch'}),
    'models/mono': Law(MODEL_ROOMS, BASE, {'torch', 'transformers', 'safetensors'}),
    'models/stereo': Law(MODEL_ROOMS, BASE, {'torch'}),
    'models/multi_view': Law(MODEL_ROOMS, BASE, {'torch'}),
    'models/registry.py': Law({'types', 'models'}, set()),
    'pipeline.py': Law({'types', 'files', 'geometry', 'metric', 'models/protocol'}, BASE),
    'sync.py': Law({'types'}, set()),
    'sync_filters.py': Law({'sync'}, set(), {'message_filters', 'builtin_interfaces'}),
    'libraries.py': Law(
        {'types', 'messages', 'sync', 'sync_filters'},
        {'numpy'},
        {*CHOSEN, 'sensor_msgs', 'std_msgs', 'diagnostic_msgs'},
    ),
    'shots.py': Law({'types', 'geometry/camera', 'messages', 'libraries'}, {'numpy'}),
    'nodes': Law(
        {
            *('types', 'threads', 'geometry', 'files', 'messages', 'metric', 'models'),
            *('pipeline', 'shots', 'libraries', 'sync'),
        },
        {'numpy', 'yaml', 'rclpy', 'rcl_interfaces', *MESSAGES},
        {'ament_index_python', 'launch', 'launch_ros', 'diagnostic_msgs', 'bond', 'std_srvs'},
    ),
    # What a node publishes and which parameters it takes is known without rclpy.
    'nodes/output': Law(
        {'types', 'geometry', 'files', 'messages', 'pipeline', 'nodes/parameters/spec'}, {'numpy'}
    ),
    'nodes/parameters/spec.py': Law({'types'}, set()),
    'nodes/parameters/scaling.py': Law(
        {'types', 'geometry', 'metric', 'nodes/parameters/spec'}, {'numpy'}
    ),
    'nodes/parameters/specs.py': Law(
        {
            *('types', 'models', 'pipeline', 'nodes/output', 'nodes/parameters/spec'),
            'nodes/parameters/scaling',
        },
        set(),
    ),
    'reprocess': Law(
        {
            *('types', 'threads', 'geometry', 'files', 'messages', 'models', 'pipeline'),
            *('shots', 'libraries', 'nodes/output', 'nodes/parameters/spec'),
            'nodes/parameters/specs',
        },
        BASE,
        {'ray'},
    ),
    'doctor': Law({'types', 'geometry', 'messages', 'files'}, {'numpy'}),
    # What looks at the graph; the checks on what was seen know no ROS.
    **dict.fromkeys(
        ('doctor/graph.py', 'doctor/listening.py', 'doctor/parameters.py'),
        Law(
            {'types', 'files', 'messages', 'libraries', 'doctor'},
            {'rclpy', 'rcl_interfaces', 'lifecycle_msgs', 'sensor_msgs'},
            {'rosgraph_msgs', 'tf2_msgs', 'diagnostic_msgs'},
        ),
    ),
    # The plug-ins of `ros2 doctor`, imported by it.
    'doctor/ros2doctor.py': Law({'doctor'}, {'ros2doctor'}),
    'viewer': Law(
        {
            *('types', 'geometry', 'files', 'messages', 'pipeline', 'shots', 'reprocess'),
            'nodes/parameters/spec',
        },
        BASE,
        {'viser', 'trimesh'},
    ),
    'lab/__init__.py': Law(set(), set()),
    'lab/synthetic': Law({'types', 'geometry', 'files'}, BASE),
    'lab/eval': Law({*LAB, 'messages', 'shots', 'reprocess'}, BASE, {'scipy'}),
    'lab/train': Law(
        {*LAB, 'lab/synthetic', 'lab/eval'},
        {*BASE, 'torch', 'safetensors', 'yaml'},
        {'tqdm', 'onnx'},
    ),
    'lab/parity': Law({'types', 'models'}, {'numpy', 'torch'}),
    'cli': Law({'*'}, {*BASE, 'yaml'}, {'*'}),
    '__main__.py': Law({'cli'}, set()),
}
MODULES = sorted(PACKAGE.rglob('*.py'))


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return max(
        (room for room in LAWS if parts[: room.count('/') + 1] == tuple(room.split('/'))),
        key=len,
        default=parts[0],
    )


class Import(NamedTuple):
    name: str  # dotted
    line: int
    at_once: bool  # when the module is imported, or later inside a function


def imports_of(
    tree: ast.AST, path: Path, at_once: bool = True, types_too: bool = False
) -> Iterator[Import]:
    """Yield the imports of a module; those for the type checker only where they are wanted."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, at_once) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f'{path}:{node.lineno}: relative import; write it in full'
            module = node.module or ''
            # `from depth_ros import libraries` names a module in what follows the import.
            package = (PACKAGE.parent / module.replace('.', '/') / '__init__.py').exists()
            names = [a.name for a in node.names] if package else ['']
            yield from (Import(f'{module}.{n}'.rstrip('.'), node.lineno, at_once) for n in names)
        elif isinstance(node, ast.Call):
            function = ast.unparse(node.func)
            literal = node.args and isinstance(node.args[0], ast.Constant)
            if literal and function.split('.')[-1] in ('import_module', '__import__'):
                yield Import(str(node.args[0].value), node.lineno, at_once)
        checking = isinstance(node, ast.If) and ast.unparse(node.test).endswith('TYPE_CHECKING')
        if checking and not types_too:
            continue
        later = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        yield from imports_of(node, path, at_once and not later, types_too)


@pytest.mark.parametrize('path', MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_the_law_of_imports(path):
    room = room_of(path)
    assert room in LAWS, f'{room} is a new room: give it a law here and a row in the docs'
    law = LAWS[room]
    for found in imports_of(ast.parse(path.read_text('utf-8')), path):
        top, *rest = found.name.split('.')
        where = f'{path.relative_to(REPOSITORY)}:{found.line}: {room} may not import {found.name}'
        if top == 'depth_ros':
            other = '/'.join(rest)
            own = room.removesuffix('.py').removesuffix('/__init__')
            allowed_rooms = {own, '__version__', *law.rooms}
            if other and '*' not in law.rooms:
                assert any(f'{other}/'.startswith(f'{r}/') for r in allowed_rooms), where
        elif top not in sys.stdlib_module_names:
            allowed = law.at_once if found.at_once else law.at_once | law.when_asked
            assert top in allowed or ('*' in law.when_asked and not found.at_once), where + (
                ' when it is imported' if top in law.when_asked else ''
            )


def test_the_walk_sees_every_kind_of_import():
    source = """
import numpy as np
from depth_ros import types, pipeline
if TYPE_CHECKING:
    import rclpy
try:
    import yaml.parser
except ImportError:
    pass
def later():
    import torch
    importlib.import_module('cv_bridge')
class Now:
    from cv2 import remap
    later = lambda: __import__('scipy')
"""
    found = {(i.name, i.at_once) for i in imports_of(ast.parse(source), Path('example.py'))}
    assert found == {
        ('numpy', True),
        ('depth_ros.types', True),
        ('depth_ros.pipeline', True),
        ('yaml.parser', True),
        ('torch', False),
        ('cv_bridge', False),
        ('cv2', True),
        ('scipy', False),
    }


def test_only_nodes_may_import_rclpy_and_no_geometry_or_message_may_import_torch():
    """The table above is long; this is what it must say."""
    ros = {room for room, law in LAWS.items() if 'rclpy' in law.at_once | law.when_asked}
    assert ros == {'nodes', 'doctor/graph.py', 'doctor/listening.py', 'doctor/parameters.py'}
    learn = {room for room, law in LAWS.items() if 'torch' in law.at_once | law.when_asked}
    assert {room.split('/')[0] for room in learn} == {'models', 'lab'}
    assert {room for room in learn if 'torch' in LAWS[room].at_once} == {
        *('models/networks', 'lab/train', 'lab/parity'),
    }


def dotted(path: Path) -> str:
    parts = path.relative_to(REPOSITORY).with_suffix('').parts
    return '.'.join(parts).removesuffix('.__init__')


def graph() -> dict[str, set[str]]:
    """Return which modules of the package each module imports, at once or later."""
    modules = {dotted(path): path for path in MODULES}
    edges: dict[str, set[str]] = {}
    for name, path in modules.items():
        found = set()
        for edge in imports_of(ast.parse(path.read_text('utf-8')), path, types_too=True):
            parts = edge.name.split('.')
            known = ('.'.join(parts[:n]) for n in range(len(parts), 0, -1))
            found.add(next((k for k in known if k in modules), name))
        edges[name] = found - {name, 'depth_ros'}
    return edges


def test_no_import_goes_in_a_circle():
    order = TopologicalSorter(graph())
    try:
        order.prepare()
    except CycleError as error:
        pytest.fail('imports go in a circle: ' + ' -> '.join(error.args[1]))


def test_no_family_is_imported_by_what_serves_families():
    pattern = re.compile(r'^\w*FAMILY = |^ADAPTER = ', re.MULTILINE)
    families = {dotted(path) for path in MODULES if pattern.search(path.read_text('utf-8'))}
    assert len(families) > 10
    for module, imported in graph().items():
        if module.startswith('depth_ros.models.') or not module.startswith('depth_ros.lab.'):
            assert not imported & families, f'{module} imports a family by name'


def test_only_the_desk_imports_the_lab():
    for module, imported in graph().items():
        if module.split('.')[1:2] not in (['lab'], ['cli']):
            assert not any(name.startswith('depth_ros.lab') for name in imported), module


def test_the_documentation_has_a_row_for_every_room():
    text = (REPOSITORY / 'docs' / 'architecture.md').read_text('utf-8')
    rows = [line.split('|')[1] for line in text.splitlines() if line.startswith('| `')]
    listed = {name for row in rows for name in re.findall(r'`([a-z_/]+(?:/|\.py))`', row)}
    rooms = {f'{p.name}/' for p in PACKAGE.iterdir() if (p / '__init__.py').exists()}
    assert rooms <= listed
    for name in listed:
        assert (PACKAGE / name).exists(), f'docs/architecture.md names {name}, which is not there'


def loaded_after(imports: str) -> set[str]:
    """Return the top-level modules that a fresh Python has loaded after some imports."""
    environment = {**os.environ, 'PYTHONPATH': str(REPOSITORY)}
    code = f'import sys\n{imports}\nprint(*sorted({{m.split(".")[0] for m in sys.modules}}))'
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, env=environment, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


HEAVY = {*LEARNING, *CHOSEN, 'rclpy', 'scipy', 'PIL', 'matplotlib'}


def names_of(room: str) -> list[str]:
    paths = [p for p in MODULES if room_of(p) == room]
    dotted = [p.relative_to(REPOSITORY).with_suffix('').parts for p in paths]
    return ['.'.join(parts).removesuffix('.__init__') for parts in dotted]


LIGHT = [
    room
    for room, law in LAWS.items()
    if not law.at_once & {'torch', 'rclpy', 'ros2doctor'} and room != '__main__.py'
]


@pytest.mark.parametrize('room', LIGHT)
def test_importing_a_room_loads_nothing_heavy(room):
    if room in ('messages', 'libraries.py'):
        pytest.importorskip('sensor_msgs')
    modules = names_of(room)
    assert modules
    assert not loaded_after('\n'.join(f'import {name}' for name in modules)) & HEAVY


def test_listing_all_models_loads_nothing_heavy():
    code = 'from depth_ros.models.registry import catalogue\nassert catalogue()'
    loaded = loaded_after(code)
    assert not loaded & HEAVY
    assert not loaded & MESSAGES


def test_the_bare_package_loads_not_even_numpy():
    assert not loaded_after('import depth_ros') & {*HEAVY, *BASE}


def test_the_pipeline_needs_no_ros_at_all():
    assert not loaded_after('import depth_ros.pipeline') & {*HEAVY, *MESSAGES}
