# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""In a real browser the page loads, the canvas shows the cloud, and it moves with the depth."""

import numpy as np
import pytest

pytest.importorskip('viser', reason='viser is not installed (extra view)')

from browser import Browser, find

from depth_ros.nodes.parameters.spec import ParameterSpec
from depth_ros.types import Camera
from depth_ros.viewer.shown import Shown
from depth_ros.viewer.window import Window

CAMERA = Camera.pinhole(160, 120, 140.0)
RED = np.full((120, 160, 3), (230, 20, 20), np.uint8)


def wall(metres, colour=RED):
    return Shown(colour, np.full((120, 160), metres, np.float32), CAMERA)


def seen(browser, channel):
    """Return how many pixels of the canvas are clearly of this channel's colour."""
    pixels = browser.canvas().astype(int)
    others = [c for c in range(3) if c != channel]
    return int((pixels[..., channel] > 80 + pixels[..., others].max(axis=-1)).sum())


@pytest.fixture(scope='module')
def browser(tmp_path_factory):
    find()
    browser = Browser(tmp_path_factory.mktemp('browser'))
    yield browser
    browser.close()


def test_clouds_are_seen_side_by_side_and_move_when_the_depth_does(browser):
    window = Window('walls', ['one', 'other'], port=0)
    try:
        blue = np.full((120, 160, 3), (20, 20, 230), np.uint8)
        window.show({'one': wall(3.0), 'other': wall(3.0, blue)})
        browser.open(window.url)
        browser.wait(lambda: '100% valid' in browser.text(), 'the panel')
        browser.wait(lambda: seen(browser, 0) > 500 and seen(browser, 2) > 500, 'both clouds')
        pixels = browser.canvas().astype(int)
        red = np.argwhere(pixels[..., 0] > pixels[..., 2] + 80)[:, 1]
        blue = np.argwhere(pixels[..., 2] > pixels[..., 0] + 80)[:, 1]
        assert np.percentile(red, 95) <= np.percentile(blue, 5) + 5
        near = seen(browser, 0)
        assert '3.00 m' in browser.text()

        # A wall of the same pixels fills the same angle from its camera; the eye stands elsewhere.
        window.show({'one': wall(9.0)})
        browser.wait(lambda: '9.00 m' in browser.text(), 'the new depth')
        browser.wait(lambda: abs(seen(browser, 0) - near) > 0.1 * near, 'the move')
        window.show({'one': wall(3.0)})
        browser.wait(lambda: abs(seen(browser, 0) - near) < 0.05 * near, 'the way back')
        window.show({'one': Shown(relative=np.ones((120, 160), np.float32))})
        browser.wait(lambda: seen(browser, 0) < near / 10, 'no cloud without metres')
    finally:
        window.close()


def test_the_timeline_seeks_and_a_parameter_is_set_from_the_page(browser):
    window = Window('time', ['one'], port=0)
    asked, changed = [], []
    try:

        def seek(seconds):
            asked.append(seconds)
            window.show({'one': wall(2.0 + seconds)})
            return seconds if seconds <= 5 else None

        timeline = window.add_timeline(5.0, seek, 10.0)
        timeline.go(0.0)
        spec = ParameterSpec('depth_limit', 1.5, 'metres', range=(0.0, 10.0))
        window.add_parameters(
            'one', [spec], {}, lambda name, value: changed.append((name, value)) or ''
        )
        browser.open(window.url)
        browser.wait(lambda: '2.00 m' in browser.text(), 'the first moment')
        timeline.play(True)
        browser.wait(lambda: len(asked) > 3, 'playing')
        assert asked[1] > asked[0]
        timeline.play(False)
        timeline.close()

        script = """(() => {
          const label = [...document.querySelectorAll('*')].find(
            e => e.children.length === 0 && e.textContent.includes('parameters of one'));
          label.click(); return true })()"""
        browser.run(script)
        find_input = """[...document.querySelectorAll('input')].find(e => e.value === '1.5')"""
        browser.wait(lambda: browser.run(f'!!({find_input})'), 'the control')
        browser.run(
            f"""(() => {{ const e = {find_input};
            const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
            set.call(e, '4.5'); e.dispatchEvent(new Event('input', {{bubbles: true}}));
            e.dispatchEvent(new Event('change', {{bubbles: true}}));
            e.blur(); return true }})()"""
        )
        browser.wait(lambda: changed, 'the change')
        assert changed[-1] == ('depth_limit', 4.5)
    finally:
        window.close()


def test_from_outside_a_token_is_needed(browser):
    window = Window('outside', ['one'], host='0.0.0.0', port=0, token='correct-horse')
    try:
        window.show({'one': wall(3.0)})
        port = window.url.split(':')[2].split('/')[0]
        browser.open(f'http://127.0.0.1:{port}/')
        browser.wait(lambda: 'token is needed' in browser.text(), 'the refusal')
        browser.open(f'http://127.0.0.1:{port}/?token=wrong')
        browser.wait(lambda: 'token is needed' in browser.text(), 'the refusal')
        browser.open(f'http://127.0.0.1:{port}/?token=correct-horse')
        browser.wait(lambda: '100% valid' in browser.text(), 'the panel')
        browser.wait(lambda: seen(browser, 0) > 2000, 'the cloud')
        assert 'token' not in browser.run('location.href')
    finally:
        window.close()
