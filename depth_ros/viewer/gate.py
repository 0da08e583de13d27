# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
A gate before the viewer: a connection from outside needs a token first.

The viewer itself listens on this machine only. The gate listens on the chosen address, reads the
head of the first request of a connection, and passes the connection on when the head carries the
token, in the address or, from then on, in a cookie.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
import threading
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from depth_ros.types import DepthError

HEAD = 16384  # bytes of a request's head, at most
PATIENCE = 10.0  # seconds for the head
_BLOCK = 1 << 16


class Gate:
    """
    Pass connections with the token on to a port of this machine.

    :param host: where to listen, such as 0.0.0.0. :param port: 0 takes a free one.
    """

    def __init__(self, host: str, port: int, inner_port: int, token: str = '') -> None:
        self.token = token or secrets.token_urlsafe(16)
        self.host, self.port = host, port
        self._inner = inner_port
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._problem: OSError | None = None
        self._thread = threading.Thread(target=self._run, name='gate', daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._problem is not None:
            raise DepthError(
                f'the viewer cannot listen on {host}:{port} ({self._problem.strerror}); '
                'give another --host or --port'
            )

    @property
    def _cookie(self) -> str:
        return f'depth_ros_{self.port}'

    def close(self) -> None:
        """Close the door and every connection through it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            server = self._loop.run_until_complete(
                asyncio.start_server(self._serve, self.host, self.port, limit=HEAD)
            )
        except OSError as error:
            self._problem = error
            self._ready.set()
            return
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        try:
            self._loop.run_forever()
        finally:
            server.close()
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.run_until_complete(asyncio.sleep(0))
            self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await asyncio.wait_for(reader.readuntil(b'\r\n\r\n'), PATIENCE)
            answer = self._judge(head)
            if answer:
                writer.write(answer)
                await writer.drain()
            else:
                await self._pass_on(head, reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            pass
        except asyncio.TimeoutError:  # another class until Python 3.11
            pass
        finally:
            writer.close()

    def _judge(self, head: bytes) -> bytes:
        """Return what is answered instead of passing on; nothing where the token is there."""
        lines = head.decode('latin-1').split('\r\n')
        words = lines[0].split(' ')
        if len(words) != 3:
            return _answer('400 Bad Request', 'This is no request.')
        if self._has_cookie(lines[1:]):
            return b''
        address = urlsplit(words[1])
        query = parse_qsl(address.query, keep_blank_values=True)
        if not any(name == 'token' and self._is_token(value) for name, value in query):
            return _answer(
                '401 Unauthorized',
                'A token is needed: open the address that depth_ros view has printed.',
            )
        rest = urlencode([item for item in query if item[0] != 'token'])
        # Not the path that was sent: //elsewhere would lead to another machine.
        place = '/' + address.path.lstrip('/') + (f'?{rest}' if rest else '')
        cookie = f'{self._cookie}={self.token}; Path=/; HttpOnly; SameSite=Strict'
        return _answer('303 See Other', '', f'Location: {place}', f'Set-Cookie: {cookie}')

    def _has_cookie(self, lines: list[str]) -> bool:
        for line in lines:
            name, _, value = line.partition(':')
            if name.strip().lower() == 'cookie':
                with contextlib.suppress(CookieError):
                    found = SimpleCookie(value.strip()).get(self._cookie)
                    if found is not None and self._is_token(found.value):
                        return True
        return False

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(), self.token.encode())

    async def _pass_on(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        inner_reader, inner_writer = await asyncio.open_connection('127.0.0.1', self._inner)
        try:
            inner_writer.write(head)
            await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))
        finally:
            inner_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_BLOCK):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()


def _answer(status: str, text: str, *headers: str) -> bytes:
    body = text.encode()
    lines = [f'HTTP/1.1 {status}', 'Content-Type: text/plain', f'Content-Length: {len(body)}']
    lines += ['Connection: close', 'Cache-Control: no-store', *headers]
    return '\r\n'.join(lines).encode('latin-1') + b'\r\n\r\n' + body
