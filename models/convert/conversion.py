"""What all converters share: the command line, the shapes that a file must have, and the check on fixed inputs."""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

OPSET = 17
TOLERANCE = 1e-3
LARGEST_BYTES = 2**31 - 1
Shape = tuple[int | None, ...]
Arrays = list[NDArray[Any]]
Model = Callable[[NDArray[np.float32]], Arrays]
"""The network before it was exported, from one batch to its outputs."""


class Unfit(Exception):  # noqa: N818 - named after what is the case
    """The conversion ends here; the message is a plain sentence."""


@dataclass(frozen=True)
class Recipe:
    """One entry of the catalogue: the input it takes, and what must come out, None where any length is right."""

    side: int
    outputs: tuple[Shape, ...]
    channels_last: bool = False
    unordered: bool = False
    """Whether its rows are the best of many, which near-equal scores put into another order."""

    def input_shape(self, batch: int) -> tuple[int, ...]:
        """With so many pictures."""
        pixels = (self.side, self.side)
        return (batch, *pixels, 3) if self.channels_last else (batch, 3, *pixels)


def fixed_inputs(recipe: Recipe, batch: int = 1) -> dict[str, NDArray[np.float32]]:
    """Grey, a gradient and seeded noise from 0 to 1: the same numbers on every machine and every day."""
    shape = recipe.input_shape(batch)
    ramp = np.linspace(0, 1, recipe.side, dtype=np.float32)
    gradient = np.broadcast_to(ramp[:, None, None] if recipe.channels_last else ramp[None, :, None], shape[1:])
    noise = np.random.Generator(np.random.PCG64(1)).random(shape, dtype=np.float32)
    return {
        "grey": np.full(shape, 114 / 255, np.float32),
        "gradient": np.ascontiguousarray(np.broadcast_to(gradient, shape)),
        "noise": noise,
    }


def check(path: Path, recipe: Recipe) -> dict[str, Arrays]:
    """What the file answers to the fixed inputs; Unfit says what was expected and what was seen."""
    if path.stat().st_size > LARGEST_BYTES:
        raise Unfit(f"{path.name} is larger than the {LARGEST_BYTES} bytes that one ONNX file can have")
    document = onnx.load(str(path), load_external_data=False)
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in document.graph.initializer):
        raise Unfit(f"{path.name} keeps its weights in another file; everything must be in one")
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when ONNX Runtime is imported
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise Unfit(
            f"{path.name} takes {len(inputs)} inputs ({', '.join(one.name for one in inputs)}), not one picture"
        )
    said = tuple(side if isinstance(side, int) else None for side in inputs[0].shape)
    if not _fits(recipe.input_shape(said[0] or 1), said):
        raise Unfit(f"{path.name} takes {_words(said)}; expected {_words(recipe.input_shape(1))}")
    answers: dict[str, Arrays] = {}
    for name, values in fixed_inputs(recipe, said[0] or 1).items():
        outputs = [np.asarray(one) for one in session.run(None, {inputs[0].name: values})]
        for shape in recipe.outputs:
            if not any(_fits(output.shape, shape) for output in outputs):
                seen = ", ".join(_words(output.shape) for output in outputs)
                raise Unfit(f"{path.name} answers {seen}; expected {_words(shape)}")
        if not all(np.isfinite(output).all() for output in outputs):
            raise Unfit(f"{path.name} answers {name} with numbers that are infinite or none")
        answers[name] = outputs
    return answers


def compare(path: Path, recipe: Recipe, before: Model) -> float:
    """How far the file is from the network it was made of, relative to each output's largest; Unfit above TOLERANCE."""
    worst = 0.0
    for name, ours in check(path, recipe).items():
        theirs = before(fixed_inputs(recipe, len(ours[0]))[name])
        if [one.shape for one in ours] != [one.shape for one in theirs]:
            seen = ", ".join(_words(one.shape) for one in ours)
            raise Unfit(f"{path.name} answers {seen}; before it was {', '.join(_words(one.shape) for one in theirs)}")
        worst = max(worst, _rows_apart(ours, theirs) if recipe.unordered else _apart(ours, theirs))
    if not worst <= TOLERANCE:
        raise Unfit(f"{path.name} is {worst:.2%} off the network it was made of; at most {TOLERANCE:.1%} is rounding")
    return worst


def _apart(ours: Arrays, theirs: Arrays) -> float:
    return max(
        float(np.abs(mine - other).max(initial=0)) / (float(np.abs(other).max(initial=0)) or 1.0)
        for mine, other in zip(ours, theirs, strict=True)
    )


def _rows_apart(ours: Arrays, theirs: Arrays) -> float:
    """Each row against the one that is most like it; a twentieth may have been chosen in place of others."""
    scales = [float(np.abs(other).max(initial=0)) or 1.0 for other in theirs]
    mine, other = (
        np.concatenate([one / scale for one, scale in zip(each, scales, strict=True)], axis=-1)
        for each in (ours, theirs)
    )
    nearest = [
        np.abs(left[:, None] - right[None]).max(axis=2).min(axis=1) for left, right in zip(mine, other, strict=True)
    ]
    return float(np.quantile(np.concatenate(nearest), 0.95))


def command_line(
    about: str,
    recipes: Mapping[str, Recipe],
    convert: Callable[[argparse.Namespace, Recipe, Path], Model | None],
    *,
    needs: Sequence[str],
    more: Callable[[argparse.ArgumentParser], None] | None = None,
    arguments: Sequence[str] | None = None,
) -> int:
    """The command line of one family: 0 converted and checked, 1 not, 2 called wrongly; `needs` are its packages."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("entry", choices=sorted(recipes), metavar="ENTRY", help=f"one of {', '.join(sorted(recipes))}")
    parser.add_argument("weights", type=Path, metavar="WEIGHTS", help="the publisher's checkpoint; loading it runs it")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: ENTRY.onnx beside the checkpoint")
    if more is not None:
        more(parser)
    options = parser.parse_args(arguments)
    if not options.weights.is_file():
        parser.error(f"there is no file {str(options.weights)!r}")
    out = options.out or options.weights.with_name(f"{options.entry.replace('@', '-')}.onnx")
    if out.exists():
        parser.error(f"{str(out)!r} is there already")
    try:
        _require(needs)
        recipe = recipes[options.entry]
        before = convert(options, recipe, out)
        told = "shapes fit"
        if before is None:
            check(out, recipe)
        else:
            told += f", {compare(out, recipe, before):.4%} off at most"
    except Unfit as problem:
        out.unlink(missing_ok=True)
        sys.stderr.write(f"{problem}.\n")
        return 1
    except Exception as problem:  # noqa: BLE001 - other people's classes and pickles raise what they like
        out.unlink(missing_ok=True)
        lines = str(problem).strip().splitlines() or ["it says nothing more"]
        told = "; ".join(line.strip() for line in lines[:4])
        sys.stderr.write(f"{options.weights.name} cannot be converted: {type(problem).__name__}: {told[:600]}\n")
        return 1
    print(f"{out}: {told}. Next: trapper models install {options.entry} --file {out}")
    return 0


def _require(needs: Sequence[str]) -> None:
    for package in needs:
        try:
            importlib.import_module(package)
        except ImportError:
            script = Path(sys.argv[0]).stem
            raise Unfit(
                f"{package} is not installed here: make an environment of its own from requirements-{script}.txt"
            ) from None


def _fits(shape: Sequence[int | None], wanted: Sequence[int | None]) -> bool:
    if len(shape) != len(wanted):
        return False
    return all(want is None or have == want for have, want in zip(shape, wanted, strict=True))


def _words(shape: Sequence[int | None]) -> str:
    return " x ".join("any" if side is None else str(side) for side in shape)
