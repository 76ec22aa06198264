"""A program that wants a share of a processor, and copies memory in it, until it is killed: ``busy_program.py SHARE``.

It works for `WORK_S` and sleeps until its share is kept, as a program does that draws or decodes pictures.
"""

import sys
import time

import numpy as np

WORK_S = 0.02
N_BYTES = 3 << 20
"""More than a processor's own cache has room for."""


def main(share: float) -> None:
    """Keep busy.

    Parameters
    ----------
    share : float
        Of one processor, over 0, up to 1.
    """
    here, there = np.zeros(N_BYTES, np.uint8), np.zeros(N_BYTES, np.uint8)
    while True:
        end_s = time.perf_counter() + WORK_S
        while time.perf_counter() < end_s:
            np.copyto(there, here)
        time.sleep(WORK_S / share - WORK_S)


if __name__ == "__main__":
    main(float(sys.argv[1]))
