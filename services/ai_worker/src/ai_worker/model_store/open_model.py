"""Opens weights of any format on a device."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ai_worker.inference.types import Session
from ai_worker.model_store.errors import ModelRefused
from ai_worker.model_store.inspect import check_file
from ai_worker.model_store.open_hailo import hailo_installed, open_hef
from ai_worker.model_store.open_onnx import PROVIDERS, available_providers, open_session
from ai_worker.model_store.places import HAILO, KINDS, Place
from ai_worker.model_store.provider_options import shape_profile


class PlacedSession(Session, Protocol):
    """A session that knows its device."""

    @property
    def provider(self) -> str: ...

    @property
    def device(self) -> str: ...

    @property
    def precision(self) -> str: ...


def offered_runtimes() -> tuple[str, ...]:
    """Returns the runtimes that this installation has; tests show whether each works."""
    there = available_providers()
    return tuple(
        runtime for runtime in KINDS if (hailo_installed() if runtime == HAILO else PROVIDERS[runtime][0] in there)
    )


def open_model(weights: Path, place: Place, *, also: Sequence[str] = ()) -> PlacedSession:
    """Returns a session on exactly this device; `also` names inner values to add to the outputs."""
    if place.runtime == HAILO:
        if also:
            raise ModelRefused("outputs", f"{', '.join(also)} was asked for; a HEF file gives its own outputs only")
        return open_hef(weights, place)
    facts = check_file(weights)
    return open_session(
        weights,
        providers=PROVIDERS[place.runtime],
        threads=place.threads,
        also=also,
        place=place,
        alone=facts.alone,
        profile=shape_profile(facts.input, facts.layout, place),
    )
