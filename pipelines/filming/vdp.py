"""ColorVideoVDP: what a person would say of a video of sub-frames, from 10 (no difference seen) downwards, in JOD.

Each sub-frame is a frame at the display's rate; the reference is the steady picture for as long. The first and last
frames are mirrored in time: padding by repetition would be a sub-frame that stands still, which is very visible.

It is the extra `judge`, because torch is large. One thread: on a busy machine more are slower.

References
----------
.. [1] R. K. Mantiuk, P. Hanji, M. Ashraf, Y. Asano, A. Chapiro, ColorVideoVDP: A visual difference predictor for image,
   video and display distortions, ACM Transactions on Graphics 43(4), 2024.
"""

from collections.abc import Sequence

import numpy as np

from pipelines.base import Image, PipelineError

DISPLAY = "standard_fhd"
LONGEST_FRAMES = 48
CROP_PX = 128
"""48 frames of 128 by 128 pixels take some 15 s."""


def rate_viewing(shown: Sequence[Image], steady: Sequence[Image], rate_hz: float) -> float:
    """Rate what people see.

    Parameters
    ----------
    shown : sequence of ndarray
        The sub-frames, (height, width, 3) uint8 BGR.
    steady : sequence of ndarray
        What they should look like, as many.
    rate_hz : float
        Of both.

    Returns
    -------
    float
        Quality in JOD; 10 where no difference is seen, 9 where three of four people see one.

    Raises
    ------
    PipelineError
        If ColorVideoVDP is not installed, or cannot be loaded.
    """
    try:
        import pycvvdp
        import torch
    except ImportError as error:
        raise PipelineError(
            f"ColorVideoVDP cannot be loaded ({error}); pip install 'backroom[judge]', or leave --jod out"
        ) from None
    torch.set_num_threads(1)
    metric = pycvvdp.cvvdp(display_name=DISPLAY, temp_padding="symmetric", quiet=True)
    test, reference = (np.ascontiguousarray(np.stack(frames)[..., ::-1]) for frames in (shown, steady))
    quality, _ = metric.predict(test, reference, dim_order="FHWC", frames_per_second=rate_hz)
    return float(quality)
