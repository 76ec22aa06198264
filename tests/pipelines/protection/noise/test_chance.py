"""The random numbers: the cipher's published blocks, its slow twin, and what is drawn with it."""

import numpy as np
import pytest
from compiled import sized
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import chacha8_block

from pipelines.protection.noise.chacha import U, fill_blocks
from pipelines.protection.noise.chance import Chance

WORD = st.integers(0, 2**32 - 1)
N = sized(200_000, 2_000)


def blocks_of(key: list[int], first: int, n: int) -> np.ndarray:
    out = np.empty((n, 16), np.uint32)
    fill_blocks(np.array(key, np.uint32), U(first), out)
    return out


def test_the_cipher_gives_the_published_block_of_the_zero_key() -> None:
    # J. Strombergson, Test Vectors for the Stream Cipher ChaCha, 2013: TC1, 8 rounds, 256 bits.
    wanted = "3e00ef2f895f40d67f5bb8e81f09a5a12c840ec3ce9a7f3b181be188ef711a1e"
    assert blocks_of([0] * 8, 0, 1).astype("<u4").tobytes()[:32].hex() == wanted


@settings(max_examples=20, deadline=None)
@given(st.lists(WORD, min_size=8, max_size=8), st.integers(0, 2**63))
def test_blocks_are_those_of_the_slow_twin(key: list[int], first: int) -> None:
    np.testing.assert_array_equal(blocks_of(key, first, 3), [chacha8_block(key, first + i) for i in range(3)])


def test_without_a_seed_no_two_are_alike() -> None:
    assert (Chance().words(64) != Chance().words(64)).any()


@pytest.mark.parametrize("seed", [0, 1, 2**70])
def test_a_seed_gives_the_same_numbers_every_time_and_never_the_same_number_twice(seed: int) -> None:
    one, other = Chance(seed), Chance(seed)
    first = one.words(32).copy()
    np.testing.assert_array_equal(first, other.words(32))
    assert len(set(first.tolist()) | set(one.words(32).tolist())) == 64


def test_what_was_drawn_does_not_depend_on_how_much_was_asked_for_at_once() -> None:
    one, other = Chance(7), Chance(7)
    in_parts = np.concatenate([one.words(16).copy(), one.words(48).copy()])
    np.testing.assert_array_equal(in_parts, other.words(64))


def test_octets_are_even_over_all_codes() -> None:
    counts = np.bincount(Chance(1).octets(N), minlength=256)
    # Chi squared of 255 degrees of freedom: 1 in 10,000 is over 346.
    assert ((counts - N / 256) ** 2 / (N / 256)).sum() < 346


@given(st.integers(1, 2**20), st.integers(0, 2**32))
def test_numbers_below_n_are_below_n(n: int, seed: int) -> None:
    assert 0 <= Chance(seed).below(n) < n


def test_a_unit_is_over_0_and_up_to_1_and_one_half_on_average() -> None:
    chance = Chance(3)
    drawn = np.array([chance.unit() for _ in range(sized(4000, 400))])
    assert 0 < drawn.min() < drawn.max() <= 1
    assert drawn.mean() == pytest.approx(0.5, abs=4 * 0.29 / np.sqrt(drawn.size))


@pytest.mark.parametrize("one_in", [1, 2, 10, 100_000])
def test_turns_until_an_event_are_geometric(one_in: int) -> None:
    chance = Chance(4)
    drawn = np.array([chance.turns_until(one_in) for _ in range(sized(4000, 400))])
    mean, sigma = one_in - 1, np.sqrt(one_in * (one_in - 1))
    assert drawn.min() >= 0
    assert drawn.mean() == pytest.approx(mean, abs=4 * sigma / np.sqrt(drawn.size))
    assert drawn.std() == pytest.approx(sigma, rel=0.25)
