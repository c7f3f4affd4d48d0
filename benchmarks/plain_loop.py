"""The loop that `trapper run` is measured against: decode, letterbox, the same detector, boxes as JSON at the end.

It knows no database, no species, no thumbnails, no retries, and keeps nothing.
Usage: python -m benchmarks.plain_loop FOLDER RESULTS.json
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

from benchmarks.report import ROOT

WEIGHTS = ROOT / "models" / "weights" / "demo-detector.onnx"
SIDE = 320
THRESHOLD = 0.2
GREY = (114, 114, 114)


def main(folder: Path, results: Path) -> None:
    session = onnxruntime.InferenceSession(str(WEIGHTS), providers=["CPUExecutionProvider"])
    images: list[dict[str, object]] = []
    for path in sorted(folder.rglob("*.jpg")):
        with Image.open(path) as opened:
            opened.draft("RGB", (SIDE, SIDE))
            photo = opened.convert("RGB")
            photo.thumbnail((SIDE, SIDE), Image.Resampling.BILINEAR)
            canvas = Image.new("RGB", (SIDE, SIDE), GREY)
            canvas.paste(photo, ((SIDE - photo.width) // 2, (SIDE - photo.height) // 2))
        pixels = np.asarray(canvas, np.float32).transpose(2, 0, 1)[None] / 255
        (output,) = session.run(None, {"images": pixels})
        rows = np.asarray(output)[0].T
        sure = rows[rows[:, 4:].max(axis=1) >= THRESHOLD]
        images.append({"file": str(path.relative_to(folder)), "detections": sure.tolist()})
    results.write_text(json.dumps({"images": images}), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
