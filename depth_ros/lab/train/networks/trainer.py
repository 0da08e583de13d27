# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The training loop of all networks but the shipped one: resumable, judged on unseen frames."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor, nn

from depth_ros.files.writing import make_folder, write_text
from depth_ros.lab.train.checkpoint import HISTORY, load_state, save_state
from depth_ros.lab.train.networks.config import NetworkConfig, plain
from depth_ros.lab.train.networks.task import Task
from depth_ros.lab.train.optimiser import make_optimiser
from depth_ros.lab.train.plot import plot_curves
from depth_ros.models.engine.device import choose_device
from depth_ros.models.mono.builtin import CARD as BUILTIN_CARD
from depth_ros.models.weights.verify import WEIGHTS
from depth_ros.types import DepthError

CARD = 'README.md'
SCORES = 'scores.json'


class NetworkTrainer:
    """One run in one folder."""

    def __init__(self, config: NetworkConfig, task: Task, out: Path) -> None:
        make_folder(out)
        self.config, self.task, self.out = config, task, out
        self.device = choose_device(config.device)
        self.modules = task.modules.to(self.device)
        parameters = list(self.modules.parameters())
        self.optimiser = make_optimiser(
            config.optimiser, parameters, config.rate, config.weight_decay
        )
        facts = load_state(out, self.modules, None, self.optimiser) or {}
        self.step = int(facts.get('step', 0))
        self.history: list[list[float]] = facts.get('history', [])
        self.scores: list[list[float]] = facts.get('scores', [])
        write_text(out / 'config.yaml', yaml.safe_dump(plain(config), sort_keys=False))

    def rate(self) -> float:
        """Return the learning rate of this step: a linear start, then half a cosine to zero."""
        config = self.config
        if self.step < config.warm_up:
            return config.rate * (self.step + 1) / config.warm_up
        done = (self.step - config.warm_up) / max(config.steps - config.warm_up, 1)
        return config.rate * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))

    def one_step(self) -> float:
        """Learn from one batch and return its loss."""
        for group in self.optimiser.param_groups:
            group['lr'] = self.rate()
        progress = self.step / self.config.steps
        self.task.train(progress)
        torch.manual_seed(self.config.seed + self.step)  # also when a run goes on
        loss = self.task.loss(self.step, progress, self.device)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        parameters: list[Tensor] = list(self.modules.parameters())
        nn.utils.clip_grad_norm_(parameters, self.config.clip)
        self.optimiser.step()
        self.step += 1
        return float(loss.detach())

    def save(self) -> None:
        """Write the state; a kill leaves the one before."""
        facts = {'step': self.step, 'history': self.history, 'scores': self.scores}
        save_state(self.out, self.modules, None, self.optimiser, facts)

    def run(self, stop: Callable[[], bool] = lambda: False) -> list[list[float]] | None:
        """
        Train to the last step; return the scores on the way, the first before any step.

        `stop` is asked between two steps: the state is saved then, and None is returned.
        """
        from tqdm import tqdm

        config = self.config
        if not self.scores:
            self._score(print)
        saved = time.monotonic()
        smooth: float | None = self.history[-1][1] if self.history else None
        bar = tqdm(total=config.steps, initial=self.step, unit='step', mininterval=1.0)
        while self.step < config.steps and not stop():
            loss = self.one_step()
            if not math.isfinite(loss):
                raise DepthError(
                    f'the loss of step {self.step} is {loss}; lower `rate`; the last state is kept'
                )
            smooth = loss if smooth is None else 0.95 * smooth + 0.05 * loss
            bar.update()
            bar.set_postfix(loss=f'{smooth:.4f}', refresh=False)
            if self.step % HISTORY == 0:
                self.history.append([self.step, round(smooth, 5)])
            if self.step % config.validate_every == 0 or self.step == config.steps:
                self._score(bar.write)
            if time.monotonic() - saved > config.save_seconds:
                self.save()
                saved = time.monotonic()
        bar.close()
        self.save()
        if self.step < config.steps:
            return None
        self.finish()
        return self.scores

    def _score(self, write: Any) -> None:
        found = self.task.judge(self.device)
        if not all(map(math.isfinite, found)):
            raise DepthError(
                'the error on unseen frames is not a number: too few of their pixels have a known '
                'depth or disparity in range; check data.unseen and max_depth'
            )
        self.scores.append([self.step, *found])
        named = zip(self.task.measures, found, strict=True)
        write(f'step {self.step}: ' + ', '.join(f'{m.name} {value:.3f}' for m, value in named))

    def finish(self) -> None:
        """Write the weights with what they are for, a card, the scores and the curves."""
        self.task.leave(self.out)
        names = ('step', *(measure.name for measure in self.task.measures))
        rows = [dict(zip(names, row, strict=True)) for row in self.scores]
        write_text(self.out / SCORES, json.dumps(rows, indent=2) + '\n')
        curves = {
            'loss': [(step, loss) for step, loss in self.history],
            f'{self.task.measures[0].words}, unseen': [(s, error) for s, error, *_ in self.scores],
        }
        plot_curves(curves, self.out / 'training.png')
        card = BUILTIN_CARD if self.config.network == 'builtin' else CARD
        write_text(self.out / card, self._card())

    def _card(self) -> str:
        config = self.config
        first, last = self.scores[0], self.scores[-1]
        rendered = ['rendered sequences'] if config.data.frames else []
        source = ', '.join([*config.data.folders, *rendered])
        rows = ''.join(
            f'| {measure.words}, unseen, before and after | {before:.3f}, {after:.3f} |\n'
            for measure, before, after in zip(self.task.measures, first[1:], last[1:], strict=True)
        )
        return f"""# {config.name}

{config.network}, trained by `depth_ros train config.yaml`. Weights in `{WEIGHTS}`.

| | |
|---|---|
| began with | {config.first_weights or 'random weights'} |
| learned from | {self.task.images} images of {source}, with {self.task.labels} |
| steps | {self.step} of batch {config.batch} at {config.width}x{config.height} |
{rows}"""
