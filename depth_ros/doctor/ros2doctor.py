# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The doctor as plug-ins of `ros2 doctor`: its entry points name these classes."""

from __future__ import annotations

from typing import Any

from ros2doctor.api import DoctorCheck, DoctorReport, Report, Result
from ros2doctor.api.format import doctor_error, doctor_warn

from depth_ros.doctor.checkup import findings
from depth_ros.doctor.finding import Severity
from depth_ros.doctor.graph import look
from depth_ros.doctor.report import rates

SECONDS = 3.0  # `ros2 doctor` has no option for it


class DepthCheck(DoctorCheck):  # type: ignore[misc]
    """Look at the graph and count what is wrong."""

    def category(self) -> str:
        """Return the name that connects the check with its report."""
        return 'depth'

    def check(self) -> Any:
        """Return the counts; every finding is printed as a warning of its own."""
        result = Result()
        seen = look(SECONDS)
        if not seen.cameras and not seen.depth_nodes:
            return result  # a graph without cameras is not ours to judge
        for finding in findings(seen):
            if finding.severity == Severity.ERROR:
                doctor_error(finding.text)
                result.add_error()
            else:
                doctor_warn(finding.text)
                result.add_warning()
        return result


class DepthReport(DoctorReport):  # type: ignore[misc]
    """Rates, ages and findings of cameras and depth nodes."""

    def category(self) -> str:
        """Return the name that connects the report with its check."""
        return 'depth'

    def report(self) -> Any:
        """Return cameras, topics and findings as pairs of text."""
        report = Report('DEPTH')
        seen = look(SECONDS)
        for camera in seen.cameras:
            report.add_to_report('camera', f'{camera.image} with {camera.info}')
        for name, figures in sorted(rates(seen).items()):
            report.add_to_report(name, f'{figures["hertz"]:.1f} Hz, age {figures["age"]} s')
        for finding in findings(seen):
            report.add_to_report(finding.code, finding.text)
        if not report.items:
            report.add_to_report('camera', 'none')
        return report
