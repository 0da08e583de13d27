# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The settings that docs/stereo.md offers run networks of the interfaces they are for."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

torch = pytest.importorskip('torch')
pytest.importorskip('onnx')
pytest.importorskip('onnxscript')
pytest.importorskip('onnxruntime')

from exact_matcher import Matcher, frontal_pair  # noqa: E402
from test_exported import export  # noqa: E402

from depth_ros.models.registry import create_model  # noqa: E402
from depth_ros.types import DepthKind  # noqa: E402

PAGE = Path(__file__).resolve().parents[3] / 'docs' / 'stereo.md'
BLOCKS = dict(re.findall(r'```yaml\n# (\w+\.yaml)\n(.*?)```', PAGE.read_text(), re.DOTALL))
SIZE = (64, 96)
WHOLE, HALF = [1, 3, *SIZE], [1, 3, SIZE[0] // 2, SIZE[1] // 2]
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


class StandIn(torch.nn.Module):
    """The exact matcher behind the inputs and outputs of a published network."""

    def __init__(self):
        super().__init__()
        self.matcher = Matcher(24)

    def disparity(self, left, right):
        return self.matcher(left, right)[0].float()


class Plain(StandIn):
    """Two RGB images from 0 to 255."""

    def forward(self, left, right):
        return self.disparity(left, right)


class Imagenet(StandIn):
    """Two RGB images, normalised."""

    def forward(self, left, right):
        mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (MEAN, STD))
        # Costs count on pixels from 0 to 255, and on no border of another colour.
        return self.disparity(*(255 * (x * std + mean) for x in (left, right)))


class Stacked(StandIn):
    """Two grey images from 0 to 1 in one input."""

    def forward(self, pair):
        left, right = (255 * pair).chunk(2, 1)
        return self.disparity(left, right).permute(0, 2, 3, 1)


class Twice(StandIn):
    """Each eye at half the size and whole; flow has two channels."""

    def forward(self, small_left, small_right, left, right):
        nothing = 0 * (small_left + small_right).sum()
        disparity = self.disparity(left, right)
        return torch.cat([disparity, torch.zeros_like(disparity)], 1) + nothing


class Sure(StandIn):
    """Disparity, occlusion and confidence."""

    def forward(self, left, right):
        disparity = self.disparity(left, right)
        return disparity, torch.zeros_like(disparity), torch.ones_like(disparity)


INTERFACES = {
    'foundation_stereo.yaml': (Plain, {'left': WHOLE, 'right': WHOLE}, ['disp']),
    'fast_foundation_stereo.yaml': (
        Imagenet,
        {'left_image': WHOLE, 'right_image': WHOLE},
        ['disparity'],
    ),
    's2m2.yaml': (Sure, {'input_left': WHOLE, 'input_right': WHOLE}, ['disp', 'occ', 'conf']),
    'hitnet_eth3d.yaml': (Stacked, {'input': [1, 2, *SIZE]}, ['reference_output_disparity']),
    'crestereo.yaml': (
        Twice,
        {'init_left': HALF, 'init_right': HALF, 'next_left': WHOLE, 'next_right': WHOLE},
        ['output'],
    ),
}


def test_the_page_has_settings_for_every_network():
    assert BLOCKS.keys() == INTERFACES.keys()


@pytest.mark.parametrize('file', INTERFACES)
def test_the_settings_of_the_page_fit(file, tmp_path):
    module, inputs, outputs = INTERFACES[file]
    path = tmp_path / f'{Path(file).stem}.onnx'
    export(module(), path, map(torch.rand, inputs.values()), outputs, inputs)
    text, settings = BLOCKS[file], yaml.safe_load(BLOCKS[file])
    if file == 's2m2.yaml':  # as the page says below it
        text += f'confidence: {outputs[2]}\n'
    (tmp_path / file).write_text(text)
    model = create_model(str(path))
    facts = model.info.facts
    assert facts['licence'] == settings['licence']
    assert facts['commercial use'] == ('yes' if settings.get('commercial') else 'no')
    for factor in (1, 2):  # images of the size of the network, and twice as large
        size = [factor * side for side in SIZE]
        prediction = model.predict(frontal_pair(*size, 8 * factor))
        inside = prediction.values[8:-8, 40 * factor : -8]
        assert np.median(inside) == pytest.approx(8 * factor, abs=0.1)
        assert prediction.kind is DepthKind.DISPARITY
        reach = settings.get('reach', SIZE[1])
        assert prediction.disparity_range == pytest.approx((0, (reach - 1) * factor), abs=factor)
        assert (prediction.confidence is not None) == (file == 's2m2.yaml')
