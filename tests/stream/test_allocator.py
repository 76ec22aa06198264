"""Freed frames are handed out again instead of being fetched from the kernel, page by page."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys, threading
from stream.allocator import keep_freed_frames
if sys.argv[1] == "kept":
    assert keep_freed_frames()
def work():
    for _ in range(30):
        frames = [bytearray(1080 * 1920 * 3) for _ in range(8)]
thread = threading.Thread(target=work)
thread.start()
thread.join()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""

# 240 frames of 1519 pages each, if every one is new.
PAGES_OF_240_FRAMES = 240 * 1519


def page_faults(how):
    ended = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True)
    return int(ended.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="tunes glibc, which is Linux's")
def test_freed_frames_are_handed_out_again():
    kept, given_back = page_faults("kept"), page_faults("as is")
    if given_back < PAGES_OF_240_FRAMES / 4:
        pytest.skip("this C library keeps freed memory by itself")
    assert kept < given_back / 4
