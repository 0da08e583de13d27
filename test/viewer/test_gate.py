# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The gate lets through a connection with the token, and nothing else."""

import socket
import threading

import pytest

from depth_ros.types import DepthError
from depth_ros.viewer.gate import Gate


@pytest.fixture
def inner():
    """Return the port of a server that answers with what it got."""
    server = socket.create_server(('127.0.0.1', 0))

    def serve():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                data = connection.recv(65536)
                connection.sendall(b'HTTP/1.1 200 OK\r\n\r\nINNER ' + data)

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1]
    server.close()


@pytest.fixture
def gate(inner):
    gate = Gate('127.0.0.1', 0, inner, 'correct-horse')
    yield gate
    gate.close()


def ask(gate, head):
    with socket.create_connection(('127.0.0.1', gate.port), timeout=10) as connection:
        connection.sendall(head.encode('latin-1'))
        connection.shutdown(socket.SHUT_WR)
        answer = b''
        while piece := connection.recv(65536):
            answer += piece
    return answer.decode('latin-1')


def request(path, *headers):
    return '\r\n'.join([f'GET {path} HTTP/1.1', 'Host: x', *headers]) + '\r\n\r\n'


@pytest.mark.parametrize(
    'head',
    [
        request('/'),
        request('/?token='),
        request('/?token=correct-horsf'),
        request('/?tokens=correct-horse'),
        request('/', 'Cookie: depth_ros_1=correct-horse'),
        request('/', 'Cookie: ;;;=,'),
        request('/\xff?token=\xff'),
        'correct-horse\r\n\r\n',
    ],
)
def test_without_the_token_nothing_passes(gate, head):
    answer = ask(gate, head)
    assert answer.startswith(('HTTP/1.1 401', 'HTTP/1.1 400'))
    assert 'INNER' not in answer
    assert 'correct-horse' not in answer


def test_the_token_in_the_address_becomes_a_cookie(gate):
    answer = ask(gate, request('/page?a=1&token=correct-horse'))
    assert answer.startswith('HTTP/1.1 303')
    assert 'Location: /page?a=1\r\n' in answer
    (cookie,) = (line for line in answer.split('\r\n') if line.startswith('Set-Cookie: '))
    assert {'HttpOnly', 'SameSite=Strict'} <= set(cookie.split('; '))
    value = cookie.removeprefix('Set-Cookie: ').split(';')[0]
    passed = ask(gate, request('/page', f'Cookie: other=1; {value}'))
    assert 'INNER GET /page HTTP/1.1' in passed


def test_a_redirect_stays_on_this_machine(gate):
    answer = ask(gate, request('//elsewhere.example/?token=correct-horse'))
    assert 'Location: /' in answer
    assert 'Location: //' not in answer


def test_a_head_without_end_is_dropped(gate):
    assert ask(gate, 'GET / HTTP/1.1\r\n' + 'a' * 40000) == ''


def test_a_taken_port_is_said(gate, inner):
    with pytest.raises(DepthError, match=str(gate.port)):
        Gate('127.0.0.1', gate.port, inner)


def test_every_gate_has_a_token_of_its_own(inner):
    gates = [Gate('127.0.0.1', 0, inner) for _ in range(2)]
    assert len({gate.token for gate in gates}) == 2
    assert all(len(gate.token) >= 16 for gate in gates)
    for gate in gates:
        gate.close()
