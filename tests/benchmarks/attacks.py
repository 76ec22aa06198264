"""What the attackers of the comparison table find in protected videos, against what they find by chance.

Recall is `pipelines.reconstruction.score`'s, over what the call's own client leaked (w.npy): how much of that an
attacker still finds when the protection takes the client's place. *Chance* is the recall of the same attacker on the
protected videos of the other calls, which show other rooms, judged against this one: their mean. Attackers that know
the virtual background are told the protection's.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from calls import METHODS, BackdropAt, Call, open_method

from pipelines.base import Frame, Image
from pipelines.reconstruction.score import score
from stream.sources.video import VideoSource

ATTACKERS = tuple(method for method in METHODS if method != "oracle")


@dataclass(frozen=True, slots=True)
class Attack:
    """One attacker on one protected video; recalls are 0 to 1, chance None where there is no other room.

    Attributes
    ----------
    attacker : str
        One of `ATTACKERS`.
    recall : float
        Of the call's own room.
    chance : float or None
        Of that room, in the protected videos of other rooms.
    claimed : float
        Share of the picture that it claims.
    """

    attacker: str
    recall: float
    chance: float | None
    claimed: float


class ProtectedCall(Call):
    """A call of which the others see a protected video over one colour."""

    def __init__(self, folder: Path, video: Path, background: tuple[int, int, int]) -> None:
        super().__init__(folder)
        self._video = video
        self.when = None
        self._behind = np.full_like(self.room, background)

    def backdrop_at(self) -> BackdropAt:
        """Return the protection's background for every frame."""
        return lambda _: self._behind

    def frames(self) -> Iterator[Frame]:
        """Yield what the others see."""
        source = VideoSource(self._video)
        while (frame := source.read()) is not None:
            yield frame
        source.close()


def found_by(attacker: str, call: Call) -> Image:
    """Return what an attacker makes of a call: (height, width, 4) uint8 BGRA, claimed where alpha is not 0."""
    take, room = open_method(call, attacker)
    for frame in call.frames():
        take(frame)
    return room()


def judged(attacker: str, call: Path, own: Image, others: Sequence[Image]) -> Attack:
    """Judge what an attacker found in the protected video of a call, and of others, by that call's truth."""
    truth = Call(call)
    recall, *by_chance = (_recall(found, truth) for found in (own, *others))
    return Attack(attacker, recall, fmean(by_chance) if by_chance else None, float((own[..., 3] > 0).mean()))


def attack_all(
    found: Mapping[tuple[Path, str], Image], folders: Sequence[Path], attackers: Sequence[str]
) -> dict[Path, list[Attack]]:
    """Judge every attacker on every call, given what each found in the protected video of each."""
    return {
        folder: [
            judged(
                attacker,
                folder,
                found[folder, attacker],
                [found[other, attacker] for other in folders if other != folder],
            )
            for attacker in attackers
        ]
        for folder in folders
    }


def _recall(found: Image, truth: Call) -> float:
    return score(found, truth.room, truth.backdrop, truth.weights).recall or 0.0
