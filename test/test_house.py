"""The rules of the house: who may import what, and that what is imported is declared."""

import ast
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "siam_tracker_ros"

ROS_MODULES = {
    "ament_index_python",
    "builtin_interfaces",
    "cv_bridge",
    "diagnostic_msgs",
    "geometry_msgs",
    "launch",
    "launch_ros",
    "launch_testing",
    "lifecycle_msgs",
    "rcl_interfaces",
    "rclpy",
    "sensor_msgs",
    "siam_tracker_interfaces",
    "std_msgs",
    "std_srvs",
    "vision_msgs",
}
# These come with rclpy, which every distribution installs with them.
WITH_RCLPY = {"ament_index_python", "builtin_interfaces", "rcl_interfaces"}

# The folders that may import torch.
TORCH_FOLDERS = {"networks", "tracking", "runtime", "training"}
TORCH_MODULES = {"torch", "torchvision", "safetensors", "lightning"}

# What these modules may import besides the standard library, numpy and the package itself: nothing.
NUMPY_ONLY = [PACKAGE / "geometry.py", PACKAGE / "evaluation" / "metrics.py"]


def sources(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if path.is_file())


def imports_of(path: Path) -> set[str]:
    """Returns the dotted names of the modules that a file imports, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module)
    return found


def top_level(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def folder_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", sources(PACKAGE), ids=name_of)
def test_only_nodes_import_ros(path: Path) -> None:
    ros = top_level(imports_of(path)) & ROS_MODULES
    assert not ros or folder_of(path) == "nodes", f"{name_of(path)} imports {sorted(ros)}"


@pytest.mark.parametrize("path", sources(PACKAGE), ids=name_of)
def test_only_networks_tracking_runtime_and_training_import_torch(path: Path) -> None:
    torch = top_level(imports_of(path)) & TORCH_MODULES
    assert not torch or folder_of(path) in TORCH_FOLDERS, f"{name_of(path)} imports {sorted(torch)}"


@pytest.mark.parametrize("path", NUMPY_ONLY, ids=name_of)
def test_pure_modules_import_numpy_only(path: Path) -> None:
    allowed = set(sys.stdlib_module_names) | {"numpy"}
    own = {"siam_tracker_ros.geometry"}
    others = {name for name in imports_of(path) if name.split(".")[0] not in allowed and name not in own}
    assert not others, f"{name_of(path)} imports {sorted(others)}"


def test_nodes_know_no_network() -> None:
    for path in sources(PACKAGE / "nodes"):
        networks = {name for name in imports_of(path) if name.startswith("siam_tracker_ros.networks")}
        assert not networks, f"{name_of(path)} imports {sorted(networks)}"


def test_networks_know_no_tracking() -> None:
    for path in sources(PACKAGE / "networks"):
        tracking = {name for name in imports_of(path) if name.startswith("siam_tracker_ros.tracking")}
        assert not tracking, f"{name_of(path)} imports {sorted(tracking)}"


@pytest.mark.parametrize("module", ["siam_tracker_ros", "siam_tracker_ros.cli.main"])
def test_importing_the_package_is_cheap(module: str) -> None:
    program = f"import sys, {module}; print([m for m in ('torch', 'rclpy') if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert answer.stdout.strip() == "[]"


FORBIDDEN = {
    r"\bsys\.path\.(append|insert|extend)\b": "packages are installed, not put on the path",
    r"\bweights_only\s*=\s*False\b": "a checkpoint could run code",
    r"\bexcept\s*:": "it hides what it does not expect",
    r"\btime\.sleep\(\s*\d+(\.\d+)?\s*\)\s*#\s*wait": "wait for the event",
}


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_forbidden_constructs(pattern: str) -> None:
    places = [
        f"{name_of(path)}:{number}"
        for folder in ("siam_tracker_ros", "ros_env", "launch")
        for path in sources(ROOT / folder)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(pattern, line)
    ]
    assert not places, f"{FORBIDDEN[pattern]}: {places}"


def declared(manifest: Path, *kinds: str) -> set[str]:
    root = ElementTree.parse(manifest).getroot()
    return {str(element.text) for kind in kinds for element in root.iter(kind)}


def test_manifest_declares_what_the_node_uses() -> None:
    assert {
        "cv_bridge",
        "diagnostic_msgs",
        "launch_ros",
        "python3-numpy",
        "python3-opencv",
        "rclpy",
        "sensor_msgs",
        "siam_tracker_interfaces",
        "std_srvs",
        "vision_msgs",
    } <= declared(ROOT / "package.xml", "depend", "exec_depend")
    assert {"launch_testing", "python3-pytest"} <= declared(ROOT / "package.xml", "test_depend")


def test_manifest_declares_every_ros_import() -> None:
    paths = [*sources(PACKAGE / "nodes"), *sources(ROOT / "launch")]
    used = set().union(*(top_level(imports_of(path)) & ROS_MODULES for path in paths)) - WITH_RCLPY
    undeclared = used - declared(ROOT / "package.xml", "depend", "exec_depend")
    assert not undeclared


def test_versions_agree() -> None:
    manifests = [ROOT / "package.xml", ROOT / "siam_tracker_interfaces" / "package.xml"]
    versions = {next(iter(declared(manifest, "version"))) for manifest in manifests}
    setup = re.search(r'version="([^"]+)"', (ROOT / "setup.py").read_text(encoding="utf-8"))
    assert setup is not None
    assert versions == {setup[1]}


def requirement_names(lines: list[str]) -> set[str]:
    return {
        re.split(r"[<>=!~\[; ]", line, maxsplit=1)[0].lower()
        for line in lines
        if line.strip() and not line.startswith("#")
    }


def test_pip_requirements_are_those_of_the_environment() -> None:
    text = (ROOT / "setup.py").read_text(encoding="utf-8")
    required = requirement_names(re.findall(r'^        "([^"]+)",$', text[text.index("install_requires") :], re.M))
    folder = ROOT / "ros_env" / "requirements"
    provided = requirement_names(
        [line for name in ("torch", "libraries") for line in (folder / f"{name}.txt").read_text("utf-8").splitlines()]
    )
    assert len(required) > 5
    assert required <= provided
    # What only the environment has is optional for pip's users.
    extras = re.search(r"extras_require=(\{.*?\})", text, re.DOTALL)
    assert extras
    optional = requirement_names([name for name, key in re.findall(r'"([^"]+)"(\s*:)?', extras[1]) if not key])
    assert provided - required <= optional
    assert provided - required >= {"lightning", "pillow", "tensorboard"}


def test_the_development_extra_is_that_of_the_environment() -> None:
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    extra = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DEVELOPMENT"
    )
    lines = (ROOT / "ros_env" / "requirements" / "development.txt").read_text(encoding="utf-8").splitlines()
    assert extra == sorted((line for line in lines if line and not line.startswith("#")), key=str.lower)


THIRD_PARTY_NAMES = {
    "cv2": "opencv-contrib-python-headless",
    "yaml": "pyyaml",
    "skimage": "scikit-image",
    "PIL": "pillow",
}


def test_every_library_that_is_imported_is_required() -> None:
    used = set().union(*(top_level(imports_of(path)) for path in sources(PACKAGE)))
    used -= set(sys.stdlib_module_names) | ROS_MODULES | {"siam_tracker_ros"}
    folder = ROOT / "ros_env" / "requirements"
    provided = requirement_names(
        [line for name in ("torch", "libraries") for line in (folder / f"{name}.txt").read_text("utf-8").splitlines()]
    )
    missing = {name for name in used if THIRD_PARTY_NAMES.get(name, name) not in provided}
    assert not missing
