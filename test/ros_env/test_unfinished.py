"""What an interrupted pip left half installed is found, and what is whole stays."""

from pathlib import Path

from ros_env.unfinished import drop_unfinished


def package(site_packages: Path, name: str, *files: str) -> Path:
    folder = site_packages / f"{name}-1.0.dist-info"
    folder.mkdir()
    for file in files:
        (folder / file).write_text("")
    return folder


def test_half_installed_packages_are_forgotten(tmp_path: Path) -> None:
    whole = package(tmp_path, "numpy", "METADATA", "INSTALLER", "RECORD")
    package(tmp_path, "torch", "METADATA", "RECORD")
    package(tmp_path, "av", "METADATA", "INSTALLER")
    (tmp_path / "~ox").mkdir()
    (tmp_path / "numpy").mkdir()
    assert drop_unfinished(tmp_path) == ["av-1.0.dist-info", "torch-1.0.dist-info", "~ox"]
    assert whole.is_dir()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["numpy", "numpy-1.0.dist-info"]
