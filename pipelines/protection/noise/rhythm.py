"""When a frame is noisy: a constant number of clean frames after each noisy one, and a random number on top.

With the constant alone the noisy frames come as regularly as a clock, and who drops each sixth frame is rid of them.
"""

from pipelines.protection.noise.chance import Chance


class Rhythm:
    """Says of each frame in turn whether it is noisy.

    Parameters
    ----------
    n_clean : int
        Clean frames after each noisy one.
    n_random : int
        And so many more at most.
    chance : Chance
        What the number is drawn with.
    """

    def __init__(self, n_clean: int, n_random: int, chance: Chance) -> None:
        self._n_clean = n_clean
        self._n_random = n_random
        self._chance = chance
        self._n_left = chance.below(n_random + 1)

    def is_noisy(self) -> bool:
        """Say it of the next frame.

        Returns
        -------
        bool
            Whether it gets noise.
        """
        if self._n_left:
            self._n_left -= 1
            return False
        self._n_left = self._n_clean + self._chance.below(self._n_random + 1)
        return True
