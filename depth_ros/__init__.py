# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Any camera, any depth model, true metres.

    message --messages--> array + Camera --models--> Prediction --geometry--> metres
                                                                 --messages--> message

`pipeline` runs that line for one frame; `nodes` route topics into it and out of it, `cli` does
the same for files. Nothing heavy is imported here.
"""

from depth_ros.threads import wait_passively

__version__ = '0.1.0'

wait_passively()
