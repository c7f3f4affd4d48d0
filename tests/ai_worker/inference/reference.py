"""What the families publish about their outputs, written as slowly and plainly as possible.

Sources: `Detect.forward` and `non_max_suppression` of ultralytics/yolov5 (v7.0) and ultralytics/ultralytics (v8);
`v10Detect` and `v10postprocess` of THU-MIG/yolov10; `decode_outputs` and `demo_postprocess` of
Megvii-BaseDetection/YOLOX; `RTDETRPostProcessor` of lyuwenyu/RT-DETR; `NanoDetPlusHead.get_bboxes` and `Integral` of
RangiLyu/nanodet.
"""

import math


def iou(first, second):
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(0.0, width) * max(0.0, height)
    area = (first[2] - first[0]) * (first[3] - first[1]) + (second[2] - second[0]) * (second[3] - second[1])
    return shared / (area - shared) if area > shared else 0.0


def nms(found, limit, side=None):
    """`found` are (score, label, corners); greedy, per class; of a picture with this side only what lies in it."""
    if side is not None:
        found = [(score, label, [min(max(value, 0), side) for value in box]) for score, label, box in found]
        found = [one for one in found if one[2][2] > one[2][0] and one[2][3] > one[2][1]]
    kept = []
    for candidate in sorted(found, key=lambda one: -one[0]):
        if all(one[1] != candidate[1] or iou(one[2], candidate[2]) <= limit for one in kept):
            kept.append(candidate)
    return kept


def corners(x, y, width, height):
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]


def yolov8(table, floor, limit, side=None):
    """(4 + classes) rows, one column per candidate."""
    found = []
    for column in range(len(table[0])):
        x, y, width, height = (table[row][column] for row in range(4))
        scores = [table[row][column] for row in range(4, len(table))]
        if max(scores) >= floor:
            found.append((max(scores), scores.index(max(scores)), corners(x, y, width, height)))
    return nms(found, limit, side)


def yolov5(rows, floor, limit, side=None):
    """One row per candidate: centre, size, objectness, classes."""
    found = []
    for x, y, width, height, objectness, *classes in rows:
        scores = [objectness * score for score in classes]
        if max(scores) >= floor:
            found.append((max(scores), scores.index(max(scores)), corners(x, y, width, height)))
    return nms(found, limit, side)


def yolov10(rows, floor):
    """One row per object: corners, score, class."""
    return sorted(((row[4], int(row[5]), list(row[:4])) for row in rows if row[4] >= floor), key=lambda one: -one[0])


def yolox(rows, side, floor, limit):
    """As yolov5, but centres are offsets on a grid and sizes are logarithms, in strides."""
    decoded, index = [], 0
    for stride in (8, 16, 32):
        for y in range(side // stride):
            for x in range(side // stride):
                raw = rows[index]
                index += 1
                decoded.append(
                    [
                        (raw[0] + x) * stride,
                        (raw[1] + y) * stride,
                        math.exp(raw[2]) * stride,
                        math.exp(raw[3]) * stride,
                        *raw[4:],
                    ]
                )
    return yolov5(decoded, floor, limit, side), decoded


def rtdetr(boxes, logits, side, floor):
    """Boxes as fractions, class scores before the sigmoid."""
    found = []
    for (x, y, width, height), row in zip(boxes, logits, strict=True):
        scores = [1 / (1 + math.exp(-logit)) for logit in row]
        if max(scores) >= floor:
            found.append((max(scores), scores.index(max(scores)), [side * v for v in corners(x, y, width, height)]))
    return sorted(found, key=lambda one: -one[0])


def nanodet(rows, classes, *, bins, side, floor, limit):
    """Class scores, then left, top, right, bottom as distributions over distances in strides."""
    found, index = [], 0
    for stride in (8, 16, 32, 64):
        for y in range(side // stride):
            for x in range(side // stride):
                row = rows[index]
                index += 1
                distances = []
                for edge in range(4):
                    powers = [math.exp(v) for v in row[classes + edge * bins : classes + (edge + 1) * bins]]
                    distances.append(sum(k * power for k, power in enumerate(powers)) / sum(powers) * stride)
                scores = row[:classes]
                if max(scores) >= floor:
                    left, top = max(x * stride - distances[0], 0), max(y * stride - distances[1], 0)
                    right, bottom = min(x * stride + distances[2], side), min(y * stride + distances[3], side)
                    found.append((max(scores), scores.index(max(scores)), [left, top, right, bottom]))
    return nms(found, limit, side)


def classifier(row, activation):
    """A number for each label: as it is, by softmax over all of them, or by a sigmoid for each."""
    if activation == "softmax":
        total = sum(math.exp(value - max(row)) for value in row)
        return [math.exp(value - max(row)) / total for value in row]
    return [1 / (1 + math.exp(-value)) for value in row] if activation == "sigmoid" else list(row)


def bilinear(picture, width, height):
    """OpenCV's INTER_LINEAR: half-pixel centres, edges repeated, no anti-aliasing."""
    old_height, old_width = len(picture), len(picture[0])
    result = []
    for row in range(height):
        y = min(max((row + 0.5) * old_height / height - 0.5, 0), old_height - 1)
        top, below = int(y), min(int(y) + 1, old_height - 1)
        line = []
        for column in range(width):
            x = min(max((column + 0.5) * old_width / width - 0.5, 0), old_width - 1)
            left, right = int(x), min(int(x) + 1, old_width - 1)
            pixel = []
            for channel in range(3):
                upper = float(picture[top][left][channel]) * (1 - x + left) + float(picture[top][right][channel]) * (
                    x - left
                )
                lower = float(picture[below][left][channel]) * (1 - x + left) + float(
                    picture[below][right][channel]
                ) * (x - left)
                pixel.append(upper * (1 - y + top) + lower * (y - top))
            line.append(pixel)
        result.append(line)
    return result
