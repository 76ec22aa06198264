"""Another background while the camera runs: made ready in a thread of its own, so that no frame waits for a file."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from config.schema import Profile
from stream.backgrounds.open import OpenBackground


class BackgroundChange:
    """Opens backgrounds aside; called from the session's thread.

    Parameters
    ----------
    open_background : callable
        From a profile to a background, not warmed up; may raise.
    height, width : int
        Size of the frames, in pixels.
    """

    def __init__(self, open_background: Callable[[Profile], OpenBackground], height: int, width: int) -> None:
        self._open = open_background
        self._size = (height, width)
        self._opener = ThreadPoolExecutor(1, thread_name_prefix="background")
        self._asked: Future[OpenBackground] | None = None

    def ask(self, profile: Profile) -> None:
        """Begin to make another background ready, in place of one that is still being made.

        Parameters
        ----------
        profile : Profile
            Names it.
        """
        self._forget()
        self._asked = self._opener.submit(self._ready, profile)

    def take(self) -> OpenBackground | None:
        """Return what was asked for, once, when it is ready.

        Returns
        -------
        OpenBackground or None
            Warmed up; None while there is nothing.

        Raises
        ------
        Exception
            What kept it from being opened; it is not asked for any more.
        """
        if self._asked is None or not self._asked.done():
            return None
        asked, self._asked = self._asked, None
        return asked.result()

    def close(self) -> None:
        """Give up what is still being made."""
        self._forget()
        self._opener.shutdown(wait=False)

    def _ready(self, profile: Profile) -> OpenBackground:
        background = self._open(profile)
        try:
            background.pictures.warm_up(*self._size)
        except BaseException:
            background.pictures.close()
            raise
        return background

    def _forget(self) -> None:
        asked, self._asked = self._asked, None
        if asked is not None and not asked.cancel():
            asked.add_done_callback(_close_result)


def _close_result(done: "Future[OpenBackground]") -> None:
    if not done.cancelled() and done.exception() is None:
        done.result().pictures.close()
