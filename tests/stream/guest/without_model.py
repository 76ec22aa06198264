"""`backroom` with a person model that finds nobody: the real one takes seconds a picture in emulation.

What is shown is then the background everywhere, and every other part is the real one.
"""

import numpy as np
import numpy.typing as npt

from pipelines import segmentation
from pipelines.base import Image
from stream.cli import main


class NobodyThere:
    """Plays `pipelines.segmentation.Segmenter`."""

    backend = "none"

    def small_probability(self, image: Image) -> npt.NDArray[np.float32]:
        return np.zeros((256, 256), np.float32)

    def probability(self, image: Image) -> npt.NDArray[np.float32]:
        return np.zeros(image.shape[:2], np.float32)


if __name__ == "__main__":
    segmentation.open_segmenter = lambda *_: NobodyThere()
    main()
