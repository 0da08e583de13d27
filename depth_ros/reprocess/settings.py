# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What is asked of one recording, and the model and the outputs that follow from it."""

from __future__ import annotations

import copy
import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from depth_ros import threads
from depth_ros.files.bags.content import BagError
from depth_ros.models.protocol import DepthModel
from depth_ros.models.registry import create_model
from depth_ros.nodes.output.output import Output, outputs_of
from depth_ros.nodes.parameters.spec import ParameterSpec, Value, checked
from depth_ros.nodes.parameters.specs import MONO, STEREO, pipeline_options
from depth_ros.pipeline import Options, Pipeline
from depth_ros.reprocess.topics import Choice, Eye
from depth_ros.shots import is_named_rectified
from depth_ros.types import DepthError

NODES = {1: 'mono_depth', 2: 'stereo_depth'}
# What only a running node can do.
_LIVE = {
    *('model', 'fallback', 'autostart', 'threads', 'cameras', 'max_batch'),
    *('image_transport', 'image_decimation', 'max_age', 'queue_size'),
    *('refine', 'mount_frame', 'mount_imu', 'mount_imu_pose'),
}
_LIVE_GROUP = 'scale.'  # sensors beside the camera
# What is written where nothing else is asked for.
_USUAL = {
    *('depth/image', 'depth/camera_info', 'points', 'disparity', 'confidence', 'relative'),
}


@dataclass(frozen=True)
class Export:
    """Files beside the recording; empty paths for none."""

    frames: str = ''  # a folder of image_left, depth, camera.yaml for `train` and `eval`
    formats: tuple[str, ...] = ()  # npy, ply, besides
    images: int = 0  # so many images over time for the report
    video: bool = False


@dataclass(frozen=True)
class BagJob:
    """
    One recording to process; plain values, so that it can be sent to another machine.

    :param parameters: those of the node, by name; what is not given has its default.
    :param outputs: topics of the node, without its name; empty for the usual ones.
    :param copy: input topics that are copied; '*' for all of them.
    :param split: seconds of recording per file of the output, 0 for one file. Each begins anew,
        without what the model carries from frame to frame, so they can be computed in parallel.
    """

    source: str
    out: str
    model: str
    options: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Value] = field(default_factory=dict)
    choice: Choice = field(default_factory=Choice)
    outputs: tuple[str, ...] = ()
    copy: tuple[str, ...] = ()
    namespace: str = ''
    compression: str = 'none'
    split: float = 0.0
    export: Export = field(default_factory=Export)
    threads: int = 0

    @property
    def name(self) -> str:
        """What the files of the output are called."""
        return Path(self.out).name

    @property
    def key(self) -> str:
        """Equal for jobs of equal results: an unfinished output is continued by an equal one."""
        asked = dataclasses.asdict(self)
        for name in ('out', 'threads'):
            del asked[name]
        asked['source'] = str(Path(self.source).resolve())
        text = json.dumps(asked, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class Engine:
    """A loaded model and the outputs of its node; it serves one job after the other."""

    def __init__(
        self, model: DepthModel, parameters: Mapping[str, Value], outputs: tuple[str, ...]
    ) -> None:
        self.model = model
        self.views = model.info.views or 1
        if self.views not in NODES:
            raise BagError(
                f'model {model.info.name!r} takes {self.views} views, expected one or two'
            )
        self.node = NODES[self.views]
        specs = {spec.name: spec for spec in (STEREO if self.views == 2 else MONO)}
        self.specs = tuple(specs.values())
        self.values: Mapping[str, Value] = MappingProxyType(_checked(specs, parameters))
        self.outputs = _chosen(outputs_of(self.views), outputs, self.node)
        self.prepared = {output.topic: output.prepare(self.values) for output in self.outputs}

    def changed(self, parameter: str, value: Value) -> Engine:
        """Return an engine of the same model and outputs; others that use this one keep theirs."""
        other = copy.copy(self)
        other.values = MappingProxyType({**self.values, parameter: value})
        return other

    def pipeline(self, eyes: tuple[Eye, ...]) -> Pipeline:
        """Return a pipeline that begins anew."""
        return Pipeline(self.model, self.options(eyes))

    @property
    def tolerance(self) -> float:
        """Seconds by which the stamps of a pair may differ."""
        if self.views == 1 or not self.values['approximate_sync']:
            return 0.0
        return float(self.values['approximate_sync_tolerance_seconds'])

    def options(self, eyes: tuple[Eye, ...]) -> Options:
        """Return what is done around the model for images of these topics."""
        options = pipeline_options(self.values)
        if options.rectify == 'auto' and any(is_named_rectified(eye.image) for eye in eyes):
            return dataclasses.replace(options, rectify='never')
        return options


def engine_for(job: BagJob) -> Engine:
    """Return the engine of a job; the last ones are kept, so that a worker loads a model once."""
    count = threads.use(job.threads)
    return _engine(
        job.model,
        json.dumps(dict(job.options), sort_keys=True),
        json.dumps(dict(job.parameters), sort_keys=True),
        job.outputs,
        count,
    )


@functools.lru_cache(maxsize=2)
def _engine(
    name: str, options: str, parameters: str, outputs: tuple[str, ...], count: int
) -> Engine:
    model = create_model(name, json.loads(options))
    threads.use(count)  # of the libraries that the model has imported
    return Engine(model, json.loads(parameters), outputs)


def _checked(specs: Mapping[str, ParameterSpec], given: Mapping[str, Value]) -> dict[str, Value]:
    rates = {name for name in specs if name.endswith('_max_rate')}
    usable = {
        name: spec
        for name, spec in specs.items()
        if name not in _LIVE | rates and not name.startswith(_LIVE_GROUP)
    }
    for name in given:
        if name not in usable:
            why = 'is for live topics' if name in specs else 'is not one of the node'
            raise DepthError(
                f'parameter {name!r} {why}; recordings take {", ".join(sorted(usable))}'
            )
    values = checked(specs.values(), given)
    if values['temporal'] == 'pose':
        raise DepthError(
            'temporal is pose, which needs the odometry of a running node; recordings take off, '
            'flow or still'
        )
    return values


def _chosen(outputs: tuple[Output, ...], names: tuple[str, ...], node: str) -> tuple[Output, ...]:
    by_name = {output.topic: output for output in outputs}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise DepthError(f'{node} has no output {unknown[0]!r}; it has {", ".join(by_name)}')
    wanted = names or [name for name in by_name if name in _USUAL]
    return tuple(output for output in outputs if output.topic in wanted)
