"""A sample of `make fuzz`: any answer has one typed outcome, with the id if there is a job, and nothing in it does harm."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .campaign import Campaign, Straight, campaign, mutant, summary
from .cases import case

SEED = 1


@pytest.fixture
def running() -> Iterator[Campaign]:
    with campaign() as running:
        yield running


@pytest.mark.parametrize("way", ["sync", "async"])
def test_any_answer_over_a_socket_has_one_good_outcome(running: Campaign, way: str) -> None:
    found = [finding for number in range(800) for finding in running.over_sockets(case(SEED, number, heavy=False), way)]
    assert not found, summary(found)


def test_any_answer_to_the_flows_has_one_good_outcome() -> None:
    straight = Straight()
    found = [finding for number in range(2000) for finding in straight(case(SEED, number, heavy=False))]
    assert not found, summary(found)


@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_recording_with_changed_bytes_has_one_good_outcome(running: Campaign, way: str) -> None:
    found = [finding for number in range(500) for finding in running.over_sockets(mutant(SEED, number), way)]
    assert not found, summary(found)
