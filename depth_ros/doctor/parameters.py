# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Parameters and life cycle states of all nodes of a graph, asked for at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from lifecycle_msgs.srv import GetState
from rcl_interfaces.srv import GetParameters, ListParameters
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python

Spin = Callable[[], None]
PATIENCE = 8.0  # seconds for each round of questions
AGAIN = 1.0  # seconds after which a question is repeated: a new client may not be known yet


def ask(node: Node, spin: Spin, questions: Mapping[str, tuple[type, str, Any]]) -> dict[str, Any]:
    """Return the answers to (service type, service, request) by key; those that came."""
    clients: dict[str, Any] = {
        key: node.create_client(kind, service) for key, (kind, service, _) in questions.items()
    }
    futures: dict[str, list[Any]] = {key: [] for key in questions}
    asked = dict.fromkeys(questions, -AGAIN)
    end = time.monotonic() + PATIENCE
    answers: dict[str, Any] = {}
    while len(answers) < len(questions) and time.monotonic() < end:
        now = time.monotonic()
        for key, (_, _, request) in questions.items():
            fresh = now - asked[key] < AGAIN
            if key not in answers and not fresh and clients[key].service_is_ready():
                futures[key].append(clients[key].call_async(request))
                asked[key] = now
            for future in futures[key]:
                if key not in answers and future.done() and future.result() is not None:
                    answers[key] = future.result()
        spin()
    for client in clients.values():
        node.destroy_client(client)
    return answers


def parameters_of(node: Node, spin: Spin, names: list[str]) -> dict[str, dict[str, Any]]:
    """Return the parameters of nodes by their names; nodes that do not answer are left out."""
    # Any depth: costmaps have names with several dots.
    listing = ListParameters.Request(depth=ListParameters.Request.DEPTH_RECURSIVE)
    listed = ask(node, spin, {n: (ListParameters, f'{n}/list_parameters', listing) for n in names})
    known = {n: list(answer.result.names) for n, answer in listed.items()}
    got = ask(
        node,
        spin,
        {
            n: (GetParameters, f'{n}/get_parameters', GetParameters.Request(names=names_of))
            for n, names_of in known.items()
        },
    )
    return {
        n: {key: parameter_value_to_python(value) for key, value in zip(known[n], answer.values)}
        for n, answer in got.items()
    }


def states_of(node: Node, spin: Spin, names: list[str]) -> dict[str, str]:
    """Return the life cycle states of nodes by their names."""
    questions = {n: (GetState, f'{n}/get_state', GetState.Request()) for n in names}
    return {n: a.current_state.label for n, a in ask(node, spin, questions).items()}
