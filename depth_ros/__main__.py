# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`python -m depth_ros` is the command `depth_ros`."""

import sys

from depth_ros.cli.main import main

sys.exit(main())
