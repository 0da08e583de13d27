# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The training loop: mixed precision, an averaged network, a cosine schedule, resumable."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
import yaml
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from depth_ros.files.writing import make_folder, replacing, write_text
from depth_ros.geometry.depth_values import in_range
from depth_ros.lab.eval.frames import Source
from depth_ros.lab.train import losses
from depth_ros.lab.train.card import write_card
from depth_ros.lab.train.checkpoint import HISTORY, load_state, read_facts, save_state
from depth_ros.lab.train.config import LossConfig, TrainConfig, config_to
from depth_ros.lab.train.data import Batch, read_frame, training_batches, validation_batches
from depth_ros.lab.train.export import write_runtimes
from depth_ros.lab.train.features import vary_features
from depth_ros.lab.train.imagenet import load_encoder
from depth_ros.lab.train.limits import NEAREST
from depth_ros.lab.train.optimiser import make_optimiser
from depth_ros.lab.train.plot import plot_curves
from depth_ros.lab.train.precision import keep_float32
from depth_ros.models.engine.device import choose_device
from depth_ros.models.mono.builtin import weights_folder
from depth_ros.models.mono.builtin_weights import read_network
from depth_ros.models.networks.builtin.answer import DEPTHS, LOG_ERROR, LOG_ERROR_BIAS
from depth_ros.models.networks.builtin.network import BuiltinNetwork, Layout
from depth_ros.models.networks.builtin.scale import CANONICAL_FOCAL, LOG_DEPTH_BIAS
from depth_ros.models.weights.verify import WEIGHTS
from depth_ros.types import DepthError, quoted


def learning_rate(step: int, config: TrainConfig) -> float:
    """Return the rate of a step: a linear start, then half a cosine down to `end_rate`."""
    if step < config.warm_up:
        return config.rate * (step + 1) / config.warm_up
    done = (step - config.warm_up) / max(config.steps - config.warm_up, 1)
    falling = 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
    return config.rate * (config.end_rate + (1 - config.end_rate) * falling)


class Guess(NamedTuple):
    """What the network predicts, all (batch, height, width) at the size of the input."""

    log_depth: Tensor  # metres
    log_error: Tensor
    sky: Tensor  # log odds
    bare: Tensor  # log odds


def predict(network: nn.Module, batch: Batch, dtype: torch.dtype) -> Guess:
    """Return what the network predicts, with the bare ground where it is known to be."""
    image, known = (x.to(memory_format=torch.channels_last) for x in (batch.image, batch.known))
    with torch.autocast(image.device.type, dtype, enabled=dtype is not torch.float32):
        output = network(image, known)
    output = output.float()
    log_depth = functional.pixel_shuffle(output[:, :DEPTHS], 2)[:, 0] + LOG_DEPTH_BIAS
    log_depth = log_depth + (batch.focal / CANONICAL_FOCAL).log()[:, None, None]
    log_error, sky, bare = functional.interpolate(
        output[:, DEPTHS:], scale_factor=2.0, mode='bilinear'
    ).unbind(1)
    away = torch.nan_to_num(batch.floor - log_depth, nan=0.0)
    log_depth = log_depth + bare.sigmoid() * away
    return Guess(log_depth, (log_error + LOG_ERROR_BIAS).clamp(*LOG_ERROR), sky, bare)


def total_loss(guess: Guess, batch: Batch, config: LossConfig, max_depth: float) -> Tensor:
    """Return the weighted sum of the losses."""
    log_depth, log_error, sky, bare = guess
    mask = in_range(batch.depth, NEAREST, max_depth)
    target = torch.where(mask, batch.depth, torch.ones_like(batch.depth))
    silog = losses.scale_invariant_log(log_depth, target, mask, config.variance_focus)
    edges = losses.gradient_matching(log_depth, target.log(), mask, align=False)
    honest = losses.laplace_log_likelihood(log_depth, log_error, target, mask)
    total = config.scale_invariant * silog + config.gradient * edges + config.likelihood * honest
    if config.sky:
        is_sky = batch.depth.isposinf()
        total = total + config.sky * losses.cross_entropy(sky, is_sky, mask | is_sky)
    if config.bare:
        known = mask & batch.floor.isfinite()
        total = total + config.bare * losses.cross_entropy(bare, batch.bare, known)
    return total


class Trainer:
    """A run in a folder; making it again on the same folder goes on where it was."""

    def __init__(
        self, config: TrainConfig, train: Sequence[Source], check: Sequence[Source], out: Path
    ) -> None:
        self.config, self.train_frames, self.check_frames, self.out = config, train, check, out
        make_folder(out)
        torch.manual_seed(config.seed)
        self.device = choose_device(config.device)
        # bfloat16 keeps the range of float32, so no loss scaling is needed.
        self.dtype = torch.float32 if config.precision == 'float32' else torch.bfloat16
        network = first_network(config, out)
        share = math.sqrt(config.use_area)
        self.size = [max(32, round(v * share / 32) * 32) for v in (config.width, config.height)]
        self.network = network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average: BuiltinNetwork = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.network.freeze()
        if self.dtype is not torch.float32:
            keep_float32(self.network, self.device)
        if config.augment.features:
            vary_features(self.network, config.augment.features)
        own = [p for n, p in self.network.named_parameters() if not n.startswith('encoder.')]
        self.optimiser = make_optimiser(
            config.optimiser,
            own,
            config.rate,
            config.weight_decay,
            self.network.encoder.parameters(),
            config.encoder_rate,
        )
        facts = load_state(out, self.network, self.average, self.optimiser) or {}
        check_start(facts, config, out)
        before = facts.get('optimiser', config.optimiser)
        if before != config.optimiser:
            raise DepthError(
                f'{out} was trained with optimiser {before}, the configuration says '
                f'{config.optimiser}; give another --out with `start: {out}`'
            )
        self.step = int(facts.get('step', 0))
        self.history: list[list[float]] = facts.get('history', [])
        self.scores: list[list[float]] = facts.get('scores', [])
        write_text(out / 'config.yaml', yaml.safe_dump(config_to(config), sort_keys=False))

    def save(self) -> None:
        """Write the state, and the averaged network as it would be shipped."""
        facts = {
            'step': self.step,
            'start': self.config.start,
            'optimiser': self.config.optimiser,
            'layout': self.network.layout.as_dict(),
            'size': self.size,
            'history': self.history,
            'scores': self.scores,
        }
        save_state(self.out, self.network, self.average, self.optimiser, facts)

    def one_step(self, batch: Batch) -> float:
        """Learn from one batch and return its loss."""
        for group in self.optimiser.param_groups:
            group['lr'] = group['share'] * learning_rate(self.step, self.config)
        self.network.train()
        # Like its batch, what a step varies depends on its number, also when a run goes on.
        torch.manual_seed(self.config.seed + self.step)
        batch = batch.to(self.device)
        answer = predict(self.network, batch, self.dtype)
        loss = total_loss(answer, batch, self.config.loss, self.config.data.max_depth)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip)
        self.optimiser.step()
        self._average()
        self.step += 1
        return float(loss.detach())

    @torch.no_grad()
    def _average(self) -> None:
        # A young average follows quickly, or it would remember the random start for long.
        keep = min(self.config.ema, (1 + self.step) / (10 + self.step))
        means, values = (list(m.state_dict().values()) for m in (self.average, self.network))
        torch._foreach_lerp_(
            [m for m in means if m.is_floating_point()],
            [v for v in values if v.is_floating_point()],
            1 - keep,
        )
        for mean, value in zip(means, values, strict=True):
            if not mean.is_floating_point():  # how many batches were normalised
                mean.copy_(value)

    @torch.inference_mode()
    def validate(self) -> dict[str, float]:
        """Return AbsRel and the share within 25 %, without scaling, of the averaged network."""
        absolute, close, count = 0.0, 0.0, 0
        for batch in validation_batches(self.check_frames, self.config):
            batch = batch.to(self.device)
            log_depth = predict(self.average, batch, torch.float32).log_depth
            limit = self.config.data.max_depth
            mask = in_range(batch.depth, NEAREST, limit)
            ratio = (log_depth[mask] - batch.depth[mask].log()).exp()
            absolute += float((ratio - 1).abs().sum())
            close += float(((ratio < 1.25) & (ratio > 0.8)).sum())
            count += int(mask.sum())
        if not count:
            raise DepthError(
                f'no pixel of {len(self.check_frames)} validation frames has a depth from '
                f'{NEAREST:g} to {self.config.data.max_depth:g} m; check data.max_depth and the '
                'frames'
            )
        return {'abs_rel': absolute / max(count, 1), 'delta1': close / max(count, 1)}

    def run(self, stop: Callable[[], bool] = lambda: False) -> dict[str, Any] | None:
        """
        Train to the last step, saving on the way; return the final scores.

        `stop` is asked between two steps: the state is saved then, and None is returned.
        """
        from tqdm import tqdm

        config = self.config
        self.check_depth()
        batches = training_batches(self.train_frames, config, self.step)
        saved = time.monotonic()
        bar = tqdm(total=config.steps, initial=self.step, unit='step', mininterval=1.0)
        smooth: float | None = self.history[-1][1] if self.history else None
        while self.step < config.steps and not stop():
            try:
                batch = next(batches)
            except RuntimeError:  # the signal has ended the process that makes batches, too
                if stop():
                    break
                raise
            loss = self.one_step(batch)
            if not math.isfinite(loss):
                raise DepthError(
                    f'the loss of step {self.step} is {loss}; lower `rate`, or set precision: '
                    'float32; the last state is kept'
                )
            smooth = loss if smooth is None else 0.98 * smooth + 0.02 * loss
            bar.update()
            bar.set_postfix(loss=f'{smooth:.4f}', refresh=False)
            if self.step % HISTORY == 0:
                self.history.append([self.step, round(smooth, 5)])
            if self.step % config.validate_every == 0 or self.step == config.steps:
                score = self.validate()
                self.scores.append([self.step, score['abs_rel'], score['delta1']])
                bar.write(
                    f'step {self.step}: validation AbsRel {score["abs_rel"]:.3f}, '
                    f'within 25 % {score["delta1"]:.3f}'
                )
            if time.monotonic() - saved > config.save_seconds:
                self.save()
                saved = time.monotonic()
        bar.close()
        self.save()
        return self.finish() if self.step >= config.steps else None

    def check_depth(self) -> None:
        """Refuse frames without a single depth to learn from."""
        limit, few = self.config.data.max_depth, self.train_frames[:8]
        if not any(in_range(read_frame(f).depth, NEAREST, limit).any() for f in few):
            raise DepthError(
                f'no pixel of the first {len(few)} frames has a depth from {NEAREST:g} to '
                f'{limit:g} m; check data.max_depth and the frames'
            )

    def finish(self) -> dict[str, Any]:
        """Write what the run leaves as float16, for other runtimes, its card and the curves."""
        tensors = {k: _half(v) for k, v in self.average.state_dict().items()}
        facts = {'layout': self.average.layout.as_dict(), 'size': self.size}
        with replacing(self.out / WEIGHTS) as part:
            save_file(tensors, part, {k: json.dumps(v) for k, v in facts.items()})
        curves = {
            'loss': [(s, v) for s, v in self.history],
            'validation AbsRel': [(s, a) for s, a, _ in self.scores],
        }
        plot_curves(curves, self.out / 'training.png')
        last = self.scores[-1] if self.scores else [self.step, math.nan, math.nan]
        scores = {'step': self.step, 'abs_rel': last[1], 'delta1': last[2]}
        write_runtimes(self.out)
        write_card(self.out, self.config, scores, len(self.train_frames))
        return scores


def check_start(facts: dict[str, Any], config: TrainConfig, out: Path) -> None:
    """Refuse other first weights than those that a run has begun with."""
    before = facts.get('start', config.start)
    if before != config.start:
        raise DepthError(
            f'{out} was begun with {quoted(before or "random weights")}, the configuration says '
            f'start: {quoted(config.start)}; give another --out'
        )


def layout_from(values: dict[str, Any]) -> Layout:
    """Return the layout that a configuration gives."""
    try:
        return Layout(**values)
    except (TypeError, ValueError) as error:
        known = ', '.join(Layout().as_dict())
        raise DepthError(f'layout: {quoted(str(error), 200)}; it may have {known}') from error


def first_network(config: TrainConfig, out: Path) -> BuiltinNetwork:
    """Return the network a run begins with: a new one, or one that has learned already."""
    saved = read_facts(out)
    if not config.start:
        network = BuiltinNetwork(layout_from(config.layout))
        if saved is None:
            load_encoder(network.encoder, config.encoder)
        return network
    # A run that goes on no longer needs what it began with, which may be gone.
    if saved and 'layout' in saved:
        network = BuiltinNetwork(layout_from(saved['layout']))
    else:
        network = read_network(weights_folder(config.start))
    have = network.layout.as_dict()
    layout = layout_from({**have, **config.layout}).as_dict()
    if layout != have:
        raise DepthError(
            f'layout is {layout}, the weights of {config.start} have {have}; '
            'leave `layout` out to go on with theirs'
        )
    return network


def _half(tensor: Tensor) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    return tensor.half() if tensor.is_floating_point() else tensor
