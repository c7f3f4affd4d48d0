"""Names and memory of devices, as their drivers report them, without libraries of theirs.

NVIDIA's is asked through `nvidia-smi`, which comes with the driver, AMD's through sysfs. Who does not answer, or not
in time, is unknown: everything goes on without it.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired

from ai_worker.model_store.places import KINDS
from trapper_kit.logs import log

_ASK = ("--query-gpu=index,uuid,memory.total,name", "--format=csv,noheader,nounits")
_ASK_SECONDS = 10.0
_END_SECONDS = 1.0
_HANGING: "list[Popen[bytes]]" = []
"""Kept, so that nobody complains of them."""
_MIB = 1024**2
_BY_SLOT = "PCI_BUS_ID"
_CGROUPS = Path("/sys/fs/cgroup")
_DRM = Path("/sys/class/drm")
_VISIBLE = {"cuda": "CUDA_VISIBLE_DEVICES", "rocm": "HIP_VISIBLE_DEVICES"}
"""By kind of device: the variable that says which of them a runtime may see, and in which order."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """One device; no name or no memory when the driver reports none."""

    name: str = ""
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class _Card:
    """A device as its driver lists it."""

    uuid: str
    hardware: Hardware


async def hardware_of(runtime: str, devices: Sequence[str]) -> dict[str, Hardware]:
    """Returns the hardware by device; the processor and devices without own memory have the machine's."""
    seen = await every_device(runtime)
    if not seen and KINDS[runtime] not in _VISIBLE:
        return dict.fromkeys(devices, Hardware(memory_bytes=machine_memory()))
    by_device = {device: _nth(seen, int(device.partition(":")[2] or 0)) for device in devices}
    for device, hardware in by_device.items():
        log("device.found", device=device, name=hardware.name, memory_bytes=hardware.memory_bytes)
    return by_device


async def every_device(runtime: str) -> list[Hardware]:
    """Returns all devices with own memory that this runtime may see, in its order."""
    match KINDS[runtime]:
        case "cuda":
            cards = await _nvidia_cards()
        case "rocm":
            cards = await asyncio.to_thread(_amd_cards, _DRM)
        case _:
            return []
    return _visible(cards, os.environ, _VISIBLE[KINDS[runtime]])


def machine_memory() -> int | None:
    """Returns the memory that this process may use, limits of its control group included."""
    limits: list[int] = []
    with contextlib.suppress(ValueError, OSError):
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    if sys.platform == "linux":
        limits += _group_limits(_CGROUPS)
    return min(limits, default=None)


def _group_limits(root: Path) -> list[int]:
    """Yields the limits of our control group and its parents."""
    limits: list[int] = []
    with contextlib.suppress(OSError):
        own = Path("/proc/self/cgroup").read_text("ascii").rpartition("::/")[2].strip()
        folder = root / own
        for group in (folder, *folder.parents):
            if not group.is_relative_to(root):
                break
            with contextlib.suppress(OSError, ValueError):  # `max` is no number: no limit here
                limits.append(int((group / "memory.max").read_text("ascii")))
    return limits


async def _nvidia_cards() -> list[_Card]:
    """Returns the cards that `nvidia-smi` lists, in slot order; none when it does not answer."""
    program = shutil.which("nvidia-smi") or shutil.which("nvidia-smi", path="/usr/lib/wsl/lib")
    if program is None:
        return []
    answer = await asyncio.to_thread(_answer_of, program)
    return [card for line in answer.splitlines() if (card := _card(line)) is not None]


def _answer_of(program: str) -> str:
    try:
        asking = Popen([program, *_ASK], stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL)  # noqa: S603 - fixed words
    except OSError as problem:
        return _unknown(f"{program} cannot be started: {problem.strerror}")
    try:
        output, _ = asking.communicate(timeout=_ASK_SECONDS)
    except TimeoutExpired:
        _let_go(asking)
        return _unknown(f"{program} did not answer within {_ASK_SECONDS:g} s")
    if asking.returncode:
        return _unknown(f"{program} left with code {asking.returncode}")
    return output.decode("utf-8", "replace")


def _unknown(problem: str) -> str:
    log("device.unknown", level=logging.WARNING, problem=problem)
    return ""


def _let_go(asking: "Popen[bytes]") -> None:
    """Kills the process without waiting, because one that hangs in its driver does not end."""
    asking.kill()
    try:
        asking.wait(_END_SECONDS)
    except TimeoutExpired:
        _HANGING.append(asking)
    if asking.stdout is not None:
        asking.stdout.close()


def _card(line: str) -> _Card | None:
    """Parses one line; a number that the driver does not know is a word in brackets."""
    parts = [part.strip() for part in line.split(",", 3)]
    if len(parts) < 4 or not parts[0].isdigit():  # noqa: PLR2004 - as many as were asked for
        return None
    _, uuid, memory, name = parts
    return _Card(uuid, Hardware(name, int(memory) * _MIB if memory.isdigit() else None))


def _amd_cards(drm: Path) -> list[_Card]:
    """Returns the cards that the driver amdgpu lists, in slot order."""
    folders = {path.parent.resolve() for path in drm.glob("card*/device/mem_info_vram_total")}
    cards: list[_Card] = []
    for folder in sorted(folders):
        total, name = (_text(folder / file) for file in ("mem_info_vram_total", "product_name"))
        cards.append(_Card("", Hardware(name, int(total) if total.isdigit() else None)))
    return cards


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _visible(cards: list[_Card], environment: Mapping[str, str], setting: str) -> list[Hardware]:
    """Returns the cards that the runtime may see, in its order; where that is unknown, the smallest for each."""
    names = environment.get(setting)
    chosen: list[Hardware | None] = [card.hardware for card in cards]
    if names is not None:
        chosen = [_named(cards, name.strip()) for name in names.split(",") if name.strip()]
    by_slot = environment.get("CUDA_DEVICE_ORDER", _BY_SLOT) == _BY_SLOT
    known = [hardware for hardware in chosen if hardware is not None]
    if len(known) == len(chosen) and (by_slot or len(set(known)) == 1):
        return known
    least = min((hardware.memory_bytes for hardware in known if hardware.memory_bytes is not None), default=None)
    return [Hardware(memory_bytes=least if len(known) == len(chosen) else None)] * len(chosen)


def _named(cards: list[_Card], name: str) -> Hardware | None:
    """Returns the card by number or UUID prefix; a part of a card (MIG) has unknown memory."""
    if name.isdigit():
        return cards[int(name)].hardware if int(name) < len(cards) else None
    return next((card.hardware for card in cards if card.uuid and card.uuid.startswith(name)), None)


def _nth(seen: Sequence[Hardware], index: int) -> Hardware:
    return seen[index] if index < len(seen) else Hardware()
