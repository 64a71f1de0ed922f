"""Tiny copies of the published benchmarks' layouts, drawn from a moving square: `import published_layouts`."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

FRAMES = 4
SIZE = (32, 24)


def write(path: Path, *lines: object) -> Path:
    """Writes the lines into a file whose folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def images(folder: Path, count: int = FRAMES, first: int = 1, name: str = "{:04d}.jpg") -> None:
    """Draws images whose grey level is ten times their number."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        grey = np.full((SIZE[1], SIZE[0], 3), min(number * 10, 255), np.uint8)
        cv2.imwrite(str(folder / name.format(number)), grey)


def lines(count: int = FRAMES, separator: str = ",") -> list[str]:
    """Boxes that move by a pixel a frame, x,y,w,h."""
    return [separator.join(map(str, (3 + index, 4, 8, 6))) for index in range(count)]


def otb100(root: Path) -> Path:
    for name, separator in (("Boy", ","), ("Deer", "\t")):
        images(root / name / "img")
        write(root / name / "groundtruth_rect.txt", *lines(separator=separator))
    return root


def dtb70(root: Path) -> Path:
    for name in ("Animal1", "Car2"):
        images(root / name / "img", name="{:05d}.jpg")
        write(root / name / "groundtruth_rect.txt", *lines())
    return root


def uav123(root: Path, rate: str = "UAV123") -> Path:
    images(root / "data_seq" / rate / "bike1", name="{:06d}.jpg")
    images(root / "data_seq" / rate / "car1", 7, name="{:06d}.jpg")
    write(root / "anno" / rate / "bike1.txt", *lines(3), "NaN,NaN,NaN,NaN")
    write(root / "anno" / rate / "car1_1.txt", *lines(3))
    write(root / "anno" / rate / "car1_2.txt", *lines(5))
    return root


def uav20l(root: Path) -> Path:
    for name, count in (("bike1", FRAMES), ("car1", 7)):
        images(root / "data_seq" / "UAV123" / name, count, name="{:06d}.jpg")
        write(root / "anno" / "UAV20L" / f"{name}.txt", *lines(count))
    return root


def lasot(root: Path) -> Path:
    for name in ("cat-1", "dog-2"):
        path = root / name.split("-")[0] / name
        images(path / "img", name="{:08d}.jpg")
        write(path / "groundtruth.txt", *lines())
        write(path / "full_occlusion.txt", "0,0,1,0")
        write(path / "out_of_view.txt", "0,0,0,0")
    return root


def got10k(root: Path) -> Path:
    for name in ("GOT-10k_Val_000001", "GOT-10k_Val_000002"):
        path = root / "val" / name
        images(path, name="{:08d}.jpg")
        write(path / "groundtruth.txt", *lines())
        write(path / "absence.label", 0, 0, 1, 0)
        write(path / "cover.label", 8, 8, 0, 7)
        write(path / "meta_info.ini", "[METAINFO]", "object_class: dog", "motion_class: walking", "anno_fps: 10Hz")
    return root


def vot(root: Path) -> Path:
    for name in ("ants", "ball"):
        images(root / name / "color", name="{:08d}.jpg")
        write(root / name / "groundtruth.txt", *["10,5,20,5,20,15,10,15"] * FRAMES)
        write(root / name / "occlusion.tag", 0, 1, 1, 0)
        write(root / name / "motion_change.tag", 0, 0, 0, 0)
    write(root / "list.txt", "ants", "ball")
    return root


def nfs(root: Path) -> Path:
    for name in ("car", "dog_1"):
        images(root / name / "30" / name, name="{:05d}.jpg")
        rows = [f'0 {3 + index} 4 {11 + index} 10 {index} {int(index == 2)} 0 0 "{name}"' for index in range(FRAMES)]
        write(root / name / "30" / f"{name}.txt", *rows)
    return root


def uavdt(root: Path) -> Path:
    for name in ("S0101", "S0201"):
        images(root / "UAV-benchmark-S" / name, name="img{:06d}.jpg")
        write(root / "UAV-benchmark-SOT_v1.0" / "anno" / f"{name}_gt.txt", *lines())
    return root


def folders(root: Path) -> Path:
    for name in ("a", "b"):
        images(root / name / "img")
        write(root / name / "groundtruth.txt", *lines())
    return root


MAKERS: dict[str, Callable[[Path], Path]] = {
    maker.__name__: maker for maker in (otb100, dtb70, uav123, uav20l, lasot, got10k, vot, nfs, uavdt, folders)
}
