# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Run mono_depth for hours under what robots do to it, and check every frame that it publishes.

A camera sends frames of a plane; every few seconds something happens: a lifecycle cycle, a new
resolution or encoding, a restart of the driver, a jump of the clock, late calibrations, malformed
messages, processes that take the CPU. Every depth image is compared with the plane in closed form.
The report holds the rate, the age and the memory, with plots; the exit code is 1 where a frame was
wrong, the node ended, its memory grew, or too few frames came.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import Image, PointCloud2

from bench.memory import resident_bytes
from bench.soak.camera import DISTANCE, ENCODED, NORMAL, SIZES, CameraDriver, exact_depth
from depth_ros.files.share import ros_environment
from depth_ros.lab.train.plot import plot_curves
from depth_ros.messages.cloud import cloud_to_points
from depth_ros.messages.depth_image import image_to_depth
from depth_ros.shots import stamp_ns
from depth_ros.types import FloatImage

ROOT = Path(__file__).resolve().parents[2]
LOAD = 'while True: pass'
SETTLE = 3.0  # seconds after an event that do not count for the rate
ANSWER = 60.0  # seconds for a transition
CLOSE = 1e-4  # relative


class Soak:
    """One node, its camera, and what is known about both."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.rng = random.Random(arguments.seed)
        domain = random.randint(102, 230)
        self.process = self._start(domain)
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node = rclpy.create_node('soak', context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.camera = CameraDriver(self.node, self.rng)
        self.node.create_subscription(Image, '/mono_depth/depth/image', self._depth, 10)
        self.node.create_subscription(PointCloud2, '/mono_depth/points', self._points, 10)
        self.change: Any = self.node.create_client(ChangeState, '/mono_depth/change_state')
        self.loads: list[Any] = []
        self.exact: dict[Any, FloatImage] = {}
        self.problems: Counter[str] = Counter()
        self.events: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.seen: dict[str, set[int]] = {'depth': set(), 'points': set()}
        self.curves: dict[str, list[tuple[float, float]]] = {'rate': [], 'age': [], 'memory': []}
        self.begun = time.monotonic()
        self.quiet_from = self.begun + SETTLE
        self.next_frame = self.next_second = self.begun
        self.ages: list[float] = []
        self.second = [0, 0]  # frames sent and received in this second

    def _start(self, domain: int) -> Any:
        normal = dict(zip(('normal_x', 'normal_y', 'normal_z'), NORMAL))
        values = {'model': 'plane', 'distance': DISTANCE, **normal, 'edge_threshold': 0.0}
        if self.arguments.model != 'plane':
            values = {'model': self.arguments.model}
        given = [item for k, v in values.items() for item in ('-p', f'{k}:={v}')]
        command = [sys.executable, '-m', 'depth_ros.nodes.mono_depth', '--ros-args', *given]
        path = os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])
        self.arguments.out.mkdir(parents=True, exist_ok=True)
        log = (self.arguments.out / 'node.log').open('w')
        environment = ros_environment(PYTHONPATH=path, ROS_DOMAIN_ID=str(domain))
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    # -- what comes back -------------------------------------------------------------------

    def _known(self, topic: str, msg: Any) -> Any:
        """Return the camera of a frame that may be published, once."""
        stamp, sent = stamp_ns(msg.header), self.camera.sent
        camera = sent.cameras.get(stamp) or sent.doubtful.get(stamp)
        if stamp in sent.bad:
            self.problems[f'{topic} of a malformed message'] += 1
        elif camera is None:
            self.problems[f'{topic} with a stamp that was never sent'] += 1
        elif stamp in self.seen[topic]:
            self.problems[f'{topic} twice for one stamp'] += 1
        else:
            self.seen[topic].add(stamp)
            return camera
        return None

    def _expected(self, camera: Any) -> FloatImage:
        if camera.key not in self.exact:
            self.exact[camera.key] = exact_depth(camera)
        return self.exact[camera.key]

    def _depth(self, msg: Any) -> None:
        camera = self._known('depth', msg)
        if camera is None:
            return
        self.second[1] += 1
        self.counts['received'] += 1
        self.ages.append(time.monotonic() - self.camera.sent.times[stamp_ns(msg.header)])
        depth = image_to_depth(msg)
        if depth.shape != (camera.height, camera.width):
            self.problems['depth of another size'] += 1
        elif self.arguments.model == 'plane' and not np.allclose(
            depth, self._expected(camera), rtol=CLOSE, atol=0
        ):
            self.problems['depth that is not the plane'] += 1

    def _points(self, msg: Any) -> None:
        camera = self._known('points', msg)
        if camera is None or self.arguments.model != 'plane':
            return
        points, z = cloud_to_points(msg), self._expected(camera)
        x = (np.arange(camera.width) - camera.cx) / camera.fx * z
        if not (
            np.allclose(points['z'], z, rtol=CLOSE, atol=0)
            and np.allclose(points['x'], x, rtol=CLOSE, atol=1e-5)
        ):
            self.problems['points that are not the plane'] += 1

    # -- time ------------------------------------------------------------------------------

    def step(self) -> None:
        """Send what is due, take what has come, and write down the second that is over."""
        now = time.monotonic()
        if now >= self.next_frame:
            self.next_frame = max(self.next_frame + 1 / self.arguments.rate, now)
            self.camera.tick()
            self.second[0] += 1
        self.executor.spin_once(timeout_sec=0.002)
        if now >= self.next_second:
            self.next_second += 1.0
            self._write_down(now)

    def _write_down(self, now: float) -> None:
        at = now - self.begun
        self.curves['memory'].append((at, self.memory()))
        self.curves['rate'].append((at, float(self.second[1])))
        if self.ages:
            self.curves['age'].append((at, 1e3 * float(np.median(self.ages))))
        if now > self.quiet_from and not self.loads:
            self.counts['quiet sent'] += self.second[0]
            self.counts['quiet received'] += self.second[1]
        self.second, self.ages = [0, 0], []
        if self.process.poll() is not None:
            self.problems[f'the node ended with {self.process.returncode}'] += 1

    def memory(self) -> float:
        """Return the resident memory of the node in MB."""
        try:
            return resident_bytes(self.process.pid) / 1e6
        except (OSError, IndexError):
            return float('nan')

    def run_for(self, seconds: float) -> None:
        """Let time pass."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.alive:
            self.step()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def wait_frames(self, count: int, seconds: float = ANSWER) -> bool:
        """Wait until more frames have come; return False where they do not."""
        wanted = self.counts['received'] + count
        end = time.monotonic() + seconds
        while self.counts['received'] < wanted and time.monotonic() < end and self.alive:
            self.step()
        return self.counts['received'] >= wanted

    # -- what happens ----------------------------------------------------------------------

    def transition(self, label: str) -> None:
        """Ask for a transition and wait for the answer."""
        number = getattr(Transition, f'TRANSITION_{label.upper()}')
        request = ChangeState.Request(transition=Transition(id=number))
        future = self.change.call_async(request)
        end = time.monotonic() + ANSWER
        while not future.done() and time.monotonic() < end and self.alive:
            self.step()
        answer = future.result() if future.done() else None
        if answer is None or not answer.success:
            self.problems[f'{label} failed'] += 1

    def lifecycle(self) -> None:
        for label in ('deactivate', 'cleanup', 'configure', 'activate'):
            self.transition(label)

    def resolution(self) -> None:
        self.camera.size = self.rng.choice(SIZES)

    def encoding(self) -> None:
        self.camera.encoding = self.rng.choice(ENCODED)

    def restart(self) -> None:
        self.camera.stop()
        self.run_for(0.5)
        self.camera.start()

    def clock_back(self) -> None:
        self.camera.shift -= 10_000_000_000

    def clock_forward(self) -> None:
        self.camera.shift += 3_600_000_000_000

    def late_calibration(self) -> None:
        self.camera.late = True
        self.run_for(2.0)
        self.camera.late = False

    def malformed(self) -> None:
        self.camera.malformed = True
        self.run_for(2.0)
        self.camera.malformed = False

    def load(self) -> None:
        if self.loads:
            for process in self.loads:
                process.kill()
                process.wait()
            self.loads = []
        else:
            command = [sys.executable, '-c', LOAD]
            self.loads = [subprocess.Popen(command) for _ in range(self.rng.choice((1, 2)))]

    def soak(self, seconds: float) -> None:
        """Let one thing after the other happen until the time is over."""
        happenings: list[Callable[[], None]] = [
            *(self.lifecycle, self.resolution, self.encoding, self.restart, self.clock_back),
            *(self.clock_forward, self.late_calibration, self.malformed, self.load),
        ]
        end = time.monotonic() + seconds
        order: list[Callable[[], None]] = []
        while time.monotonic() < end and self.alive:
            order = order or self.rng.sample(happenings, len(happenings))
            happening = order.pop()
            self.events[happening.__name__] += 1
            self.quiet_from = float('inf')
            happening()
            if not self.wait_frames(5):
                self.problems[f'no frames after {happening.__name__}'] += 1
            self.quiet_from = time.monotonic() + SETTLE
            self.run_for(self.rng.uniform(0.5, 1.5) * self.arguments.pause)
        if self.loads:
            self.load()

    def cycles(self, count: int) -> list[float]:
        """Return the memory after each lifecycle cycle with frames."""
        found = []
        for _ in range(count):
            if not self.alive:
                break
            self.lifecycle()
            if not self.wait_frames(5):
                self.problems['no frames after a cycle'] += 1
            found.append(self.memory())
        return found

    def close(self) -> int:
        """End everything; return the exit code of the node."""
        if self.loads:
            self.load()
        if self.alive:
            self.process.send_signal(signal.SIGINT)
        try:
            code = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
            self.problems['the node did not end'] += 1
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.try_shutdown(context=self.context)
        return int(code)


def judge(soak: Soak, memory: list[float]) -> dict[str, Any]:
    """Return the report; its problems decide the exit code."""
    arguments, counts = soak.arguments, soak.counts
    share = counts['quiet received'] / max(counts['quiet sent'], 1)
    if not arguments.cycles and share < arguments.least:
        soak.problems[f'{share:.0%} of the frames of quiet seconds came'] += 1
    # The first tenth, and without cycles the first quarter, fills caches, pools and queues.
    first = memory[9] if arguments.cycles and len(memory) > 10 else None
    if not arguments.cycles and len(memory) >= 50:
        first = float(np.median(memory[len(memory) // 4 : len(memory) // 2]))
    last = float(np.median(memory[-5:])) if memory else float('nan')
    if first is not None and last > 1.05 * first:
        soak.problems[f'memory grew from {first:.0f} to {last:.0f} MB'] += 1
    return {
        'seconds': round(time.monotonic() - soak.begun, 1),
        'sent': len(soak.camera.sent.cameras),
        'malformed': len(soak.camera.sent.bad) + len(soak.camera.sent.doubtful),
        'received': counts['received'],
        'share of quiet frames': round(share, 3),
        'memory first (MB)': first,
        'memory last (MB)': last,
        'memory per cycle (MB)': memory if arguments.cycles else [],
        'events': dict(soak.events),
        'problems': dict(soak.problems),
    }


def main() -> int:
    """Run the soak and write its report."""
    parser = argparse.ArgumentParser(prog='scripts/soak', description=__doc__)
    parser.add_argument('--minutes', type=float, default=60.0)
    parser.add_argument('--cycles', type=int, default=0, help='lifecycle cycles, nothing else')
    parser.add_argument('--rate', type=float, default=30.0, help='Hz of the camera')
    parser.add_argument('--pause', type=float, default=6.0, help='seconds between events')
    parser.add_argument(
        '--model', default='plane', help='numbers are only compared for the default'
    )
    parser.add_argument(
        '--least', type=float, default=0.9, help='share of frames that must come while it is quiet'
    )
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--out', type=Path, default=Path('soak_out'))
    arguments = parser.parse_args()
    os.environ.update(ros_environment())
    soak = Soak(arguments)
    try:
        if not soak.wait_frames(5, 120.0):
            soak.problems['no frame at the start'] += 1
        memory = soak.cycles(arguments.cycles)
        if not arguments.cycles:
            soak.soak(60 * arguments.minutes)
            memory = [value for _, value in soak.curves['memory']]
        report = judge(soak, memory)
    finally:
        code = soak.close()
    report['exit code of the node'] = code
    if code:
        report['problems'][f'the node ended with {code}'] = 1
    names = {'rate': 'depth images per second', 'age': 'age (ms)', 'memory': 'memory (MB)'}
    plot_curves({names[k]: v for k, v in soak.curves.items()}, arguments.out / 'curves.png')
    text = json.dumps(report, indent=2)
    (arguments.out / 'report.json').write_text(text + '\n')
    print(text)
    return 1 if report['problems'] else 0


if __name__ == '__main__':
    sys.exit(main())
