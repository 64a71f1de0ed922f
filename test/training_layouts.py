"""Draws a tiny copy of each data set that is trained on, in its published folder layout, with known boxes.

Every maker takes an empty folder and returns what `read_tracks` is given. Pictures are 80 x 60.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

WIDTH, HEIGHT = 80, 60
# The palette of YouTube-VOS's masks is of this kind: any colours, told apart by their place.
PALETTE = [0, 0, 0, 236, 95, 103, 249, 145, 87, 250, 200, 99]


def picture(path: Path, value: int = 0) -> Path:
    """Write a plain picture, of the format that the name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    encoded = cv2.imencode(".png" if path.suffix == ".png" else ".jpg", np.full((HEIGHT, WIDTH, 3), value, np.uint8))[1]
    path.write_bytes(encoded.tobytes())
    return path


def write(path: Path, *lines: object) -> Path:
    """Write lines of text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def coco(root: Path) -> Path:
    """Two pictures; a cat and a dog in the first, a cat and a crowd in the second."""
    for name in ("000000000009.jpg", "000000000025.jpg"):
        picture(root / "train2017" / name)
    content = {
        "images": [
            {"id": 25, "file_name": "000000000025.jpg", "width": WIDTH, "height": HEIGHT},
            {"id": 9, "file_name": "000000000009.jpg", "width": WIDTH, "height": HEIGHT},
        ],
        "annotations": [
            coco_box(101, 9, 17, [10.5, 20.25, 30, 12.75]),
            coco_box(102, 9, 18, [40, 5, 20, 30]),
            coco_box(900000000103, 25, 17, [0, 0, 80, 60]),
            coco_box(104, 25, 1, [5, 5, 50, 50], crowd=1),
        ],
        "categories": [{"id": 1, "name": "person"}, {"id": 17, "name": "cat"}, {"id": 18, "name": "dog"}],
    }
    save_coco(root, content)
    return root


def coco_box(number: int, image: int, category: int, box: Sequence[object], crowd: int = 0) -> dict[str, object]:
    """One annotation as COCO writes it, with an outline that nobody needs here."""
    outline: object = {"counts": [1, 2], "size": [60, 80]} if crowd else [[1.0, 2.0, 3.0, 4.0]]
    about = {"id": number, "image_id": image, "category_id": category, "iscrowd": crowd}
    return {**about, "bbox": list(box), "segmentation": outline, "area": 1.0}


def load_coco(root: Path) -> dict[str, list[dict[str, object]]]:
    """The annotations of `coco`."""
    return json.loads((root / "annotations" / "instances_train2017.json").read_text(encoding="utf-8"))


def save_coco(root: Path, content: object) -> None:
    """Write them back."""
    write(root / "annotations" / "instances_train2017.json", json.dumps(content))


def xml(path: Path, *objects: Mapping[str, object], size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    """A picture's labels as ImageNet writes them; objects with name, box (corners) and, in videos, trackid."""
    lines = ["<annotation>", f"<size><width>{size[0]}</width><height>{size[1]}</height></size>"]
    for thing in objects:
        corners = "".join(
            f"<{name}>{value}</{name}>"
            for name, value in zip(("xmin", "ymin", "xmax", "ymax"), thing["box"], strict=True)
        )
        track = f"<trackid>{thing['trackid']}</trackid>" if "trackid" in thing else ""
        lines.append(f"<object>{track}<name>{thing['name']}</name><bndbox>{corners}</bndbox></object>")
    return write(path, *lines, "</annotation>")


def imagenet_det(root: Path) -> Path:
    """A picture of 2013 with two dogs and a cat, one of 2014 with a dog, and one without an object."""
    labels, data = root / "ILSVRC" / "Annotations" / "DET" / "train", root / "ILSVRC" / "Data" / "DET" / "train"
    first = "ILSVRC2013_train/n02084071/n02084071_1"
    xml(
        labels / f"{first}.xml",
        {"name": "n02084071", "box": (5, 6, 25, 36)},
        {"name": "n02084071", "box": (30, 6, 50, 36)},
        {"name": "n02121808", "box": (0, 40, 80, 60)},
    )
    xml(
        labels / "ILSVRC2014_train_0000" / "ILSVRC2014_train_00000007.xml", {"name": "n02084071", "box": (1, 2, 21, 22)}
    )
    xml(labels / "ILSVRC2014_train_0000" / "ILSVRC2014_train_00000008.xml")
    picture(data / f"{first}.JPEG")
    picture(data / "ILSVRC2014_train_0000" / "ILSVRC2014_train_00000007.JPEG")
    return root


def imagenet_vid(root: Path) -> Path:
    """A video of four frames with a bird in 0, 1 and 3 and another in 1, and a video with a car."""
    labels, data = root / "Annotations" / "VID" / "train", root / "Data" / "VID" / "train"
    video = "ILSVRC2015_VID_train_0000/ILSVRC2015_train_00000000"
    bird = {"name": "n01503061", "trackid": 0}
    things: list[list[dict[str, object]]] = [
        [{**bird, "box": (10, 10, 30, 30)}],
        [{**bird, "box": (11, 10, 31, 30)}, {**bird, "trackid": 1, "box": (50, 20, 70, 50)}],
        [],
        [{**bird, "box": (13, 10, 33, 30)}],
    ]
    for number, objects in enumerate(things):
        xml(labels / video / f"{number:06d}.xml", *objects)
        picture(data / video / f"{number:06d}.JPEG")
    other = "ILSVRC2015_VID_train_0003/ILSVRC2015_train_00200000"
    xml(labels / other / "000000.xml", {"name": "n02958343", "trackid": 0, "box": (0, 0, 40, 20)})
    picture(data / other / "000000.JPEG")
    return root


BOUNDING_BOX_LINES = (
    # A person in three seconds of a video, gone in one; a second person of it, and a cat in another video.
    "AAAAAAAAAA0,2000,0,person,0,present,0.25,0.5,0.1,0.6",
    "AAAAAAAAAA0,1000,0,person,0,present,0.125,0.375,0.1,0.6",
    "AAAAAAAAAA0,3000,0,person,0,absent,-1.0,-1.0,-1.0,-1.0",
    "AAAAAAAAAA0,4000,0,person,0,present,0.5,0.75,0.1,0.6",
    "AAAAAAAAAA0,1000,0,person,1,present,0.5,1.0,0.5,1.0",
    "-B_BBBBBBB1,17000,4,cat,0,present,0,1,0,0.5",
)


def bounding_box_pictures(root: Path, naming: str) -> None:
    """The pictures of BOUNDING_BOX_LINES, named by a template of video, milliseconds, kind and thing."""
    for line in BOUNDING_BOX_LINES:
        video, milliseconds, kind, _, thing, presence, *_ = line.split(",")
        if presence == "present":
            name = naming.format(video=video, milliseconds=milliseconds, kind=kind, thing=thing)
            picture(root / "yt_bb_detection_train" / name)


def youtube_bb(root: Path) -> Path:
    """As youtube-bb-utility stores it."""
    write(root / "yt_bb_detection_train.csv", *BOUNDING_BOX_LINES)
    bounding_box_pictures(root, "{kind}/{video}_{milliseconds}_{kind}_{thing}.jpg")
    return root


def mask(path: Path, boxes: Sequence[tuple[int, tuple[int, int, int, int]]], mode: str = "P") -> Path:
    """A mask whose objects, given by number, are filled boxes x, y, w, h."""
    values = np.zeros((HEIGHT, WIDTH), np.uint8)
    for number, (x, y, w, h) in boxes:
        values[y : y + h, x : x + w] = number
    image = Image.frombytes(mode, (WIDTH, HEIGHT), values.tobytes())
    if mode == "P":
        image.putpalette(PALETTE)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


def youtube_vos(root: Path) -> Path:
    """A video with a duck in the frames 0, 5, 10 and another from 5 on, and a video with a train."""
    top = root / "train"
    masks: dict[str, dict[int, dict[int, tuple[int, int, int, int]]]] = {
        "003234408d": {
            0: {1: (4, 5, 20, 10)},
            5: {1: (6, 5, 20, 10), 2: (40, 30, 12, 24)},
            10: {1: (8, 5, 20, 10), 2: (42, 30, 12, 24)},
        },
        "0043f083b5": {15: {1: (0, 0, 80, 60)}},
    }
    for video, frames in masks.items():
        for frame, boxes in frames.items():
            mask(top / "Annotations" / video / f"{frame:05d}.png", list(boxes.items()))
            picture(top / "JPEGImages" / video / f"{frame:05d}.jpg")
    ducks = {
        "1": {"category": "duck", "frames": ["00000", "00005", "00010"]},
        "2": {"category": "duck", "frames": ["00005", "00010"]},
    }
    train = {"1": {"category": "train", "frames": ["00015"]}}
    videos = {"003234408d": {"objects": ducks}, "0043f083b5": {"objects": train}}
    write(top / "meta.json", json.dumps({"videos": videos}))
    return root


def got10k(root: Path) -> Path:
    """Two sequences of four frames; the first is absent in its second frame and covered in its third."""
    for name, kind in (("GOT-10k_Train_000001", "goat"), ("GOT-10k_Train_000002", "canoe")):
        folder = root / "train" / name
        for number in range(1, 5):
            picture(folder / f"{number:08d}.jpg")
        write(folder / "groundtruth.txt", *[f"{10 + number}.0000,5.0000,20.0000,30.0000" for number in range(4)])
        write(folder / "absence.label", *((0, 1, 0, 0) if kind == "goat" else (0, 0, 0, 0)))
        write(folder / "cover.label", *((8, 8, 0, 3) if kind == "goat" else (8, 8, 8, 8)))
        write(folder / "meta_info.ini", "[METAINFO]", "url: https://example.org", f"object_class: {kind}")
    write(root / "train" / "list.txt", "GOT-10k_Train_000001", "GOT-10k_Train_000002")
    return root


def lasot(root: Path) -> Path:
    """Three sequences, two of them for training; airplane-1 is hidden in its second frame, out of view in its third."""
    for name in ("airplane-1", "airplane-2", "bear-1"):
        folder = root / name.split("-")[0] / name
        for number in range(1, 5):
            picture(folder / "img" / f"{number:08d}.jpg")
        write(folder / "groundtruth.txt", *[f"{10 + number},5,20,30" for number in range(4)])
        write(folder / "full_occlusion.txt", "0,1,0,0" if name == "airplane-1" else "0,0,0,0")
        write(folder / "out_of_view.txt", "0,0,1,0" if name == "airplane-1" else "0,0,0,0")
    write(root / "training_set.txt", "airplane-1", "bear-1")
    write(root / "testing_set.txt", "airplane-2")
    return root


def folders(root: Path) -> Path:
    """Two sequences of images; the first is absent in its second frame."""
    for name in ("boat", "kite"):
        for number in range(3):
            picture(root / name / "img" / f"{number:04d}.jpg")
        rows = [f"{10 + number},5,20,30" for number in range(3)]
        write(root / name / "groundtruth.txt", *(rows if name == "kite" else [rows[0], "nan,nan,nan,nan", rows[2]]))
    return root


def stills(root: Path) -> Path:
    """A csv with two cars in one picture, and one swimmer in two."""
    for name in ("a", "b", "c"):
        picture(root / "pictures" / f"{name}.png")
    write(
        root / "stills.csv",
        "image,set,track,frame,x,y,w,h,image_width,image_height",
        "pictures/a.png,cars,,,1,2,20,20,80,60",
        "pictures/a.png,cars,,,30,2,20,20,80,60",
        "pictures/c.png,lake,swimmer,9,12,2,10,20,80,60",
        "pictures/b.png,lake,swimmer,4,10,2,10,20,80,60",
    )
    return root / "stills.csv"


MAKERS: dict[str, Callable[[Path], Path]] = {
    maker.__name__: maker
    for maker in (coco, imagenet_det, imagenet_vid, youtube_bb, youtube_vos, got10k, lasot, folders, stills)
}
