# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Depth Anything 3 as a model: one view in, or all views of a scene, with or without poses.

One view gives depth at the size of its image. Several views give depth at the network's own size
with the camera of those pixels: nothing is interpolated, and many large images stay small.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import cv2
import numpy as np

from depth_ros.geometry.camera import crop_camera, resize_camera
from depth_ros.geometry.resize import resize_depth
from depth_ros.geometry.similarity import align_cameras
from depth_ros.models.engine.model import RuntimeModel
from depth_ros.models.engine.runtime import Runtime
from depth_ros.models.multi_view.depth_anything_3_network import (
    CONFIDENCE,
    DEPTH,
    SKY,
    scene_of,
)
from depth_ros.models.networks.depth_anything_3.preprocess import (
    LONGEST,
    Size,
    network_sizes,
    preprocess,
    preprocess_views,
)
from depth_ros.models.options import EngineOptions, option
from depth_ros.models.protocol import ModelError, ModelInfo
from depth_ros.types import (
    Camera,
    DepthError,
    DepthKind,
    FloatImage,
    Image,
    Known,
    Matrix,
    Prediction,
    View,
)

CANONICAL_FOCAL = (
    300.0  # pixels of the network's input, for which the metric network states metres
)


@dataclass(frozen=True)
class OneViewOptions(EngineOptions):
    """Options of the networks of one view."""

    input_size: int = option(
        0, f"long side of the network's input in pixels; 0 is the authors' {LONGEST}",
        range=(0, 4096),
    )  # fmt: skip
    weights: str = option(
        '', 'safetensors file, folder or hub id of the weights; empty takes the official ones'
    )
    sky_threshold: float = option(
        0.3, 'sky output from which a pixel is sky, where the model has one', range=(0.0, 100.0)
    )


@dataclass(frozen=True)
class ViewsOptions(OneViewOptions):
    """Options of the networks of any number of views."""

    cameras_from: str = option(
        'decoder',
        'what estimates poses and intrinsics of several views: the camera decoder, or the ray '
        'maps, which is slower and a little more accurate',
        choices=('decoder', 'rays'),
    )
    views_at_once: int = option(
        4, 'views that the head works on at a time, which bounds its memory', range=(1, 1024)
    )


class _Meaning(NamedTuple):
    """What the numbers of a scene are."""

    kind: DepthKind
    scale: float = 1.0
    poses: Sequence[Matrix | None] = ()


class DepthAnything3Model(RuntimeModel):
    """A network of Depth Anything 3 and the runtime that executes it."""

    def __init__(
        self,
        info: ModelInfo,
        runtime: Runtime,
        network: Any,
        options: OneViewOptions,
        *,
        canonical: bool = False,
    ) -> None:
        """
        Take a network and what runs it.

        :param canonical: whether its depth is metric for a focal length of 300 px.
        """
        super().__init__(runtime)
        self.info, self.options = info, options
        self._network, self._canonical = network, canonical

    @property
    def longest(self) -> int:
        """Pixels of the long side of the network's input."""
        return self.options.input_size or LONGEST

    def close(self) -> None:
        super().close()
        self._network = None

    def warm_up(self, cameras: Sequence[Camera]) -> None:
        runtime = self._open_runtime()
        random = np.random.default_rng(0)
        views = []
        for camera in cameras:
            noise = random.integers(0, 256, (camera.height, camera.width, 3), np.uint8)
            views.append(View(noise, camera, Known(camera=False)))
        with runtime.guard():
            runtime.tune(self._input(runtime, views[:1]))
        for _ in range(2):  # the second frame meets caches that the first has filled
            self.predict(views)

    def predict(self, views: Sequence[View], previous: Prediction | None = None) -> Prediction:
        return self.predict_batch([views])[0]

    def predict_batch(
        self,
        batch: Sequence[Sequence[View]],
        previous: Sequence[Prediction | None] | None = None,
    ) -> list[Prediction]:
        """Predict for several cameras or scenes; single images of one size share a pass."""
        runtime = self._open_runtime()
        results: dict[int, Prediction] = {}
        together: dict[tuple[int, int], list[int]] = {}
        for index, views in enumerate(batch):
            if len(views) > 1:
                results[index] = self._predict_scene(runtime, views)
            else:
                camera = views[0].camera
                together.setdefault((camera.height, camera.width), []).append(index)
        for indices in together.values():
            found = self._predict_each(runtime, [batch[i][0] for i in indices])
            results.update(zip(indices, found))
        return [results[index] for index in range(len(batch))]

    # One view

    def _input(self, runtime: Runtime, views: Sequence[View]) -> Any:
        """Return images of one size as the network takes them."""
        import torch

        planes = [preprocess(view.rgb, longest=self.longest).images for view in views]
        joined = planes[0] if len(planes) == 1 else np.concatenate(planes)
        return torch.from_numpy(joined).to(runtime.device, non_blocking=True)

    def _predict_each(self, runtime: Runtime, views: Sequence[View]) -> list[Prediction]:
        """Return the predictions of images of one size, each by itself."""
        started = time.perf_counter()
        with runtime.guard():
            images = self._input(runtime, views)
            prepared = time.perf_counter()
            outputs = {k: runtime.download(v) for k, v in runtime(images).items()}
        inferred = time.perf_counter()
        found = []
        for index, view in enumerate(views):
            small = {name: values[index] for name, values in outputs.items()}
            found.append(self._of_one_view(small, view))
        share = 1 / len(views)
        timings = {
            'preprocess': (prepared - started) * share,
            'inference': (inferred - prepared) * share,
            'postprocess': (time.perf_counter() - inferred) * share,
        }
        return [replace(prediction, timings=timings) for prediction in found]

    def _of_one_view(self, outputs: Mapping[str, FloatImage], view: View) -> Prediction:
        camera = view.camera
        depth = outputs[DEPTH]
        if self._canonical:
            depth = depth * np.float32(self._metres(camera, depth.shape))
        sky = outputs[SKY] - 1 if SKY in outputs else None
        depth = self._with_sky(depth, sky)
        confidence = _probability(outputs.get(CONFIDENCE))
        if confidence is not None:
            resized = cv2.resize(confidence, camera.size_wh, interpolation=cv2.INTER_LINEAR)
            confidence = np.asarray(resized, np.float32)
        return Prediction(
            self.info.kind,
            resize_depth(depth, camera.width, camera.height),
            camera,
            self.info.name,
            confidence=confidence,
        )

    def _metres(self, camera: Camera, shape: tuple[int, ...]) -> float:
        """Return what the canonical depth of a camera is multiplied by to be metres."""
        seen = resize_camera(camera, shape[1], shape[0])
        return (seen.fx + seen.fy) / 2 / CANONICAL_FOCAL

    def _with_sky(self, depth: FloatImage, sky: FloatImage | None) -> FloatImage:
        """Return depth with +Inf in the sky and NaN for what is no distance."""
        with np.errstate(invalid='ignore'):
            valid = (depth > 0) & (depth < np.inf)
        result = np.where(valid, depth, np.float32(np.nan))
        if sky is not None:
            # As the authors have it, what is no number counts as sky.
            result[~(sky < self.options.sky_threshold)] = np.inf
        return result

    # Several views

    def _predict_scene(self, runtime: Runtime, views: Sequence[View]) -> Prediction:
        import torch

        if self.info.views == 1:
            raise ModelError(
                f'{self.info.name} takes one view, {len(views)} were given; '
                'choose da3-small or another any-view model'
            )
        if runtime.describe().split()[0] != 'torch':
            raise ModelError(
                f'runtime {self.options.runtime} runs one view at a time and {len(views)} were '
                'given; set runtime to torch'
            )
        poses = known_poses(views)
        started = time.perf_counter()
        prepared = preprocess_views([v.rgb for v in views], _lenses(views), self.longest)
        assert prepared.intrinsics is not None
        size = (int(prepared.images.shape[3]), int(prepared.images.shape[2]))
        cameras = [cut_camera(view.camera, size, self.longest) for view in views]
        uploaded = time.perf_counter()
        with runtime.guard():
            images = torch.from_numpy(prepared.images).to(runtime.device)
            given: tuple[Any, ...] = ()
            if poses is not None:
                extrinsics = torch.from_numpy(np.linalg.inv(poses)).to(runtime.device)
                given = (extrinsics, torch.from_numpy(prepared.intrinsics).to(runtime.device))
            scene = scene_of(self._network, images, *given)
        inferred = time.perf_counter()
        found_poses, lenses = self._cameras(scene, size, views, prepared.intrinsics)
        cameras = [
            camera if view.known.camera else _pinhole(lens, size)
            for view, camera, lens in zip(views, cameras, lenses)
        ]
        meaning = self._meaning(found_poses, poses)
        made = [
            replace(
                self._of_scene(scene, index, camera, meaning),
                image=cut_image(views[index], size, self.longest),
            )
            for index, camera in enumerate(cameras)
        ]
        timings = {
            'preprocess': uploaded - started,
            'inference': inferred - uploaded,
            'postprocess': time.perf_counter() - inferred,
        }
        return replace(made[0], views=tuple(made), timings=timings)

    def _cameras(
        self, scene: Mapping[str, Any], size: Size, views: Sequence[View], intrinsics: Matrix
    ) -> tuple[Matrix, Matrix]:
        """Return estimated extrinsics (views, 4, 4) and intrinsics (views, 3, 3)."""
        found, lenses = scene['extrinsics'], scene['intrinsics']
        if getattr(self.options, 'cameras_from', 'decoder') == 'rays':
            import torch

            from depth_ros.models.networks.depth_anything_3.ray_pose import cameras_of_rays

            known = torch.from_numpy(intrinsics)[None]
            own = all(view.known.camera for view in views)
            rays, confidence = scene['rays'][None], scene['ray_confidence'][None]
            by_rays = cameras_of_rays(rays, confidence, size[::-1], known if own else None)
            found, lenses = by_rays.extrinsics[0], by_rays.intrinsics[0]
        extrinsics = np.tile(np.eye(4), (len(found), 1, 1))
        extrinsics[:, :3] = found.double().numpy()
        if not (np.isfinite(extrinsics).all() and np.isfinite(lenses.numpy()).all()):
            raise ModelError(
                f'{self.info.name} found no cameras for these views, expected finite poses; '
                'give views that overlap'
            )
        return extrinsics, lenses.double().numpy()

    def _meaning(self, extrinsics: Matrix, given: Matrix | None) -> _Meaning:
        """Return kind, scale and poses of a scene from its estimated and its known cameras."""
        if given is not None:
            try:
                scale = align_cameras(extrinsics, np.linalg.inv(given)).scale
            except DepthError:  # the estimated cameras stand in one place
                scale = 0.0
            # Cameras that stand in one place say nothing about the unit of the depth.
            if np.ptp(given[:, :3, 3], axis=0).max() > 0 and 0 < scale < np.inf:
                return _Meaning(DepthKind.METRIC, scale, list(given))
        return _Meaning(self.info.kind, 1.0, list(_from_first(extrinsics)))

    def _of_scene(
        self, scene: Mapping[str, Any], index: int, camera: Camera, meaning: _Meaning
    ) -> Prediction:
        depth = scene['depth'][index].numpy() * np.float32(meaning.scale)
        sky = None if scene['sky'] is None else scene['sky'][index].numpy()
        confidence = scene['confidence'][index].numpy()
        return Prediction(
            meaning.kind,
            self._with_sky(depth, sky),
            camera,
            self.info.name,
            confidence=_probability(confidence),
            pose=meaning.poses[index],
        )


def known_poses(views: Sequence[View]) -> Matrix | None:
    """Return the known camera-to-world poses (views, 4, 4); None where none is known."""
    known = [view.known.pose for view in views if view.known.pose is not None]
    if not known:
        return None
    if len(known) < len(views):
        raise ModelError(
            f'{len(known)} of {len(views)} views have a pose, expected all or none; '
            'give the other poses too, or leave all out'
        )
    if not all(view.known.camera for view in views):
        raise ModelError(
            'poses are known and the cameras of the views are not, expected both or neither; '
            'give the calibration of the cameras'
        )
    return np.stack(known)


def cut_camera(camera: Camera, size: Size, longest: int = LONGEST) -> Camera:
    """Return the camera of the part of its resized image that all views of a scene have."""
    _, whole = network_sizes(camera.width, camera.height, longest)
    resized = resize_camera(camera, *whole)
    left, top = (whole[0] - size[0]) // 2, (whole[1] - size[1]) // 2
    return crop_camera(resized, left, top, *size)


def cut_image(view: View, size: Size, longest: int = LONGEST) -> Image | None:
    """Return the part of a view's resized image that all views have; None where it is whole."""
    _, whole = network_sizes(view.camera.width, view.camera.height, longest)
    if whole == size:
        return None
    left, top = (whole[0] - size[0]) // 2, (whole[1] - size[1]) // 2
    resized = cv2.resize(view.image, whole, interpolation=cv2.INTER_AREA)
    return np.asarray(resized[top : top + size[1], left : left + size[0]], np.uint8)


def _lenses(views: Sequence[View]) -> list[Matrix]:
    """Return intrinsics whose middle of the image is (width / 2, height / 2)."""
    half_pixel = np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])
    return [view.camera.K + half_pixel for view in views]


def _pinhole(lens: Matrix, size: Size) -> Camera:
    centre = float(lens[0, 2]) - 0.5, float(lens[1, 2]) - 0.5
    try:
        return Camera.pinhole(*size, float(lens[0, 0]), float(lens[1, 1]), *centre)
    except DepthError as error:
        raise ModelError(
            f'the model estimates a camera that cannot be ({error}); give the true cameras'
        ) from error


def _from_first(extrinsics: Matrix) -> Matrix:
    """Return camera-to-world poses (views, 4, 4) in the world of the first camera."""
    return extrinsics[0] @ np.linalg.inv(extrinsics)


def _probability(confidence: FloatImage | None) -> FloatImage | None:
    """Return 0..1 of the authors' confidence, which begins at 1."""
    if confidence is None:
        return None
    with np.errstate(invalid='ignore', divide='ignore'):
        return np.nan_to_num(1 - 1 / confidence).astype(np.float32)
