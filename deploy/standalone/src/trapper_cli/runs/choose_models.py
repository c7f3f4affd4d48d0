"""Decides which detector and which species model run: the named ones, or the best that are installed."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from trapper_client.contract import ModelKind, Overrides, ProviderReply
from trapper_client.errors import WrongUsage
from trapper_client.output import tell

AUTO = "auto"
NONE = "none"
_DEMO = "demo-"


@dataclass(frozen=True)
class Choice:
    """The models of a run; without a species model, animals stay animals."""

    detector: ProviderReply
    species: ProviderReply | None

    @property
    def is_demo(self) -> bool:
        return is_demo(self.detector)

    def overrides(self) -> Overrides:
        """The choice as overrides of a job, named like a project's settings; features come with the species model."""
        species = self.species
        return Overrides(
            object_detection_ai_model=self.detector.id,
            species_ai_model=species.id if species else None,
            embedding_ai_model=species.id if species and species.embedding_dimension is not None else None,
        )


def choose_models(
    providers: Sequence[ProviderReply],
    *,
    detector: str,
    species: str,
    installed: Collection[str],
    in_use: Collection[str] = (),
) -> Choice:
    """The models by name, or the best that are installed; `installed` are hashes of weights, `in_use` provider ids.

    Automatic is the real model that is installed (the project's own first), else the demo model; the demo models
    go with each other only, because they know nothing but the scenes that they were trained on. Raises WrongUsage for
    a name that is unknown or not installed.
    """
    usable = [provider for provider in providers if provider.is_active]
    detectors = [provider for provider in usable if provider.provider_type is ModelKind.DETECTION]
    classifiers = [provider for provider in usable if provider.provider_type is ModelKind.CLASSIFICATION]
    if detector == AUTO:
        chosen = _best(detectors, installed, in_use) or _demo(detectors, installed)
        if chosen is None:
            raise WrongUsage("No detector is installed.", hint="Install one: trapper models install yolox-s")
    else:
        chosen = _named(detectors, detector, "detector", installed)
    if species == NONE:
        return Choice(chosen, None)
    if species != AUTO:
        return Choice(chosen, _named(classifiers, species, "species model", installed))
    if is_demo(chosen):
        return Choice(chosen, _demo(classifiers, installed))
    return Choice(chosen, _best(classifiers, installed, in_use))


def tell_demo(choice: Choice, *, requested: str) -> None:
    """A line on standard error when the demo model was taken because there is no other."""
    if choice.is_demo and requested == AUTO:
        tell(
            "No real detector is installed, so the small demo model is used. It is for trying the system out, not for "
            "real photos. Install a real one: trapper models install yolox-s (or megadetector-1000-redwood)"
        )


def is_demo(provider: ProviderReply) -> bool:
    """Whether the model is one of those that ship for trying the system out."""
    return provider.name.startswith(_DEMO)


def _best(
    providers: Iterable[ProviderReply], installed: Collection[str], in_use: Collection[str]
) -> ProviderReply | None:
    real = [provider for provider in providers if provider.sha256 in installed and not is_demo(provider)]
    real.sort(key=lambda provider: (provider.id not in in_use, provider.name, provider.id))
    return real[0] if real else None


def _demo(providers: Iterable[ProviderReply], installed: Collection[str]) -> ProviderReply | None:
    shipped = [provider for provider in providers if provider.sha256 in installed and is_demo(provider)]
    return max(shipped, key=lambda provider: provider.id, default=None)


def _named(providers: Sequence[ProviderReply], given: str, kind: str, installed: Collection[str]) -> ProviderReply:
    """The newest installed version of this name, or `NAME@VERSION`."""
    name, _, version = given.partition("@")
    matching = [each for each in providers if each.name == name and version in ("", each.version)]
    if not matching:
        known = ", ".join(sorted({provider.name for provider in providers})) or "none"
        raise WrongUsage(f"There is no {kind} {given!r}.", hint=f"Known: {known}.")
    usable = [each for each in matching if each.sha256 in installed]
    if not usable:
        raise WrongUsage(f"The {kind} {given!r} is not installed.", hint=f"Install it: trapper models install {name}")
    return max(usable, key=lambda provider: provider.id)
