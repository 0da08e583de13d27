# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Networks are torch modules: without torch there is nothing to test here."""

import importlib.util

if importlib.util.find_spec('torch') is None:
    collect_ignore_glob = ['test_*.py', '*/test_*.py']
