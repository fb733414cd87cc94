"""Each fault alone, and mixtures of them by chance, at each vendor."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from ticket_pipelines_tests.faults.ills import ILLS, Ill, of
from ticket_pipelines_tests.faults.outages import OUTAGES, Outage
from ticket_pipelines_tests.faults.trial import Ward

FEW, MANY = range(1), range(200)
TOGETHER = (2, 3, 5)
OURS = (0, 0, 1)
"""How many of the outages on our own side come with them."""

Record = Callable[[str, object], None]


def mixed(ward: Ward, seed: int) -> str:
    """A mixture; how its sync ended."""
    name = f"{ward.account.vendor} {seed}"
    chance = random.Random(name)
    ills = chance.sample(of(ward.account.vendor), chance.choice(TOGETHER))
    return ward.undergo(ills, name, chance.sample(OUTAGES, chance.choice(OURS)))


@pytest.mark.parametrize("seed", FEW)
def test_a_sync_that_meets_several_faults_tells_the_truth(ward: Ward, seed: int) -> None:
    mixed(ward, seed)


@pytest.mark.torture
@pytest.mark.parametrize("ill", ILLS, ids=lambda ill: ill.name)
def test_a_sync_that_meets_a_fault_tells_the_truth(ward: Ward, ill: Ill, record_property: Record) -> None:
    if ill in of(ward.account.vendor):
        for seed in range(3):
            ended = ward.undergo([ill], f"{ill.name} {seed}")
            record_property("torture", f"{ward.account.vendor}, alone: {ended}")


@pytest.mark.torture
@pytest.mark.parametrize("outage", OUTAGES, ids=lambda outage: outage.name)
def test_a_sync_that_meets_an_outage_of_ours_tells_the_truth(
    ward: Ward, outage: Outage, record_property: Record
) -> None:
    for seed in range(3):
        ended = ward.undergo([], f"{outage.name} {seed}", [outage])
        record_property("torture", f"{ward.account.vendor}, alone, {outage.name}: {ended}")


@pytest.mark.torture
@pytest.mark.parametrize("seed", MANY)
def test_a_sync_that_meets_any_mixture_of_faults_tells_the_truth(
    ward: Ward, seed: int, record_property: Record
) -> None:
    record_property("torture", f"{ward.account.vendor}, mixtures: {mixed(ward, seed + len(FEW))}")
