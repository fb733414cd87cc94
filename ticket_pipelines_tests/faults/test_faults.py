"""Each fault alone, and mixtures of them by chance, at each vendor."""

from __future__ import annotations

import random

import pytest

from ticket_pipelines_tests.faults.ills import ILLS, of
from ticket_pipelines_tests.faults.trial import Ward

FEW, MANY = range(1), range(200)
TOGETHER = (2, 3, 5)


def mixed(ward: Ward, seed: int) -> None:
    name = f"{ward.account.vendor} {seed}"
    chance = random.Random(name)
    ills = chance.sample(of(ward.account.vendor), chance.choice(TOGETHER))
    ward.undergo(ills, name)


@pytest.mark.parametrize("seed", FEW)
def test_a_sync_that_meets_several_faults_tells_the_truth(ward: Ward, seed: int) -> None:
    mixed(ward, seed)


@pytest.mark.torture
@pytest.mark.parametrize("ill", ILLS, ids=lambda ill: ill.name)
def test_a_sync_that_meets_a_fault_tells_the_truth(ward: Ward, ill: object) -> None:
    for seed in range(3):
        for found in of(ward.account.vendor):
            if found is ill:
                ward.undergo([found], f"{found.name} {seed}")


@pytest.mark.torture
@pytest.mark.parametrize("seed", MANY)
def test_a_sync_that_meets_any_mixture_of_faults_tells_the_truth(ward: Ward, seed: int) -> None:
    mixed(ward, seed + len(FEW))
