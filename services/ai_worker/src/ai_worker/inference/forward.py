"""Runs tensors of several pictures through one session, whatever its batch axis allows."""

from collections.abc import Sequence
from typing import cast

import numpy as np

from ai_worker.inference.types import ModelOutputUnfit, Session, Tensor


def forward(session: Session, tensors: Sequence[Tensor], *, most: int = 0) -> list[list[Tensor]]:
    """Returns for each tensor its outputs, in the order of `session.outputs`, without the batch axis.

    `most` limits how many go through in one pass, where the file leaves that open; 0: all of them.
    """
    results: list[list[Tensor]] = []
    fixed = _fixed_batch(session)
    step = fixed or most or len(tensors)
    for start in range(0, len(tensors), step):
        part = tensors[start : start + step]
        size = fixed or len(part)
        outputs = session.run(_stack(part, size))
        results += [[_of(output, index, size) for output in outputs] for index in range(len(part))]
    return results


def _stack(part: Sequence[Tensor], size: int) -> Tensor:
    """Returns one tensor for the session: no copy for one picture, padded with zeros where some lack."""
    if size == 1:
        return part[0][None]
    batch = np.empty((size, *part[0].shape), dtype=part[0].dtype)
    for row, tensor in zip(batch, part, strict=False):
        row[...] = tensor
    batch[len(part) :] = 0
    return batch


def _fixed_batch(session: Session) -> int | None:
    return session.input.shape[0] if session.input.shape else None


def _of(output: Tensor, index: int, batch: int) -> Tensor:
    if output.ndim and output.shape[0] == batch:
        return cast("Tensor", output[index])
    if batch == 1:  # some exports drop the axis of one
        return output
    raise ModelOutputUnfit(
        f"an output of {'x'.join(map(str, output.shape))} for {batch} pictures; expected {batch} in front"
    )
