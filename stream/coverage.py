"""How coverage grew: a curve with a bounded number of points, however long the session."""

MOST_POINTS = 600


class CoverageCurve:
    """Coverage over time, thinned as it grows: when full, every second point goes and the spacing doubles."""

    def __init__(self) -> None:
        self._points: list[tuple[float, float]] = []
        self._stride = 1
        self._n_seen = 0

    def add(self, moment_s: float, coverage: float) -> None:
        """Note the coverage at a moment.

        Parameters
        ----------
        moment_s : float
            Seconds since the session began.
        coverage : float
            0 to 1.
        """
        if self._n_seen % self._stride == 0:
            self._points.append((round(moment_s, 2), round(coverage, 5)))
        self._n_seen += 1
        if len(self._points) > MOST_POINTS:
            self._points = self._points[::2]
            self._stride *= 2

    def points(self) -> list[tuple[float, float]]:
        """Return (seconds, coverage), oldest first, at most `MOST_POINTS` of them."""
        return list(self._points)
