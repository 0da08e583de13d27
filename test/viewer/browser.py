# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A real headless Chromium, driven over its own protocol; nothing has to be installed for that."""

import base64
import itertools
import json
import os
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import cv2
import numpy as np
import pytest

NAMES = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable')
FLAGS = (
    '--headless=new',
    '--no-sandbox',
    '--disable-dev-shm-usage',
    '--disable-extensions',
    '--no-first-run',
    # WebGL in software, since there may be no display and no GPU.
    '--use-gl=angle',
    '--use-angle=swiftshader',
    '--enable-unsafe-swiftshader',
    '--window-size=900,600',
    '--remote-debugging-port=0',
    '--remote-allow-origins=*',
)


def find():
    """Return the path of the browser, or skip the test."""
    path = next((p for name in NAMES if (p := shutil.which(name))), None)
    if path is None:
        pytest.skip('no Chromium on this machine (apt-get install chromium)')
    return path


class Browser:
    """One page of a browser."""

    def __init__(self, folder: Path):
        from websockets.sync.client import connect

        self._process = subprocess.Popen(
            [find(), *FLAGS, f'--user-data-dir={folder}', 'about:blank'],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, 'DBUS_SESSION_BUS_ADDRESS': 'disabled:'},
        )
        port_file = folder / 'DevToolsActivePort'
        self.wait(lambda: port_file.exists() and '\n' in port_file.read_text(), 'the browser')
        port = port_file.read_text().split()[0]
        with urllib.request.urlopen(f'http://127.0.0.1:{port}/json') as answer:
            page = next(p for p in json.load(answer) if p['type'] == 'page')
        self._socket = connect(page['webSocketDebuggerUrl'], max_size=None, compression=None)
        self._numbers = itertools.count(1)

    def call(self, method, **parameters):
        """Return the result of a command of the protocol."""
        number = next(self._numbers)
        self._socket.send(json.dumps({'id': number, 'method': method, 'params': parameters}))
        while True:
            answer = json.loads(self._socket.recv(timeout=60))
            if answer.get('id') == number:
                assert 'error' not in answer, answer
                return answer['result']

    def open(self, url):
        self.call('Page.navigate', url=url)

    def run(self, script):
        """Return the value of a JavaScript expression."""
        result = self.call('Runtime.evaluate', expression=script, returnByValue=True)
        return result['result'].get('value')

    def text(self):
        return self.run('document.body ? document.body.innerText : ""') or ''

    def image(self):
        """Return the page as it is seen, RGB."""
        data = base64.b64decode(self.call('Page.captureScreenshot', format='png')['data'])
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]

    def canvas(self):
        """Return what is seen of the canvas alone, RGB."""
        box = self.run(
            '(() => { const c = document.querySelector("canvas"); if (!c) return null;'
            ' const b = c.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom] })()'
        )
        if box is None:
            return np.zeros((0, 0, 3), np.uint8)
        left, top, right, bottom = (int(v) for v in box)
        # The panel lies over the right of the canvas, a notice about software WebGL in a corner.
        return self.image()[top + 130 : bottom, left : min(right, 520)]

    def wait(self, condition, what, timeout=60.0):
        """Return what the condition gives once it is true."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if value := condition():
                return value
            time.sleep(0.1)
        raise AssertionError(f'timed out waiting for {what}')

    def close(self):
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
