"""Which steps make the environment: with ROS 2 from wheels, or on top of a sourced distribution."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ros_env import ament, cmake_targets, interfaces, interpreter, unfinished
from ros_env.distribution import Distribution, check_distribution
from ros_env.environment import STATE, Environment, empty, write_environment
from ros_env.errors import SetupError
from ros_env.shell import run
from ros_env.steps import Step, digest_of

REQUIREMENTS = Path("ros_env", "requirements")


@dataclass(frozen=True)
class Plan:
    """Makes the steps for one checkout.

    root: the checkout; venv: the environment's folder; environment: what to make it from; distribution: the
    sourced one, None for ROS from wheels; say: prints a line for the user.
    """

    root: Path
    venv: Path
    environment: Environment
    distribution: Distribution | None
    say: Callable[[str], None] = print

    @property
    def env(self) -> dict[str, str]:
        """The environment variables of everything that the steps start."""
        return interfaces.clean_environment(os.environ, self.distribution is not None)

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.venv / "bin" / "python"

    def steps(self) -> list[Step]:
        """Returns the steps in order."""
        return self._steps_on_distribution() if self.distribution else self._steps_with_wheels()

    def _steps_with_wheels(self) -> list[Step]:
        return [
            self._venv_step(f"virtual environment with Python {self.environment.version}"),
            self._pip_step("ros", "ROS 2 from Python wheels"),
            Step(
                "targets",
                "include folders in the wheels' CMake targets",
                self._correct_targets,
                (self._digest("ros_env/cmake_targets.py"),),
                ("ros",),
            ),
            self._interfaces_step((interfaces.OVERLAY, interfaces.INTERFACES), ("targets",)),
            *self._library_steps(),
        ]

    def _steps_on_distribution(self) -> list[Step]:
        assert self.distribution is not None
        return [
            self._venv_step(f"virtual environment that sees ROS 2 {self.distribution.name}"),
            self._interfaces_step((interfaces.INTERFACES,), ("venv",)),
            *self._library_steps(),
        ]

    def _library_steps(self) -> list[Step]:
        return [
            self._pip_step("torch", "PyTorch and torchvision (large)"),
            self._pip_step("libraries", "Python libraries"),
            self._pip_step("development", "tools for tests and checks"),
            Step(
                "package",
                f"{ament.PACKAGE} itself, as an editable package",
                self._install_package,
                (self._digest("setup.py", "setup.cfg", "ros_env/ament.py"),),
                ("venv", "libraries"),
            ),
            Step(
                "trial",
                "trial of the environment",
                self._try,
                (self._digest("ros_env/trial.py"),),
                ("interfaces", "torch", "libraries", "development", "package"),
            ),
        ]

    def _venv_step(self, title: str) -> Step:
        return Step("venv", title, self._make_venv, self.environment.lines())

    def _pip_step(self, name: str, title: str) -> Step:
        files = (str(REQUIREMENTS / f"{name}.txt"), str(REQUIREMENTS / "constraints.txt"))
        return Step(name, title, lambda: self._install_requirements(name), (self._digest(*files),), ("venv",))

    def _interfaces_step(self, folders: tuple[Path, ...], after: tuple[str, ...]) -> Step:
        return Step(
            "interfaces",
            f"interfaces of {' and '.join(folder.name for folder in folders)}, built with colcon",
            lambda: self._build_interfaces(folders),
            (self._digest(*map(str, folders), "ros_env/interfaces.py"),),
            after,
        )

    def _digest(self, *names: str) -> str:
        return digest_of([self.root / name for name in names], self.root)

    def _log(self, name: str) -> Path:
        return self.venv / STATE / f"{name}.log"

    def _run(
        self, command: Sequence[str], name: str, *, show: bool = False, env: Mapping[str, str] | None = None
    ) -> None:
        run(command, log=self._log(name), env=self.env if env is None else env, cwd=self.venv, show=show)

    def _make_venv(self) -> None:
        interpreter.check_before_creation(self.root, needs_wheels=self.distribution is None)
        if self.venv.exists() and any(self.venv.iterdir()):
            self.say(f"    removing what is in {self.venv}")
        empty(self.venv)
        # First of all what tells whose folder this is, so that an interrupted creation can be taken up.
        write_environment(self.venv, self.environment)
        options = []
        if self.distribution:
            for sentence in check_distribution(self.distribution):
                self.say(sentence)
            self._check_rclpy()
            options.append("--system-site-packages")
        self._run([self.environment.python, "-m", "venv", *options, str(self.venv)], "venv")

    def _check_rclpy(self) -> None:
        assert self.distribution is not None
        try:
            self._run([self.environment.python, "-c", "import rclpy"], "rclpy")
        except SetupError as error:
            raise SetupError(
                f"{error}\nPython {self.environment.version} cannot import this distribution's rclpy; "
                "name the distribution's own interpreter: PYTHON=/usr/bin/python3 make setup"
            ) from error

    def _install_requirements(self, name: str) -> None:
        for folder in self.venv.glob("lib/python3*/site-packages"):
            for dropped in unfinished.drop_unfinished(folder):
                self.say(f"    {dropped} was half installed and is installed again")
        requirements = self.root / REQUIREMENTS
        constraints = ["--constraint", str(requirements / "constraints.txt")]
        if self.distribution:
            constraints += ["--constraint", str(self._numpy_constraint())]
        command = [str(self.python), "-m", "pip", "install", "--disable-pip-version-check", *constraints]
        self._run([*command, "--requirement", str(requirements / f"{name}.txt")], name, show=True)

    def _numpy_constraint(self) -> Path:
        """Writes the constraint that keeps the NumPy that a distribution's messages are compiled against."""
        path = self.venv / STATE / "numpy.txt"
        program = (
            "import pathlib, sys, numpy; "
            "pathlib.Path(sys.argv[1]).write_text(f\"numpy<{int(numpy.__version__.split('.')[0]) + 1}\\n\")"
        )
        self._run([self.environment.python, "-c", program, str(path)], "numpy")
        return path

    def _correct_targets(self) -> None:
        program = "import numpy, sysconfig; print(sysconfig.get_path('include'), numpy.get_include(), sep='\\n')"
        log = self._log("targets")
        self._run([str(self.python), "-c", program], "targets")
        python_include, numpy_include = map(Path, log.read_text(encoding="utf-8").splitlines()[-2:])
        changed = cmake_targets.correct_targets(self.venv / "share", python_include, numpy_include)
        self.say(f"    {len(changed)} files corrected")

    def _build_interfaces(self, folders: tuple[Path, ...]) -> None:
        env = interfaces.build_environment(self.venv, self.env, self.distribution is not None)
        colcon = shutil.which("colcon", path=env["PATH"]) or "colcon"
        work = self.venv / STATE / "interfaces"
        sources = [self.root / folder for folder in folders]
        self._run(interfaces.colcon_command(colcon, self.venv, work, sources), "interfaces", env=env)

    def _install_package(self) -> None:
        options = ["--disable-pip-version-check", "--no-deps", "--no-build-isolation"]
        self._run([str(self.python), "-m", "pip", "install", *options, "--editable", str(self.root)], "package")
        ament.register_package(self.root, self.venv)

    def _try(self) -> None:
        command = [str(self.python), str(self.root / "ros_env" / "trial.py")]
        if self.distribution:
            # The prefix must be added to those of the distribution, which is what colcon's script is for.
            command = ["bash", "-c", '. "$0"/local_setup.bash && exec "$@"', str(self.venv), *command]
        self._run(command, "trial")
        if self.distribution is None:
            self._run([str(self.python), "-m", "pip", "check"], "pip-check")
