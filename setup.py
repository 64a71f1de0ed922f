"""Installs siam_tracker_ros: with colcon on a ROS 2 distribution, or with pip anywhere."""

from pathlib import Path

from setuptools import find_packages, setup

PACKAGE = "siam_tracker_ros"
HERE = Path(__file__).resolve().parent
# For tests and checks, as ros_env/requirements/development.txt; a test compares.
DEVELOPMENT = ["got10k", "hypothesis", "mypy", "pytest-xdist>=3", "pytest>=7", "ruff", "six", "types-PyYAML"]


def shared_files(folder: str) -> list[tuple[str, list[str]]]:
    """Returns, for a folder and those below it, where their files go in share/, and the files themselves."""
    places: dict[str, list[str]] = {}
    for path in sorted((HERE / folder).rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            file = path.relative_to(HERE)
            places.setdefault(f"share/{PACKAGE}/{file.parent.as_posix()}", []).append(str(file))
    return list(places.items())


def readme() -> str:
    """Returns the project's description."""
    file = HERE / "README.md"
    return file.read_text(encoding="utf-8") if file.is_file() else ""


setup(
    name=PACKAGE,
    version="0.1.0",
    description="Follows targets in a camera's picture: a ROS 2 node and a library of Siamese trackers.",
    long_description=readme(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    maintainer="siam_tracker_ros developers",
    maintainer_email="maintainer@example.com",
    packages=sorted({PACKAGE, *find_packages(include=[f"{PACKAGE}.*"])}),
    package_data={
        PACKAGE: ["py.typed", "weights/*.safetensors", "weights/*.md", "weights/*.json", "**/*.yaml", "**/*.j2"]
    },
    # What ROS looks for in share/: the ament index entry, the manifest, launch files and parameters.
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (f"share/{PACKAGE}", ["package.xml"]),
        *shared_files("launch"),
        *shared_files("config"),
    ],
    python_requires=">=3.10",
    # What pip can provide. The ROS packages are declared in package.xml only.
    install_requires=[
        "av",
        "jinja2",
        "matplotlib",
        "numpy",
        "opencv-contrib-python-headless",
        "pydantic>=2",
        "pyyaml",
        "rosbags>=0.11.9",
        "safetensors",
        "torch>=2.1",
        "torchvision>=0.16",
        "tqdm",
        "typer",
    ],
    extras_require={
        "demo": ["scikit-image"],
        "onnx": ["onnx", "onnxruntime"],
        "openvino": ["openvino"],
        "training": ["lightning>=2", "pillow", "tensorboard"],
        "development": DEVELOPMENT,
    },
    zip_safe=False,
    entry_points={
        "console_scripts": [
            "siam-track = siam_tracker_ros.cli.main:main",
            "tracker_node = siam_tracker_ros.nodes.tracker_node:main",
            "video_player = siam_tracker_ros.nodes.video_player:main",
            "track_recorder = siam_tracker_ros.nodes.track_recorder:main",
            "demo_operator = siam_tracker_ros.nodes.demo_operator:main",
        ]
    },
)
