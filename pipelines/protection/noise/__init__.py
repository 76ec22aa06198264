"""Noise in virtual backgrounds: what `roomg` asks for against itself, so that rare colours mean nothing.

An attacker takes the frequent colour of a pixel for the backdrop and a rare one for the room. Noise gives every pixel
rare colours of its own: single pixels at random places in random amounts (`itonv`), whole frames at irregular
distances, a picture of nothing but noise (`randpxs`), and a background that wanders irregularly.

Build one of these and hand it to a protection; both are a `pipelines.protection.contract.Background`::

    NoisyBackground(inner, profile.noise)   # noise and motion on another background's pictures
    NoiseBackground(profile.noise)          # nothing but noise

`NoiseMaker` does the same to pictures without a background around them, `noise_picture` makes a single picture. None
of them can be replayed: the key comes from the operating system, unless a seed is given for a file or a test.

References
----------
.. [1] satoki, roomg, 2020: README, section on countermeasures; tools `itonv` and `randpxs`.
"""

from pipelines.protection.noise.backgrounds import NoiseBackground, NoisyBackground
from pipelines.protection.noise.maker import NoiseMaker, noise_picture

__all__ = ["NoiseBackground", "NoiseMaker", "NoisyBackground", "noise_picture"]
