"""The view of a session that nobody watches."""

from collections.abc import Sequence
from typing import Any

from pipelines.base import Image
from stream.view.base import ViewCommand


class NoView:
    """Shows nothing and asks for nothing, so that a session need not know whether it is watched."""

    def wants_picture(self, name: str) -> bool:  # noqa: ARG002 - the contract's name
        """Want no picture.

        Parameters
        ----------
        name : str
            Any.

        Returns
        -------
        bool
            False.
        """
        return False

    def show_picture(self, name: str, image: Image) -> None:
        """Drop a picture.

        Parameters
        ----------
        name : str
            Any.
        image : ndarray
            Any.
        """

    def show_numbers(self, numbers: dict[str, Any]) -> None:
        """Drop the figures.

        Parameters
        ----------
        numbers : dict
            Any.
        """

    def take_commands(self) -> Sequence[ViewCommand]:
        """Return no command."""
        return ()

    def close(self) -> None:
        """Do nothing."""
