"""From a profile to a pipeline; only the command line asks here."""

from typing import TYPE_CHECKING

from config.schema import Profile
from pipelines.base import Image, Reconstruction
from pipelines.protection.contract import Background, Protection

if TYPE_CHECKING:
    from pipelines.kaleido.contract import Code, Encoder
    from pipelines.protection.audit import Audit
    from pipelines.protection.meter import LeakMeter


def build_reconstruction(profile: Profile, backdrop: Image | None = None) -> Reconstruction:
    """Make the reconstruction that a profile asks for.

    Parameters
    ----------
    profile : Profile
        `watch.method` names it; its settings are the section `watch`.
    backdrop : ndarray, optional
        (any, any, 3) uint8 BGR or (any, any, 4) BGRA: the virtual background's picture, where it is known.

    Returns
    -------
    Reconstruction
        Not warmed up yet.
    """
    if profile.watch.method == "leak":
        from pipelines.reconstruction.leak.pipeline import LeakReconstruction

        return LeakReconstruction(profile.watch, backdrop)
    from pipelines.reconstruction.rarest import RarestReconstruction

    return RarestReconstruction(profile.watch)


def build_protection(profile: Profile, background: Background) -> Protection:
    """Make the protection that a profile asks for.

    Parameters
    ----------
    profile : Profile
        Its sections `mask` and `protect`.
    background : Background
        What stands in the room's place.

    Returns
    -------
    Protection
        Not warmed up yet.
    """
    from pipelines.protection.pipeline import ProtectionPipeline

    return ProtectionPipeline(profile, background)


def build_meter(profile: Profile, is_live: bool) -> "LeakMeter":
    """Make the leak meter that a profile asks for.

    Parameters
    ----------
    profile : Profile
        Its sections `meter` and `mask`.
    is_live : bool
        Whether its attack works beside the camera, on the newest frames, or on all that are due.

    Returns
    -------
    LeakMeter
        To be closed when done.
    """
    from pipelines.protection.meter import LeakMeter

    return LeakMeter(profile.meter, profile.mask.person_model, is_live=is_live)


def build_audit(profile: Profile, is_live: bool) -> "Audit":
    """Make what measures another client's picture.

    Parameters
    ----------
    profile : Profile
        Its sections `meter` and `mask`.
    is_live : bool
        Whether its attack works beside the streams, on the newest frames, or on all that are due.

    Returns
    -------
    Audit
        To be closed when done.
    """
    from pipelines.protection.audit import Audit

    return Audit(profile.meter, profile.mask.person_model, is_live=is_live)


def build_encoder(profile: Profile, code: "Code", delta: float) -> "Encoder":
    """Make what turns pictures into sub-frames.

    Parameters
    ----------
    profile : Profile
        Its section `play`.
    code : Code
        Order of the sub-frames.
    delta : float
        Relative amplitude of the luminance pollution.

    Returns
    -------
    Encoder
        Not warmed up yet.
    """
    from pipelines.kaleido.pipeline import KaleidoEncoder

    return KaleidoEncoder(profile.play, code, delta)
