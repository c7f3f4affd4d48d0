"""Measures the shipped ONNX files on photos that training never saw, and writes the model cards."""

import argparse
import sys
from pathlib import Path

from render.scenes import CATEGORIES
from render.species import SPECIES
from scoring.measure import SHOWN, Figures, held_out_photos, measure
from scoring.predict import open_model

HERE = Path(__file__).parent
FIRST_SEED = 2_000_000
BAR = 0.9
_WARNING = """**For trying the system out, nothing else.** This model has seen drawings only: silhouettes with textures
over painted backgrounds, made by `models/render`. On real photos it says nonsense. Real projects use a real detector
(MegaDetector) and a real classifier (DeepFaune, SpeciesNet or their own); the README tells how to add one.
"""


def detector_card(figures: Figures) -> str:
    rows = "".join(
        f"| {category} | {figures.boxes[category]} | {figures.average_precision[category]:.3f} |\n"
        for category in CATEGORIES
    )
    total = sum(figures.boxes.values())
    return f"""# demo-detector 1

{_WARNING}
| | |
|---|---|
| task | boxes of animals, humans and vehicles |
| file | `models/weights/demo-detector.onnx`, hash in `SHA256SUMS` |
| input | `images`, batch x 3 x 320 x 320, float32, RGB 0 to 1, letterboxed (centred, padding 114) |
| output | `output0`, batch x 7 x 2100 (yolov8 layout): centre, width, height in input pixels, three sigmoid scores |
| classes | 0 animal, 1 human, 2 vehicle |
| scores | logits stretched by 1.8 and shifted by -0.12 within the file, so that mistakes mostly stay below 0.1 |
| suggested threshold | {SHOWN}, suppression at an overlap of 0.5 per class |
| architecture | plain convolutional network, 0.5 M parameters, anchor-free, three levels |
| training data | 4,200 rendered photos (`models/training_set.py`), no photo taken by a camera |
| licence | MIT, as the project |

## How right it is, on rendered photos it never saw

{figures.photos} photos with {total} boxes, seeds from {FIRST_SEED:,} (training: from 1,000,000); measured by
`models/evaluate.py` with ONNX Runtime.

| class | boxes | AP at overlap 0.5 |
|---|---:|---:|
{rows}| **mean** | {total} | **{figures.mean_average_precision:.3f}** |

At the threshold {SHOWN}: {figures.shown_found} of {total} found in the right class ({figures.shown_found / total:.1%}),
{figures.shown_wrong} wrong boxes, {figures.blanks_kept_blank} of {figures.blanks} empty photos without any box.
"""


def species_card(figures: Figures) -> str:
    head = "| truth, answer | " + " | ".join(SPECIES) + " | right |\n|---|" + "---:|" * (len(SPECIES) + 1) + "\n"
    rows = "".join(
        f"| {name} | " + " | ".join(str(int(count)) for count in row) + f" | {row[index] / max(1, row.sum()):.3f} |\n"
        for index, (name, row) in enumerate(zip(SPECIES, figures.confusion, strict=True))
    )
    total = sum(figures.boxes.values())
    return f"""# demo-species 1

{_WARNING}
| | |
|---|---|
| task | species of one cut-out animal, and an embedding of it |
| file | `models/weights/demo-species.onnx`, hash in `SHA256SUMS` |
| input | `images`, batch x 3 x 96 x 96, float32, RGB, ImageNet mean and standard deviation |
| crop | the box and 10 % of its size on each side, cut at the photo's edge, squashed to the square |
| outputs | `logits`, batch x 8 (softmax gives scores); `embedding`, batch x 64, not normalised |
| classes | {", ".join(f"{index} {name}" for index, name in enumerate(SPECIES))} |
| architecture | plain convolutional network, 0.35 M parameters |
| training data | the animals of 4,200 rendered photos (`models/training_set.py`), no photo taken by a camera |
| licence | MIT, as the project |

It answers one of its eight species whatever it is shown; there is no class for anything else.

## How right it is, on rendered photos it never saw

{int(figures.confusion.sum())} animals in {figures.photos} photos, seeds from {FIRST_SEED:,} (training: from 1,000,000),
cut out by their true boxes: top-1 **{figures.top1:.3f}**.

{head}{rows}
Both models one after the other, at the detector's threshold {SHOWN}: {figures.end_to_end_right} of {total} boxes
found in the right class and, if animals, with the right species ({figures.end_to_end_right / total:.1%}).
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--places", type=int, default=300, help="two photos are taken at each")
    parser.add_argument("--no-cards", action="store_true", help="only print the figures")
    options = parser.parse_args()
    detector, classifier = (
        open_model(HERE / "weights" / "demo-detector.onnx"),
        open_model(HERE / "weights" / "demo-species.onnx"),
    )
    figures = measure(held_out_photos(FIRST_SEED, options.places), detector, classifier)
    print(f"AP50 {figures.average_precision} mean {figures.mean_average_precision:.3f}, top-1 {figures.top1:.3f}")
    print(f"shown: found {figures.shown_found}, wrong {figures.shown_wrong}, end to end {figures.end_to_end_right}")
    print(f"blank {figures.blanks_kept_blank} of {figures.blanks}\n{figures.confusion}")
    if not options.no_cards:
        (HERE / "cards" / "demo-detector.md").write_text(detector_card(figures))
        (HERE / "cards" / "demo-species.md").write_text(species_card(figures))
    return 0 if min(figures.mean_average_precision, figures.top1) >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
