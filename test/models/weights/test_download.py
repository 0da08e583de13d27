# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Downloads over HTTP: resumed, verified, bounded; archives whose names choose no path."""

import hashlib
import http.server
import io
import threading
import zipfile

import pytest

from depth_ros.models.protocol import ModelError
from depth_ros.models.weights.download import download, extract
from depth_ros.models.weights.verify import WeightsMissing

CONTENT = bytes(range(256)) * 4096  # one megabyte
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT in the way that `mode` names."""

    mode = 'whole'
    ranges: list[str]
    sent: int

    def do_GET(self):
        kind = type(self)
        wanted = self.headers.get('Range', '')
        kind.ranges.append(wanted)
        if kind.mode == 'missing':
            self.send_error(404)
            return
        start = int(wanted[6:-1]) if wanted and kind.mode != 'no resume' else 0
        body = CONTENT[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header('Content-Range', f'bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}')
        length = {'too long': len(body) // 2, 'huge': 1 << 50}.get(kind.mode, len(body))
        if kind.mode == 'endless':
            self.send_header('Transfer-Encoding', 'identity')
        else:
            self.send_header('Content-Length', str(length))
        self.end_headers()
        if kind.mode == 'cut':
            kind.mode = 'whole'
            body = body[: len(body) // 2]
        kind.sent += len(body)
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    handler = type('Handler', (Server,), {'ranges': [], 'sent': 0})
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        handler.url = f'http://127.0.0.1:{running.server_port}/weights.pth'
        yield handler
        running.shutdown()


def test_a_file_arrives_whole_with_its_progress(server, tmp_path):
    seen = []
    path = download(
        server.url, tmp_path / 'a', SHA256, lambda here, total: seen.append((here, total))
    )
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [p.name for p in tmp_path.iterdir()] == ['a']


def test_a_file_that_is_here_is_not_fetched_again(server, tmp_path):
    download(server.url, tmp_path / 'a', SHA256)
    download(server.url, tmp_path / 'a', SHA256)
    assert len(server.ranges) == 1


@pytest.mark.parametrize('second', ['whole', 'no resume'])
def test_an_interrupted_download_goes_on_where_it_was_cut(server, tmp_path, second):
    server.mode = 'cut'
    with pytest.raises(WeightsMissing, match='run the command again'):
        download(server.url, tmp_path / 'a', SHA256)
    assert not (tmp_path / 'a').exists()
    server.mode, server.sent = second, 0
    assert download(server.url, tmp_path / 'a', SHA256).read_bytes() == CONTENT
    assert server.ranges == ['', f'bytes={len(CONTENT) // 2}-']
    assert server.sent == (len(CONTENT) // 2 if second == 'whole' else len(CONTENT))


def test_a_wrong_digest_leaves_nothing(server, tmp_path):
    with pytest.raises(ModelError, match='expected 00'):
        download(server.url, tmp_path / 'a', '0' * 64)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('mode', ['huge', 'missing'])
def test_what_cannot_be_is_refused_before_a_byte_is_written(server, tmp_path, mode):
    server.mode = mode
    with pytest.raises(ModelError):
        download(server.url, tmp_path / 'a')
    assert not [p for p in tmp_path.iterdir() if p.stat().st_size]


def test_a_server_that_claims_less_than_it_sends_gives_no_file(server, tmp_path):
    """HTTP cuts what comes beyond the stated length; the digest finds the rest missing."""
    server.mode = 'too long'
    with pytest.raises(ModelError):
        download(server.url, tmp_path / 'a', SHA256)
    assert not (tmp_path / 'a').exists()


def test_only_web_addresses_are_opened(tmp_path):
    with pytest.raises(ModelError, match='http'):
        download('file:///etc/passwd', tmp_path / 'a')


def archive(tmp_path, *names):
    data = io.BytesIO()
    with zipfile.ZipFile(data, 'w') as opened:
        for name in names:
            opened.writestr(name, CONTENT)
    path = tmp_path / 'models.zip'
    path.write_bytes(data.getvalue())
    return path


def test_one_member_of_an_archive_is_written(tmp_path):
    path = archive(tmp_path, 'models/a.pth', 'models/b.pth')
    out = extract(path, 'models/b.pth', tmp_path / 'b.pth', SHA256)
    assert out.read_bytes() == CONTENT
    assert sorted(p.name for p in tmp_path.iterdir()) == ['b.pth', 'models.zip']


@pytest.mark.parametrize('name', ['../outside.pth', '/etc/outside.pth', 'a\\..\\..\\b.pth'])
def test_an_archive_that_points_outside_is_refused(tmp_path, name):
    path = archive(tmp_path, 'a.pth', name)
    with pytest.raises(ModelError, match='outside'):
        extract(path, 'a.pth', tmp_path / 'here' / 'a.pth')
    assert sorted(p.name for p in tmp_path.iterdir()) == ['models.zip']


@pytest.mark.parametrize(
    ('change', 'message'),
    [('member', 'it holds a.pth'), ('digest', 'expected 00'), ('bytes', 'no zip archive')],
)
def test_a_wrong_archive_is_one_sentence(tmp_path, change, message):
    path = archive(tmp_path, 'a.pth')
    if change == 'bytes':
        path.write_bytes(CONTENT)
    member, digest = 'a.pth' if change != 'member' else 'c.pth', '0' * 64
    with pytest.raises(ModelError, match=message):
        extract(path, member, tmp_path / 'out.pth', digest if change == 'digest' else '')
    assert not (tmp_path / 'out.pth').exists()
