# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The training loop of the classic networks: resumable, scored on frames it has not seen."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors.torch import save_file
from torch import Tensor, nn

from depth_ros.lab.train.checkpoint import HISTORY, load_state, save_state
from depth_ros.lab.train.networks.batches import Batches, validation_batches
from depth_ros.lab.train.networks.clips import Clip
from depth_ros.lab.train.networks.config import NetworkConfig, plain
from depth_ros.lab.train.networks.learners import BuiltinLearner, RecordingRig, make_learner
from depth_ros.lab.train.networks.scores import Scores, judged
from depth_ros.lab.train.plot import plot_curves
from depth_ros.models.engine.device import choose_device
from depth_ros.models.mono.builtin import CARD as BUILTIN_CARD
from depth_ros.models.mono.monodepth import Monodepth
from depth_ros.models.weights.verify import WEIGHTS
from depth_ros.types import DepthKind

CARD = 'README.md'
SCORES = 'scores.json'


class NetworkTrainer:
    """One run in one folder."""

    def __init__(
        self, config: NetworkConfig, train: Sequence[Clip], check: Sequence[Clip], out: Path
    ) -> None:
        self.config, self.out, self.check = config, out, list(check)
        self.device = choose_device(config.device)
        self.learner = make_learner(config, RecordingRig.of(train))
        self.learner.modules.to(self.device)
        self.batches = Batches(train, config)
        self.images = len(self.batches.places)
        self.optimiser = torch.optim.AdamW(
            self.learner.modules.parameters(), config.rate, weight_decay=config.weight_decay
        )
        modules = self.learner.modules
        facts = load_state(out, modules, None, self.optimiser) or {}
        self.step = int(facts.get('step', 0))
        self.history: list[list[float]] = facts.get('history', [])
        self.scores: list[list[float]] = facts.get('scores', [])
        (out / 'config.yaml').write_text(yaml.safe_dump(plain(config), sort_keys=False))

    @property
    def scaled(self) -> bool:
        """Whether depth is judged at the scale that fits it best."""
        kind = self.learner.kind
        if isinstance(self.learner, BuiltinLearner):
            return self.config.learn == 'video' and not self.config.odometry
        metric = isinstance(self.learner.adapter, Monodepth) and self.config.learn == 'pairs'
        return kind is not DepthKind.METRIC and not metric

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
        self.learner.train(progress)
        torch.manual_seed(self.config.seed + self.step)  # also when a run goes on
        batch = self.batches.batch(self.step).to(self.device)
        loss = self.learner.loss(batch, progress)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        parameters: list[Tensor] = list(self.learner.modules.parameters())
        nn.utils.clip_grad_norm_(parameters, self.config.clip)
        self.optimiser.step()
        self.step += 1
        return float(loss.detach())

    def validate(self) -> Scores:
        """Return the scores on frames that were not learned from."""
        batches = validation_batches(self.check, self.config)
        return judged(self.learner, batches, self.device, self.scaled)

    def save(self) -> None:
        """Write the state; a kill leaves the one before."""
        facts = {'step': self.step, 'history': self.history, 'scores': self.scores}
        modules = self.learner.modules
        save_state(self.out, modules, None, self.optimiser, facts)

    def run(self) -> list[list[float]]:
        """Train to the last step; return the scores on the way, the first before any step."""
        from tqdm import tqdm

        config = self.config
        if not self.scores:
            self._score(print)
        saved = time.monotonic()
        smooth: float | None = self.history[-1][1] if self.history else None
        bar = tqdm(total=config.steps, initial=self.step, unit='step', mininterval=1.0)
        while self.step < config.steps:
            loss = self.one_step()
            if not math.isfinite(loss):
                raise FloatingPointError(
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
        self.finish()
        return self.scores

    def _score(self, write: Any) -> None:
        found = self.validate()
        self.scores.append([self.step, found.error, found.aligned, found.close])
        write(f'step {self.step}: {found}')

    def finish(self) -> None:
        """Write the weights with what they are for, a card, the scores and the curves."""
        tensors = {
            key: value.detach().cpu().contiguous()
            for key, value in self.learner.network.state_dict().items()
        }
        if isinstance(self.learner, BuiltinLearner):
            trained = self.learner.trained
            facts = {
                'layout': trained.network.layout.as_dict(),
                'size': [self.config.width, self.config.height],
                'size_told': list(trained.size_with_ground),
            }
            metadata = {key: json.dumps(value) for key, value in facts.items()}
        else:
            metadata = self.learner.facts.dumped()
        save_file(tensors, self.out / WEIGHTS, metadata)
        names = ('step', 'error', 'aligned', 'close')
        rows = [dict(zip(names, row)) for row in self.scores]
        (self.out / SCORES).write_text(json.dumps(rows, indent=2) + '\n')
        curves = {
            'loss': [(step, loss) for step, loss in self.history],
            'AbsRel, unseen': [(step, error) for step, error, *_ in self.scores],
        }
        plot_curves(curves, self.out / 'training.png')
        card = BUILTIN_CARD if isinstance(self.learner, BuiltinLearner) else CARD
        (self.out / card).write_text(self._card())

    def _card(self) -> str:
        config = self.config
        first, last = self.scores[0], self.scores[-1]
        rendered = ['rendered sequences'] if config.data.frames else []
        source = ', '.join([*config.data.folders, *rendered])
        judged_as = 'at the best scale of each frame' if self.scaled else 'without scaling'
        known = {'labels': 'depth', 'pairs': 'the right images', 'video': 'neighbouring images'}
        labels = known[config.learn] + (' and odometry' if config.odometry else '')
        return f"""# {config.name}

{config.network}, trained by `depth_ros train config.yaml`. Weights in `{WEIGHTS}`.

| | |
|---|---|
| began with | {config.start or 'random weights'} |
| learned from | {self.images} images of {source}, with {labels} |
| steps | {self.step} of batch {config.batch} at {config.width}x{config.height} |
| AbsRel before and after, unseen frames, {judged_as} | {first[1]:.3f}, {last[1]:.3f} |
| within 25 % before and after | {first[3]:.3f}, {last[3]:.3f} |
"""
