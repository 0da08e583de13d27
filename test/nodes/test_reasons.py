# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From facts to sentences: each reason appears when it holds, and only then."""

from dataclasses import replace

import pytest

from depth_ros.nodes.health.reasons import EyeFacts, Facts, Level, TopicFacts, explain

IMAGE = TopicFacts('/image', best_effort=1, hertz=30.0, silent=0.01, received=100)
INFO = TopicFacts(
    '/camera_info',
    best_effort=1,
    kind='sensor_msgs/msg/CameraInfo',
    hertz=30.0,
    silent=0.01,
    received=100,
)
EYE = EyeFacts('', IMAGE, INFO, True, 921600)
WELL = Facts(eyes=[EYE], age=0.05)


def eye(image=None, info=None, **rest):
    return replace(
        EYE, image=replace(IMAGE, **(image or {})), info=replace(INFO, **(info or {})), **rest
    )


def test_when_all_is_well_nothing_is_said():
    assert explain(WELL) == []


NONE = {'received': 0, 'hertz': 0.0, 'silent': 9.0}
CASES = {
    'problem': (
        replace(WELL, state='unconfigured', problem='no weights in /x; fetch them'),
        Level.ERROR,
        'no weights in /x',
    ),
    'unconfigured': (
        replace(WELL, state='unconfigured', node='/front/mono_depth'),
        Level.WARN,
        'node is unconfigured, .* set /front/mono_depth configure',
    ),
    'finalized': (replace(WELL, state='finalized'), Level.WARN, 'it has ended, start it again'),
    'inactive': (replace(WELL, state='inactive'), Level.WARN, 'is inactive, .* activate'),
    'fallback': (replace(WELL, fallback='b is used instead of a'), Level.WARN, 'b is used'),
    'idle': (replace(WELL, consumers=0), Level.OK, 'outputs have no subscribers'),
    'no_publisher': (
        replace(WELL, eyes=[eye({'publishers': 0, 'best_effort': 0, **NONE})]),
        Level.ERROR,
        'no publisher of image on /image; start the camera or remap',
    ),
    'no_info_publisher': (
        replace(WELL, eyes=[eye(info={'publishers': 0, **NONE}, has_info=False)]),
        Level.ERROR,
        'no publisher of camera_info on /camera_info',
    ),
    'wrong_type': (
        replace(
            WELL,
            eyes=[
                eye(
                    {
                        'publishers': 0,
                        'best_effort': 0,
                        'other_types': ('sensor_msgs/msg/CompressedImage',),
                        **NONE,
                    }
                )
            ],
        ),
        Level.ERROR,
        '/image carries sensor_msgs/msg/CompressedImage, expected sensor_msgs/msg/Image; .*'
        'image_transport',
    ),
    'qos': (
        replace(WELL, eyes=[eye({'reliable': True, **NONE})]),
        Level.ERROR,
        'publisher is best-effort, subscriber is reliable on /image; remove qos_overrides./image',
    ),
    'info_missing': (
        replace(WELL, eyes=[eye(info=NONE, has_info=False)]),
        Level.ERROR,
        'image arrives, camera_info does not: nothing comes on /camera_info; publish',
    ),
    'info_latched': (
        replace(WELL, eyes=[eye(info={'latched': 1, **NONE}, has_info=False)]),
        Level.ERROR,
        'qos_overrides./camera_info.subscription.durability to transient_local and '
        'qos_overrides./camera_info.subscription.reliability to reliable',
    ),
    'image_missing': (
        replace(WELL, eyes=[eye({'best_effort': 0, **NONE})]),
        Level.ERROR,
        r'image does not arrive, camera_info does: 1 publisher\(s\) on /image, nothing for 9 s',
    ),
    'both_stopped': (
        replace(WELL, eyes=[eye({'silent': 4.0}, {'silent': 4.0, 'hertz': 0.0})]),
        Level.ERROR,
        r'image stopped arriving: 1 publisher\(s\) on /image, nothing for 4 s',
    ),
    'transport_loses_all': (
        replace(WELL, eyes=[eye(NONE, image_bytes=0)], profile_variable='VARIABLE'),
        Level.ERROR,
        'image arrives at 0.0 Hz but camera_info at 30.0 Hz: large best-effort messages get '
        'lost .* set VARIABLE to config/fastdds_large_data.xml for the camera and this node',
    ),
    'transport_loses_some': (
        replace(WELL, eyes=[eye({'hertz': 2.0})]),
        Level.WARN,
        'image arrives at 2.0 Hz but .* give it to the camera too',
    ),
    'two_calibrations': (
        replace(WELL, eyes=[eye(info={'publishers': 2})]),
        Level.WARN,
        '2 publishers of camera_info on /camera_info, expected one: .*stop the others or remap',
    ),
    'two_cameras_on_a_topic': (
        replace(WELL, eyes=[eye({'publishers': 3})]),
        Level.WARN,
        '3 publishers of image on /image, expected one',
    ),
    'no_baseline': (
        replace(WELL, relative=True, no_baseline=True),
        Level.WARN,
        r'baseline of the pair is 0 m, so ~/disparity is published without depth .*P\[3\]',
    ),
    'right_eye': (
        replace(WELL, eyes=[EYE, replace(eye(info=NONE, has_info=False), name='right')]),
        Level.ERROR,
        'right image arrives, right camera_info does not: .* remap right/camera_info',
    ),
    'stamps': (
        replace(WELL, stamp_difference=0.031, tolerance=0.01),
        Level.ERROR,
        'left and right stamps differ by 31 ms, tolerance 10 ms; .* raise',
    ),
    'exact_stamps': (
        replace(WELL, stamp_difference=0.0004),
        Level.ERROR,
        'stamps differ by 0.4 ms, tolerance 0 ms; .* set approximate_sync',
    ),
    'too_old': (
        replace(WELL, too_old=7, age=0.8, max_age=0.5),
        Level.ERROR,
        r'7 image\(s\) were 0.8 s old, max_age is 0.5 s; raise',
    ),
    'no_clock': (
        replace(WELL, no_clock=True, age=-1.8e9),
        Level.ERROR,
        'use_sim_time is set but nothing comes on /clock, .* play the bag with --clock',
    ),
    'old': (replace(WELL, age=31.0), Level.WARN, 'images are 31 s old .* use_sim_time'),
    'future': (replace(WELL, age=-2.0), Level.WARN, 'stamps lie 2 s in the future; synchronise'),
    'relative': (replace(WELL, relative=True), Level.WARN, 'no scale is known.*set scale and'),
    'failure': (replace(WELL, failure='a sentence'), Level.ERROR, 'a sentence'),
    'warning': (replace(WELL, warnings={'x': 'a warning'}), Level.WARN, 'a warning'),
}


@pytest.mark.parametrize('name', CASES)
def test_one_cause_one_sentence(name):
    import re

    facts, level, sentence = CASES[name]
    reasons = explain(facts)
    assert re.search(sentence, reasons[0].text), [r.text for r in reasons]
    assert reasons[0].level == level
    # no_info_publisher also says that the calibration is missing; every other cause says one thing
    assert len(reasons) == (2 if name == 'no_info_publisher' else 1), [r.text for r in reasons]


def test_the_gravest_comes_first():
    facts = replace(WELL, relative=True, failure='broken', fallback='b instead of a')
    assert [r.code for r in explain(facts)] == ['failure', 'fallback', 'relative']


def test_a_reliable_subscription_is_not_said_to_lose_what_the_driver_does_not_send():
    slow = {'hertz': 2.0, 'reliable': True, 'best_effort': 0}
    assert explain(replace(WELL, eyes=[eye(slow)])) == []
    assert explain(replace(WELL, eyes=[eye({**slow, 'reliable': False})]))[0].code == 'transport'


def test_small_images_are_never_blamed_on_the_transport():
    facts = replace(WELL, eyes=[eye({'hertz': 2.0}, image_bytes=10_000)])
    assert explain(facts) == []


def test_codes_stay_while_numbers_change():
    one, two = (replace(WELL, stamp_difference=d) for d in (0.02, 0.03))
    assert explain(one)[0].code == explain(two)[0].code
    assert explain(one)[0].text != explain(two)[0].text


def test_an_idle_node_still_warns_of_an_absent_camera():
    facts = replace(WELL, consumers=0, eyes=[eye({'publishers': 0, 'best_effort': 0})])
    assert [r.level for r in explain(facts)] == [Level.WARN, Level.OK]
