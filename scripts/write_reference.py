#!/usr/bin/env python3
# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Write what can be derived from the nodes' declarations, so that it cannot be wrong.

    scripts/write_reference.py          write config/<node>.* and the tables in docs/
    scripts/write_reference.py --check  say what differs and exit 1

A table stands between `<!-- table: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import runpy
import sys
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from depth_ros.cli.main import COMMANDS  # noqa: E402
from depth_ros.nodes.launching import COMMON  # noqa: E402
from depth_ros.nodes.parameters.spec import ParameterSpec, Value  # noqa: E402
from depth_ros.nodes.parameters.specs import MONO, MULTI, STEREO, model_options  # noqa: E402
from depth_ros.nodes.security import policy  # noqa: E402

NODES = {'mono_depth': MONO, 'stereo_depth': STEREO, 'multi_view_depth': MULTI}
VIEWS = {'mono_depth': 1, 'stereo_depth': 2, 'multi_view_depth': 0}
HEAD = """\
# Every parameter of {node} with its default; {page} explains them.
# Written by scripts/write_reference.py from the node's declarations. To change values, copy the
# file and give it as params_file; what is left out keeps its default.
# /** fits the node whatever its name and namespace; a name that does not fit is ignored silently.
/**:
  ros__parameters:
"""
MODEL_HEAD = """
    # Options of the model {model!r}; every model brings its own. Take the '# ' away from those
    # that you want to change.

"""


def default_model(specs: Iterable[ParameterSpec]) -> str:
    """Return the name of the model that a node runs when nothing is said."""
    return str(next(spec.default for spec in specs if spec.name == 'model'))


def yaml_value(value: Value) -> str:
    """Return a value as ROS parameter files write it, keeping its type."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{value}'"
    text = repr(value)
    return text.replace('inf', '.inf') if 'inf' in text else text


def when(spec: ParameterSpec) -> str:
    """Return when a parameter may be set."""
    if spec.read_only:
        return 'at start'
    return 'any time' if spec.live else 'before configure'


def allowed(spec: ParameterSpec) -> str:
    """Return what a parameter takes, in words."""
    return spec.constraint.replace(' from -inf up', '')


def _entry(spec: ParameterSpec, prefix: str) -> str:
    comment = textwrap.fill(
        f'{spec.description} ({allowed(spec)}; {when(spec)})',
        width=99,
        initial_indent='    # ',
        subsequent_indent='    # ',
    )
    return f'{comment}\n    {prefix}{spec.name}: {yaml_value(spec.default)}\n'


def config(node: str) -> str:
    """Return the parameter file of a node."""
    specs = NODES[node]
    model = default_model(specs)
    text = HEAD.format(node=node, page=f'docs/{node}.md')
    text += '\n'.join(_entry(spec, '') for spec in specs)
    options = [spec for spec in model_options(model) if spec.name not in {s.name for s in specs}]
    if options:
        text += MODEL_HEAD.format(model=model)
        text += '\n'.join(_entry(spec, '# ') for spec in options)
    return text


def _markdown_value(value: Value) -> str:
    return '`' + yaml_value(value) + '`'


def parameter_table(specs: Iterable[ParameterSpec]) -> str:
    """Return a table of parameters."""
    rows = ['| parameter | default | meaning | allowed | set |', '|---|---|---|---|---|']
    for spec in specs:
        cells = (
            f'`{spec.name}`',
            _markdown_value(spec.default),
            spec.description,
            allowed(spec),
            when(spec),
        )
        rows.append('| ' + ' | '.join(cell.replace('|', '\\|') for cell in cells) + ' |')
    return '\n'.join(rows)


def output_table(node: str) -> str:
    """Return a table of published topics; needs the message packages of ROS."""
    from depth_ros.messages.classes import type_name
    from depth_ros.nodes.output.output import outputs_of

    rows = ['| topic | type | what |', '|---|---|---|']
    for output in outputs_of(VIEWS[node]):
        package, _, name = type_name(output.message).split('/')
        if package == 'point_cloud_interfaces':
            continue  # not installed everywhere, and the page must be the same everywhere
        kind = f'{package}/{name}'
        rows.append(f'| `~/{output.topic}` | `{kind}` | {output.description} |')
    return '\n'.join(rows)


def launch_table(node: str) -> str:
    """Return a table of launch arguments."""
    name = node.removesuffix('_depth')
    tables = runpy.run_path(str(ROOT / 'launch' / f'{name}.launch.py'))
    rows = ['| argument | default | meaning |', '|---|---|---|']
    named = {'name': (node, 'name of the node, for several in one namespace')}
    for argument, (default, meaning) in {
        **named,
        **tables['INPUTS'],
        **tables['OUTPUTS'],
        **COMMON,
    }.items():
        rows.append(f'| `{argument}` | `{default!r}` | {meaning} |'.replace("`''`", ' '))
    return '\n'.join(rows)


def command_sections() -> str:
    """Return a section for each sub-command that this version has, with its options."""
    sections = []
    for name, what in COMMANDS.items():
        if importlib.util.find_spec(f'depth_ros.cli.{name}') is None:
            continue
        parser = argparse.ArgumentParser(prog=f'depth_ros {name}', add_help=False)
        importlib.import_module(f'depth_ros.cli.{name}').add_arguments(parser)
        rows = [f'### depth_ros {name}\n\n{what[0].upper()}{what[1:]}.']
        rows += ['', '| argument | default | meaning |', '|---|---|---|']
        rows += [_argument_row(parser, action) for action in parser._actions]
        sections.append('\n'.join(rows))
    return '\n\n'.join(sections)


def _argument_row(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    names = ', '.join(action.option_strings) or str(action.metavar or action.dest)
    if action.choices is not None:
        names += ' {' + ','.join(map(str, action.choices)) + '}'
    default = action.default
    if default is None or default is False or default in ([], argparse.SUPPRESS):
        default = ''
    elif isinstance(default, (list, tuple)):
        default = ' '.join(map(str, default))
    meaning = (action.help or '') % {'default': default, 'prog': parser.prog}
    cells = (f'`{names}`', f'`{default}`' if default != '' else '', meaning)
    return '| ' + ' | '.join(cell.replace('|', '\\|').strip() for cell in cells) + ' |'


def table(node: str, name: str) -> str:
    """Return the table NAME of the page of a node."""
    if name == 'parameters':
        return parameter_table(NODES[node])
    if name == 'outputs':
        return output_table(node)
    if name == 'launch':
        return launch_table(node)
    if name == 'commands':
        return command_sections()
    return parameter_table(model_options(name.replace('_', '-')))


def page(path: Path) -> str:
    """Return a page with its tables written anew."""

    def block(match: re.Match[str]) -> str:
        name = match.group(1)
        return f'<!-- table: {name} -->\n{table(path.stem, name)}\n<!-- end -->'

    pattern = r'<!-- table: (\w+) -->\n.*?<!-- end -->'
    return re.sub(pattern, block, path.read_text(), flags=re.DOTALL)


def derived() -> Iterator[tuple[Path, str]]:
    """Return each file and what it should hold."""
    for node in NODES:
        yield ROOT / 'config' / f'{node}.yaml', config(node)
        yield ROOT / 'config' / f'{node}.policy.xml', policy(node)
    for name in (*NODES, 'cli'):
        path = ROOT / 'docs' / f'{name}.md'
        yield path, page(path)


def main() -> int:
    stale = [(p, text) for p, text in derived() if not p.is_file() or p.read_text() != text]
    if '--check' in sys.argv:
        for path, _ in stale:
            print(f'{path.relative_to(ROOT)} is stale; run scripts/write_reference.py')
        return 1 if stale else 0
    for path, text in stale:
        path.write_text(text)
        print(f'wrote {path.relative_to(ROOT)}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
