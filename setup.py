"""Installs siam_tracker_ros: with colcon on a ROS 2 distribution, or with pip anywhere."""

from pathlib import Path

from setuptools import find_packages, setup

PACKAGE = "siam_tracker_ros"
HERE = Path(__file__).resolve().parent


def files_of(folder: str, pattern: str) -> list[str]:
    """Returns the paths, relative to this file, of a folder's files, in order."""
    return sorted(str(path.relative_to(HERE)) for path in (HERE / folder).glob(pattern) if path.is_file())


setup(
    name=PACKAGE,
    version="0.1.0",
    description="Follows one target in a camera's picture: a ROS 2 node and a library of Siamese trackers.",
    long_description=(HERE / "README.md").read_text(encoding="utf-8") if (HERE / "README.md").is_file() else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    maintainer="siam_tracker_ros developers",
    maintainer_email="maintainer@example.com",
    packages=sorted({PACKAGE, *find_packages(include=[f"{PACKAGE}.*"])}),
    package_data={PACKAGE: ["py.typed", "weights/*.safetensors", "weights/*.md", "weights/*.json", "**/*.yaml"]},
    # What a ROS distribution looks for in share/: the ament index entry, the manifest, launch files and parameters.
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (f"share/{PACKAGE}", ["package.xml"]),
        (f"share/{PACKAGE}/launch", files_of("launch", "*.py")),
        (f"share/{PACKAGE}/config", files_of("config", "*")),
    ],
    python_requires=">=3.10",
    # What pip can provide. The ROS packages are declared in package.xml only.
    install_requires=[
        "av",
        "matplotlib",
        "numpy",
        "opencv-contrib-python-headless",
        "pydantic>=2",
        "pyyaml",
        "safetensors",
        "torch>=2.1",
        "torchvision>=0.16",
        "tqdm",
        "typer",
    ],
    extras_require={"demo": ["scikit-image"]},
    zip_safe=False,
    entry_points={
        "console_scripts": [
            "siam-track = siam_tracker_ros.cli.main:main",
            "tracker_node = siam_tracker_ros.nodes.tracker_node:main",
            "video_player = siam_tracker_ros.nodes.video_player:main",
            "track_recorder = siam_tracker_ros.nodes.track_recorder:main",
        ]
    },
)
