# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Why nothing comes out, or not what should: facts in, sentences out. Pure Python.

Each sentence says what was expected, what is the case, and what to do. The order of the list is
the order in which a person should look.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from depth_ros.metric.scaler import ScaleState

QUIET = 2.0  # seconds without a message after which a topic is called silent
LARGE = 400_000  # bytes: what the default shared memory of the transport cannot pass at once
OLD = 1.0  # seconds of age that deserve a word where max_age is not set
FUTURE = -0.05  # seconds of age below which the clocks of two machines disagree
CROWDED = 0.3  # share of time without a processor that is worth a warning
PROFILE = 'config/fastdds_large_data.xml'


class Level(enum.IntEnum):
    """The levels of diagnostic_msgs/DiagnosticStatus."""

    OK = 0
    WARN = 1
    ERROR = 2
    STALE = 3


@dataclass(frozen=True)
class Reason:
    """One sentence; `code` stays the same while its numbers change."""

    level: Level
    code: str
    text: str


@dataclass(frozen=True)
class TopicFacts:
    """One input topic, as the graph and the subscription show it."""

    topic: str
    publishers: int = 1  # of the right type
    best_effort: int = 0  # of those
    latched: int = 0  # of those, transient local
    other_types: tuple[str, ...] = ()
    kind: str = 'sensor_msgs/msg/Image'
    reliable: bool = False  # what this node asks for
    keeps_latched: bool = False
    hertz: float = 0.0
    silent: float = 0.0  # seconds since the last message, or since the subscription
    received: int = 0  # since the subscription


@dataclass(frozen=True)
class EyeFacts:
    """One camera."""

    name: str  # '', 'left' or 'right', or after the name of a camera: 'front', 'front/left'
    image: TopicFacts
    info: TopicFacts
    has_info: bool = True
    image_bytes: int = 0


@dataclass(frozen=True)
class Facts:
    """Everything that decides what is said."""

    node: str = '<node>'  # its whole name, for the commands to call
    state: str = 'active'  # of the life cycle
    problem: str = ''  # why it could not be configured
    fallback: str = ''  # which model is used instead, and why
    loading: float = 0.0  # seconds since the model began to be loaded, while it is
    enabled: bool = True  # as the service ~/enable says
    consumers: int = 1
    eyes: Sequence[EyeFacts] = ()
    profile_variable: str = ''  # what would make this process pass large messages; '' if it does
    failure: str = ''  # the last frame that could not be worked on
    warnings: Mapping[str, str] = ()  # type: ignore[assignment]
    stamp_difference: float | None = None  # seconds, left to right, while no pair is found
    tolerance: float = 0.0
    age: float = float('nan')  # seconds, of the last frames
    max_age: float = 0.0
    too_old: int = 0  # frames since the last report
    relative: bool = False  # the model gives relative values and no scale is known
    scale_remedy: str = (
        'set scale and shift, name a sensor in scale.source, or choose a metric model'
    )
    scale: ScaleState | None = None  # of the last frame, where a source is asked for it
    no_baseline: bool = False  # of the pair whose disparity is published
    waiting: float = 0.0  # share of the time it could run that the process waits for a processor
    computing: float = 0.0  # seconds that a frame takes
    fresh: Reason | None = None  # what is to be said of age and rate, where limits are set
    no_clock: bool = False  # simulated time is asked for, and there is none


def explain(facts: Facts) -> list[Reason]:
    """Return every reason that holds, the gravest first; empty means that all is well."""
    return sorted(_reasons(facts), key=lambda reason: -reason.level)


OF_NODE = {'not_configured', 'fallback', 'not_active', 'loading', 'no_clock', 'processor'}


def of_camera(reason: Reason, camera: str) -> Reason:
    """Return a reason that names the camera it is about, where a node has several."""
    if not camera or reason.code in OF_NODE:
        return reason
    if reason.code.startswith((f'{camera}_', f'{camera}/')):
        return reason  # one of an input, which has the camera's name in it
    return replace(reason, code=f'{camera}: {reason.code}', text=f'{camera}: {reason.text}')


def _reasons(facts: Facts) -> Iterator[Reason]:
    if facts.problem:
        yield Reason(Level.ERROR, 'not_configured', facts.problem)
    if facts.fallback:
        yield Reason(Level.WARN, 'fallback', facts.fallback)
    if facts.state != 'active':
        if not facts.problem:
            yield Reason(
                Level.WARN,
                'not_active',
                f'the node is {facts.state}, nothing is published until it is active; '
                f'{_next(facts.node, facts.state)}',
            )
        return
    if not facts.enabled:
        yield Reason(
            Level.OK,
            'off',
            'turned off by the service ~/enable, so nothing is computed; call it with data: true',
        )
        return
    if facts.loading:
        yield Reason(
            Level.WARN,
            'loading',
            f'the model is being loaded, {facts.loading:.0f} s so far; depth follows once it is',
        )
    if facts.failure:
        yield Reason(Level.ERROR, 'failure', facts.failure)
    if facts.no_clock:
        yield Reason(
            Level.ERROR,
            'no_clock',
            'use_sim_time is set but nothing comes on /clock, so the time is 0; play the bag with '
            '--clock, start the simulator, or set use_sim_time to false',
        )
    for eye in facts.eyes:
        yield from _eye(eye, facts)
    for code, text in dict(facts.warnings).items():
        yield Reason(Level.WARN, code, text)
    if facts.consumers == 0:
        yield Reason(Level.OK, 'idle', 'outputs have no subscribers, so nothing is computed')
        return
    yield from _stamps(facts)
    yield from _speed(facts)
    if facts.fresh is not None:
        yield facts.fresh
    if facts.relative and facts.scale is not None:
        yield Reason(
            Level.ERROR,
            'scale',
            f'only ~/relative is published, without metres: {facts.scale.problem}',
        )
    elif facts.scale is not None and facts.scale.problem:
        yield Reason(Level.WARN, 'scale_doubt', f'the scale is in doubt: {facts.scale.problem}')
    elif facts.no_baseline:
        yield Reason(
            Level.WARN,
            'no_baseline',
            'the baseline of the pair is 0 m, so ~/disparity is published without depth and '
            'points; expected P[3] of the right camera_info to be -fx * baseline: calibrate the '
            'pair with cameracalibrator',
        )
    elif facts.relative:
        yield Reason(
            Level.WARN,
            'relative',
            'the model gives relative depth and no scale is known, so only ~/relative is '
            f'published; {facts.scale_remedy}',
        )


def _speed(facts: Facts) -> Iterator[Reason]:
    if facts.waiting > CROWDED:
        yield Reason(
            Level.WARN,
            'processor',
            f'this process waits for a processor {facts.waiting:.0%} of the time that it could '
            'run: other processes use the machine; stop some, give this one a higher priority '
            '(nice, cgroups), or use a smaller model',
        )
    hertz = max((eye.image.hertz for eye in facts.eyes), default=0.0)
    if facts.computing * hertz > 1.1:
        yield Reason(
            Level.OK,
            'slow',
            f'a frame takes {1e3 * facts.computing:.0f} ms and the camera sends {hertz:.1f} a '
            'second: the newest is taken and the others are dropped; for more, use a smaller '
            'model, a smaller input_size, or a GPU',
        )


def _next(node: str, state: str) -> str:
    if state == 'finalized':
        return 'it has ended, start it again'
    transition = {'inactive': 'activate'}.get(state, 'configure')
    return f'call `ros2 lifecycle set {node} {transition}`'


def _eye(eye: EyeFacts, facts: Facts) -> Iterator[Reason]:
    side = f'{eye.name} ' if eye.name else ''
    code = f'{eye.name}_' if eye.name else ''
    # Without subscribers an absent camera is reported, but it is no error.
    gravest = Level.ERROR if facts.consumers else Level.WARN
    for what, topic in (('image', eye.image), ('camera_info', eye.info)):
        for reason in _topic(f'{side}{what}', f'{code}{what}', topic):
            yield replace(reason, level=min(reason.level, gravest))
    if facts.consumers == 0:
        return  # nothing is subscribed, so silence means nothing
    image, info = eye.image, eye.info
    image_silent, info_silent = image.silent > QUIET, info.silent > QUIET
    if image.received and not eye.has_info and info.silent > 0.5 * QUIET:
        yield Reason(
            Level.ERROR,
            f'{code}no_info',
            f'{side}image arrives, {side}camera_info does not: nothing comes on {info.topic}; '
            f'publish the calibration there or remap {side.strip() + "/" if side else ""}'
            'camera_info' + _latched_hint(info),
        )
    if _starved(eye):
        if facts.profile_variable:
            remedy = f'set {facts.profile_variable} to {PROFILE} for the camera and this node'
        else:
            remedy = f'this node has the transport profile, give it to the camera too ({PROFILE})'
        yield Reason(
            Level.ERROR if image_silent else Level.WARN,
            f'{code}transport',
            f'{side}image arrives at {image.hertz:.1f} Hz but {side}camera_info at '
            f'{info.hertz:.1f} Hz: large best-effort messages get lost in the default '
            f'transport; {remedy}',
        )
    elif image_silent and image.publishers and not _incompatible(image):
        state = 'stopped arriving' if image.received else 'does not arrive'
        beside = '' if info_silent else f', {side}camera_info does'
        yield Reason(
            Level.ERROR,
            f'{code}silent',
            f'{side}image {state}{beside}: {image.publishers} publisher(s) on {image.topic}, '
            f'nothing for {image.silent:.0f} s; check the camera driver',
        )


def _topic(what: str, code: str, topic: TopicFacts) -> Iterator[Reason]:
    if topic.publishers == 0 and topic.other_types and not topic.received:
        yield Reason(
            Level.ERROR,
            f'{code}_type',
            f'{topic.topic} carries {" and ".join(topic.other_types)}, expected {topic.kind}; '
            'remap the topic or set image_transport',
        )
    elif topic.publishers == 0:
        yield Reason(
            Level.ERROR,
            f'{code}_no_publisher',
            f'no publisher of {what} on {topic.topic}; start the camera or remap the topic',
        )
    elif _incompatible(topic):
        yield Reason(
            Level.ERROR,
            f'{code}_qos',
            f'{what} cannot arrive: publisher is best-effort, subscriber is reliable on '
            f'{topic.topic}; remove qos_overrides.{topic.topic}.subscription.reliability',
        )
    elif topic.publishers > 1:
        yield Reason(
            Level.WARN,
            f'{code}_publishers',
            f'{topic.publishers} publishers of {what} on {topic.topic}, expected one: the metres '
            'depend on which message comes last; stop the others or remap them',
        )


def _incompatible(topic: TopicFacts) -> bool:
    return topic.reliable and topic.best_effort == topic.publishers > 0


def _latched_hint(info: TopicFacts) -> str:
    if not info.latched or info.keeps_latched:
        return ''
    name = f'qos_overrides.{info.topic}.subscription'
    return (
        ' (its publisher keeps one message for late subscribers: set '
        f'{name}.durability to transient_local and {name}.reliability to reliable)'
    )


def _starved(eye: EyeFacts) -> bool:
    """Return whether images get lost at our best-effort subscription, and camera_info does not."""
    image, info = eye.image, eye.info
    known_small = 0 < eye.image_bytes < LARGE
    return (
        not image.reliable
        and image.publishers > 0
        and (image.received > 0 or image.best_effort > 0)
        and not known_small
        and info.hertz > 1.0
        and image.hertz < 0.7 * info.hertz
        and info.received > 4
    )


def _stamps(facts: Facts) -> Iterator[Reason]:
    if facts.stamp_difference is not None:
        more = (
            'synchronise the cameras or raise approximate_sync_tolerance_seconds'
            if facts.tolerance > 0
            else 'synchronise the cameras or set approximate_sync'
        )
        yield Reason(
            Level.ERROR,
            'stamps',
            f'left and right stamps differ by {1e3 * facts.stamp_difference:.3g} ms, '
            f'tolerance {1e3 * facts.tolerance:.3g} ms; {more}',
        )
    if facts.too_old:
        yield Reason(
            Level.ERROR,
            'too_old',
            f'{facts.too_old} image(s) were {facts.age:.3g} s old, max_age is '
            f'{facts.max_age:.3g} s; raise max_age, use a faster model, or set use_sim_time if '
            'a bag is playing',
        )
    elif facts.age > OLD:
        yield Reason(
            Level.WARN,
            'old',
            f'images are {facts.age:.3g} s old when their depth is published; use a faster model, '
            'or, if the camera is on another machine, synchronise the clocks; set use_sim_time '
            'if a bag is playing',
        )
    elif facts.age < FUTURE and not facts.no_clock:
        yield Reason(
            Level.WARN,
            'future',
            f'stamps lie {-facts.age:.3g} s in the future; synchronise the clocks of the camera '
            'and this machine',
        )
