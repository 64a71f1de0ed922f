"""Steps are done once, again when what they depend on changed, and again after an interruption."""

from pathlib import Path

import pytest

from ros_env.steps import Stamps, Step, digest_of, fingerprints, run_steps


class Recorder:
    """Makes steps that record that they ran, and lines that were said."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.said: list[str] = []

    def step(self, name: str, *inputs: str, after: tuple[str, ...] = ()) -> Step:
        return Step(name, f"the {name}", lambda: self.ran.append(name), inputs, after)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def test_each_step_is_done_once_and_said(tmp_path: Path, recorder: Recorder) -> None:
    steps = [recorder.step("venv"), recorder.step("ros", after=("venv",))]
    assert run_steps(steps, Stamps(tmp_path), recorder.said.append) == ["venv", "ros"]
    assert recorder.said[0] == "[1/2] the venv ..."
    assert recorder.said[-1].startswith("[2/2] the ros: done in 0.")
    assert run_steps(steps, Stamps(tmp_path), recorder.said.append) == []
    assert recorder.ran == ["venv", "ros"]
    assert len(recorder.said) == 4


def test_a_changed_input_redoes_the_step_and_those_that_build_on_it(tmp_path: Path, recorder: Recorder) -> None:
    def steps(version: str) -> list[Step]:
        return [
            recorder.step("venv"),
            recorder.step("ros", version, after=("venv",)),
            recorder.step("interfaces", after=("ros",)),
            recorder.step("torch", after=("venv",)),
        ]

    run_steps(steps("1"), Stamps(tmp_path), recorder.said.append)
    assert run_steps(steps("2"), Stamps(tmp_path), recorder.said.append) == ["ros", "interfaces"]


def test_an_interrupted_step_is_redone(tmp_path: Path, recorder: Recorder) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    first = recorder.step("venv")
    stamps = Stamps(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run_steps([first, Step("ros", "the ros", interrupt)], stamps, recorder.said.append)
    assert stamps.read("venv") is not None
    assert stamps.read("ros") is None
    assert run_steps([first, recorder.step("ros")], stamps, recorder.said.append) == ["ros"]


def test_a_step_that_is_interrupted_when_it_is_redone_is_not_taken_for_done(tmp_path: Path, recorder: Recorder) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    stamps = Stamps(tmp_path)
    run_steps([recorder.step("ros", "1")], stamps, recorder.said.append)
    with pytest.raises(KeyboardInterrupt):
        run_steps([Step("ros", "the ros", interrupt, ("2",))], stamps, recorder.said.append)
    assert run_steps([recorder.step("ros", "1")], stamps, recorder.said.append) == ["ros"]


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", "null"])
def test_a_damaged_stamp_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "ros.json").write_text(content)
    assert Stamps(tmp_path).read("ros") is None


def test_fingerprints_separate_inputs() -> None:
    def of(*inputs: str) -> str:
        return fingerprints([Step("a", "", lambda: None, inputs)])["a"]

    assert of("ab", "c") != of("a", "bc")


def test_digest_changes_with_content_and_name(tmp_path: Path) -> None:
    (tmp_path / "msg").mkdir()
    file = tmp_path / "msg" / "A.msg"
    file.write_text("float64 x\n")
    before = digest_of([tmp_path / "msg"], tmp_path)
    assert digest_of([tmp_path / "msg"], tmp_path) == before
    file.write_text("float64 y\n")
    changed = digest_of([tmp_path / "msg"], tmp_path)
    file.rename(tmp_path / "msg" / "B.msg")
    assert len({before, changed, digest_of([tmp_path / "msg"], tmp_path)}) == 3
