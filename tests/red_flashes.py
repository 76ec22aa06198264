"""The transitions of saturated red that no two sub-frames of a pixel may be, as the guidelines have them.

References
----------
.. [1] W3C, Web Content Accessibility Guidelines 2.1 and 2.2, "general flash and red flash thresholds".
"""

import numpy as np

from pipelines.color import to_linear

DARK = 48
"""Below this code (a thirtieth of white's light) one step of 8 bits may be a long way in a chromaticity diagram."""


def chromaticity(r, g, b):
    """Return u', v' of CIE 1976 on a last axis."""
    x, y, z = (
        r * f_r + g * f_g + b * f_b
        for f_r, f_g, f_b in ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    )
    return np.stack([4 * x, 9 * y], axis=-1) / np.maximum(x + 15 * y + 3 * z, 1e-9)[..., np.newaxis]


def wcag_alternates_red(one, two):
    """Say whether two pictures of codes are a saturated red transition: by WCAG 2.1, and by WCAG 2.2."""
    (b1, g1, r1), (b2, g2, r2) = (np.moveaxis(to_linear(codes / 255.0), -1, 0) for codes in (one, two))
    is_saturated = (r1 >= 0.8 * (r1 + g1 + b1)) & (r1 > 0) | (r2 >= 0.8 * (r2 + g2 + b2)) & (r2 > 0)
    change = 320 * np.abs(np.maximum(r1 - g1 - b1, 0) - np.maximum(r2 - g2 - b2, 0))
    turn = np.linalg.norm(chromaticity(r1, g1, b1) - chromaticity(r2, g2, b2), axis=-1)
    return is_saturated & (change > 20), is_saturated & (turn > 0.2)
