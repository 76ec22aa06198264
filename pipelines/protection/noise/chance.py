"""Chance for noise: a key that nobody knows, and what is drawn with it."""

import math
import secrets

import numpy as np
import numpy.typing as npt

from pipelines.protection.noise.chacha import BLOCK_WORDS, U, fill_blocks

_KEY_WORDS = 8
_PER_UNIT = 1 << 32


class Chance:
    """Draws random numbers, see `pipelines.protection.noise.chacha`.

    Parameters
    ----------
    seed : int, optional
        0 or more: the same numbers every time. For files and tests only: who guesses it can take the noise away.
        Without it the key comes from the operating system.
    """

    def __init__(self, seed: int | None = None) -> None:
        if seed is None:
            self._key = np.frombuffer(secrets.token_bytes(4 * _KEY_WORDS), np.uint32)
        else:
            self._key = np.random.SeedSequence(seed).generate_state(_KEY_WORDS, np.uint32).astype(np.uint32, copy=False)
        self._n_blocks_drawn = 0
        self._blocks = np.empty((1, BLOCK_WORDS), np.uint32)

    def words(self, n: int) -> npt.NDArray[np.uint32]:
        """Draw numbers of 32 bits.

        Parameters
        ----------
        n : int
            How many.

        Returns
        -------
        ndarray
            (n,) uint32, this object's own and valid until the next call.
        """
        n_blocks = -(-n // BLOCK_WORDS)
        if n_blocks > len(self._blocks):
            self._blocks = np.empty((n_blocks, BLOCK_WORDS), np.uint32)
        blocks = self._blocks[:n_blocks]
        fill_blocks(self._key, U(self._n_blocks_drawn), blocks)
        self._n_blocks_drawn += n_blocks
        return blocks.reshape(-1)[:n]

    def octets(self, n: int) -> npt.NDArray[np.uint8]:
        """Draw numbers of 8 bits.

        Parameters
        ----------
        n : int
            How many.

        Returns
        -------
        ndarray
            (n,) uint8, this object's own and valid until the next call.
        """
        return self.words(-(-n // 4)).astype("<u4", copy=False).view(np.uint8)[:n]

    def unit(self) -> float:
        """Draw a number over 0 and up to 1.

        Returns
        -------
        float
            Evenly distributed.
        """
        return (int(self.words(1)[0]) + 1) / _PER_UNIT

    def below(self, n: int) -> int:
        """Draw a whole number from 0 to under `n`.

        Parameters
        ----------
        n : int
            At least 1, and far below 2**32.

        Returns
        -------
        int
            Evenly distributed.
        """
        return int(self.words(1)[0]) * n // _PER_UNIT

    def turns_until(self, one_in: int) -> int:
        """Draw how many turns pass until something happens that has a chance of one in `one_in` at each turn.

        Parameters
        ----------
        one_in : int
            At least 1.

        Returns
        -------
        int
            0 or more, `one_in` - 1 on average (the geometric distribution).
        """
        return 0 if one_in == 1 else int(math.log(self.unit()) / math.log1p(-1 / one_in))
