"""Decides which detector and which species model look at the photos: those that were named, or the best at hand."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from trapper_client.errors import WrongUsage
from trapper_client.output import tell
from trapper_client.replies import Provider

AUTO = "auto"
NONE = "none"
DETECTION = "detection"
CLASSIFICATION = "classification"
_DEMO = "demo-"


@dataclass(frozen=True)
class Choice:
    """The models of a run; without a species model, animals stay animals."""

    detector: Provider
    species: Provider | None

    @property
    def is_demo(self) -> bool:
        return is_demo(self.detector)


def choose_models(
    providers: Sequence[Provider],
    *,
    detector: str,
    species: str,
    installed: Collection[str],
    in_use: Collection[str] = (),
) -> Choice:
    """The models by name, or the best at hand; `installed` are the hashes of weights that are here, `in_use` ids.

    Automatic is the real model that is installed (the project's own first), else the demo model; the demo models
    go with each other only, because they know nothing but the scenes that they were trained on.
    """
    usable = [provider for provider in providers if provider.is_active]
    detectors = [provider for provider in usable if provider.provider_type == DETECTION]
    classifiers = [provider for provider in usable if provider.provider_type == CLASSIFICATION]
    if detector == AUTO:
        chosen = _best(detectors, installed, in_use) or _demo(detectors, installed)
        if chosen is None:
            raise WrongUsage("No detector is installed.", hint="Add one: trapper models add FILE --name NAME …")
    else:
        chosen = _named(detectors, detector, "detector")
    if species == NONE:
        return Choice(chosen, None)
    if species != AUTO:
        return Choice(chosen, _named(classifiers, species, "species model"))
    if is_demo(chosen):
        return Choice(chosen, _demo(classifiers, installed))
    return Choice(chosen, _best(classifiers, installed, in_use))


def say_demo(choice: Choice, *, asked: str) -> None:
    """One plain line when the demo model was taken because there is no other."""
    if choice.is_demo and asked == AUTO:
        tell(
            "No real detector is installed, so the small demo model looks: it is for trying the system out, not for "
            "real photos. Get a real one with: trapper models install yolox-s (or megadetector-1000-redwood)"
        )


def is_demo(provider: Provider) -> bool:
    """Whether the project ships it for trying out."""
    return provider.name.startswith(_DEMO)


def _best(providers: Iterable[Provider], installed: Collection[str], in_use: Collection[str]) -> Provider | None:
    real = [provider for provider in providers if provider.sha256 in installed and not is_demo(provider)]
    real.sort(key=lambda provider: (provider.id not in in_use, provider.name, provider.id))
    return real[0] if real else None


def _demo(providers: Iterable[Provider], installed: Collection[str]) -> Provider | None:
    shipped = [provider for provider in providers if provider.sha256 in installed and is_demo(provider)]
    return max(shipped, key=lambda provider: provider.id, default=None)


def _named(providers: Sequence[Provider], name: str, what: str) -> Provider:
    """The newest version of this name, or `NAME@VERSION`."""
    wanted, _, version = name.partition("@")
    found = [each for each in providers if each.name == wanted and version in ("", each.version)]
    if not found:
        known = ", ".join(sorted({provider.name for provider in providers})) or "none"
        raise WrongUsage(f"There is no {what} {name!r}.", hint=f"Known: {known}.")
    return max(found, key=lambda provider: provider.id)
