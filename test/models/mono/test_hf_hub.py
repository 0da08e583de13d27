# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The real client against a hub on this machine: what is fetched, and what is checked."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

pytest.importorskip('torch')
pytest.importorskip('transformers')
pytest.importorskip('huggingface_hub')

import tiny_checkpoints as tiny

COMMIT = 'd' * 40


class Hub(http.server.BaseHTTPRequestHandler):
    """As much of the hub as a snapshot needs: what the repository holds, and its files."""

    files: dict[str, bytes]
    asked: list[str]

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        path = self.path.split('?')[0]
        if not self.files:
            self.send_response(404)
            self.send_header('X-Error-Code', 'RepoNotFound')
            self.send_header('Content-Length', '0')
            self.end_headers()
            return
        if path.startswith('/api/'):
            self.reply(self.listing(path), {'Content-Type': 'application/json'}, body)
            return
        name = path.rsplit('/', 1)[-1]
        self.asked.append(name)
        if name not in self.files:
            self.send_error(404)
            return
        data = self.files[name]
        large = name.endswith(('.safetensors', '.bin'))
        digest = hashlib.sha256(data) if large else hashlib.sha1(data)
        headers = {'ETag': f'"{digest.hexdigest()}"', 'X-Repo-Commit': COMMIT}
        if self.server.spoilt and name.endswith('.safetensors'):
            data = data[:-1] + bytes([data[-1] ^ 1])
        self.reply(data, headers, body)

    def listing(self, path: str) -> bytes:
        if '/tree/' in path:
            rows = [
                {'type': 'file', 'path': name, 'size': len(data), 'oid': '0' * 40}
                for name, data in self.files.items()
            ]
            return json.dumps(rows).encode()
        siblings = [{'rfilename': name} for name in self.files]
        return json.dumps({'id': 'some/model', 'sha': COMMIT, 'siblings': siblings}).encode()

    def reply(self, data: bytes, headers: dict[str, str], body: bool) -> None:
        self.send_response(200)
        for name, value in {**headers, 'Content-Length': str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def hub(tmp_path):
    folder = tiny.write_checkpoint(tmp_path / 'source', tiny.glpn())
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    files['pytorch_model.bin'] = b'pickle'
    files['modeling.py'] = b'import os'
    handler = type('Handler', (Hub,), {'files': files, 'asked': []})
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
    server.spoilt = False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def call(server, home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Run a command in a process of its own, whose hub is this server."""
    return subprocess.run(
        [sys.executable, '-m', 'depth_ros.cli.main', *arguments],
        env={
            **{k: v for k, v in os.environ.items() if not k.lower().endswith('_proxy')},
            'HF_ENDPOINT': f'http://127.0.0.1:{server.server_port}',
            'HF_HOME': str(home),
            'HF_HUB_DISABLE_XET': '1',
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_fetch_brings_what_a_model_needs_and_nothing_else(hub, tmp_path):
    home = tmp_path / 'home'
    done = call(hub, home, 'fetch', 'some/model')
    assert done.returncode == 0, done.stderr
    assert 'whole' in done.stdout
    assert COMMIT in done.stdout
    names = {path.name for path in (home / 'hub').rglob('*') if path.is_symlink()}
    assert names == {'config.json', 'preprocessor_config.json', 'model.safetensors'}
    assert not {'pytorch_model.bin', 'modeling.py'} & set(hub.RequestHandlerClass.asked)
    hub.RequestHandlerClass.asked.clear()
    again = call(hub, home, 'fetch', 'some/model', HF_HUB_OFFLINE='1')
    assert again.returncode == 0, again.stderr
    assert hub.RequestHandlerClass.asked == []


def test_a_byte_that_changed_on_the_way_is_noticed(hub, tmp_path):
    hub.spoilt = True
    done = call(hub, tmp_path / 'home', 'fetch', 'some/model')
    assert done.returncode == 2
    assert 'SHA-256' in done.stderr


def test_a_model_the_hub_does_not_have_is_one_sentence(hub, tmp_path):
    hub.RequestHandlerClass.files.clear()
    done = call(hub, tmp_path / 'home', 'fetch', 'some/model')
    assert done.returncode == 2
    licence, error = done.stderr.strip().splitlines()
    assert 'licence' in licence
    assert 'check the name' in error
