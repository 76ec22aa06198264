"""From a profile to a pipeline; only the command line asks here."""

from config.schema import Profile
from pipelines.base import Reconstruction


def build_reconstruction(profile: Profile) -> Reconstruction:
    """Make the reconstruction that a profile asks for.

    Parameters
    ----------
    profile : Profile
        `watch.method` names it; its settings are the section `watch`.

    Returns
    -------
    Reconstruction
        Not warmed up yet.
    """
    from pipelines.reconstruction.rarest import RarestReconstruction

    return RarestReconstruction(profile.watch)
