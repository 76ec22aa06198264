"""From a profile to a pipeline; only the command line asks here."""

from config.schema import Profile
from pipelines.base import Image, Reconstruction


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
