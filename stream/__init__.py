"""The engine: any source, one pipeline, any sinks, and the command line and live page that drive them."""

import os

# Read by numpy's OpenBLAS when numpy is loaded: it would start a thread for every core, and those keep the cores busy
# while the program starts, and some 25 ms after each product: at one a frame, all of the time. Nothing here multiplies
# large matrices.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__version__ = "0.1.0"  # its only home: the wheel's version is read from here
