"""``make demo``: the main job as a user has it, with real processes over real DDS.

A player publishes a video as a camera does, the tracker node runs as a process of its own, this process is
the operator that calls ``~/init_target`` on the first frame, and a recorder listens to the node. What was
recorded is drawn and plotted afterwards, so that encoding takes no time from tracking. Exit codes: 0 if the
target was followed, 1 if not or if a process failed, 2 for a video or box that cannot be used, 130 after
Ctrl-C.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.drawing import draw_caption, draw_track, strip
from siam_tracker_ros.evaluation.machine import describe_machine
from siam_tracker_ros.evaluation.stream import FrameRecord, Published, StreamMetrics, measure, verdict
from siam_tracker_ros.evaluation.timeline import plot_timeline
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.nodes.dds import use_shared_memory_profile
from siam_tracker_ros.progress import progress_bar
from siam_tracker_ros.start_box import agreeing_truth, choose_box, find_truth
from siam_tracker_ros.video import VideoError, VideoWriter, open_source

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130
END_TIMEOUT = 10.0
"""Seconds after the last frame's publication in which its result must have been recorded."""


class DemoError(RuntimeError):
    """A process failed or did not answer; the message says which, and what it said last."""


@dataclass(frozen=True)
class Clip:
    """A video to publish: its file, its target's first box, the true boxes [N, 4] if they are known."""

    video: Path
    start: Box
    truth: NDArray[np.float64] | None
    count: int | None


class Processes:
    """Child processes with their output in files; all end when the block is left, whatever happened."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        logs.mkdir(parents=True, exist_ok=True)

    def start(
        self, name: str, module: str, namespace: str, parameters: dict[str, object], arguments: Sequence[str] = ()
    ) -> None:
        """Start ``python -m module arguments`` as a node in ``namespace``."""
        command = [sys.executable, "-m", module, *arguments, "--ros-args", "-r", f"__ns:=/{namespace}"]
        for key, value in parameters.items():
            command += ["-p", f"{key}:={_yaml(value)}"]
        with (self.logs / f"{name}.log").open("wb") as log:
            self._children[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches this process, which ends the others in order
                preexec_fn=_end_with_parent,
            )

    def pid(self, name: str) -> int:
        """The process id of one that was started and not ended."""
        return self._children[name].pid

    def check(self) -> None:
        """Raises DemoError if one has ended."""
        for name, child in self._children.items():
            code = child.poll()
            if code is not None:
                raise DemoError(f"the {name} ended with exit code {code}; it said:\n{self._last_words(name)}")

    def _last_words(self, name: str) -> str:
        text = (self.logs / f"{name}.log").read_text(encoding="utf-8", errors="replace")
        lines = [f"    {line}" for line in text.splitlines()[-12:]]
        return "\n".join(lines) or f"    (nothing; its output goes to {self.logs / f'{name}.log'})"

    def end(self, name: str, timeout: float = 10.0) -> int:
        """Ask one to end as Ctrl-C does, and make it if it does not. Returns its exit code."""
        child = self._children.pop(name)
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
        try:
            return child.wait(timeout)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            raise DemoError(f"the {name} did not end within {timeout:g} s of Ctrl-C and was killed") from None

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._children.values():
            if child.poll() is None:
                child.send_signal(signal.SIGINT)
        for child in self._children.values():
            try:
                child.wait(5.0)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo. ``arguments``: the command line's by default."""
    options = _parse(arguments)
    with _terminable():
        try:
            return _demo(options)
        except (VideoError, ValueError) as error:
            print(f"error: {error}", file=sys.stderr)
            return EXIT_USAGE
        except (DemoError, ImportError, OSError) as error:
            print(f"error: {error}", file=sys.stderr)
            return EXIT_FAILED
        except KeyboardInterrupt:
            print("\ninterrupted: every process was ended", file=sys.stderr)
            return EXIT_INTERRUPTED


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--video", type=Path, help="a video of yours instead of the simulated flight")
    parser.add_argument("--box", help="the target in its first frame: x,y,w,h (or a groundtruth.txt beside it)")
    parser.add_argument("--out", type=Path, default=Path("out/demo"), help="folder for what is written")
    parser.add_argument("--model", default="afsn_mobile", help="a model of the zoo")
    parser.add_argument("--weights", type=Path, help="weights instead of the shipped ones")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--size", default="1280x720", help="of the simulated flight, WIDTHxHEIGHT")
    parser.add_argument("--seconds", type=float, default=14.0, help="of the simulated flight, at most 14")
    return parser.parse_args(arguments)


def _demo(options: argparse.Namespace) -> int:
    out: Path = options.out
    clip = _own_video(options) if options.video else _simulated(options)
    out.mkdir(parents=True, exist_ok=True)
    log, recording = out / "published.json", out / "recording.jsonl"
    for old in (log, recording):
        old.unlink(missing_ok=True)

    use_shared_memory_profile()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    namespace = f"demo_{os.getpid()}"
    weights = {"weights": str(options.weights)} if options.weights else {}
    with Processes(out / "logs") as processes:
        print(f"starting the tracker node, a camera and a recorder in namespace /{namespace}", flush=True)
        processes.start(
            "tracker node",
            "siam_tracker_ros.nodes.tracker_node",
            namespace,
            # The queue is deep, so that frames that come while the machine gives the node no time at all wait there
            # and are counted by the node as dropped, instead of being overwritten where nobody counts them.
            {"model": options.model, "device": options.device, "image_qos.depth": 30, **weights},
        )
        processes.start(
            "video player",
            "siam_tracker_ros.nodes.video_player",
            namespace,
            {
                "video": str(clip.video),
                "log": str(log),
                "hold_first_frame": True,
                "wait_for_subscribers": 1,
            },
        )
        processes.start("recorder", "siam_tracker_ros.nodes.track_recorder", namespace, {"file": str(recording)})
        _operate(namespace, clip.start, processes)
        messages = _watch(clip, log, recording, processes)
        for name in ("video player", "tracker node", "recorder"):
            code = processes.end(name)
            if code != 0:
                raise DemoError(f"the {name} ended with exit code {code} when it was asked to stop")

    played = json.loads(log.read_text(encoding="utf-8"))
    published = [Published(entry["index"], entry["stamp"], entry["held"]) for entry in played["published"]]
    metrics, records, rows = measure(published, messages, clip.truth, played["fps"])
    followed, why = verdict(metrics, records, with_truth=clip.truth is not None)
    status = next(message for message in reversed(messages) if message["topic"] == "status")
    report = {
        "followed": followed,
        "why": why,
        "video": str(clip.video),
        "size": played["size"],
        "camera_fps": played["fps"],
        "camera_worst_lateness_ms": played["worst_lateness_ms"],
        **metrics.as_json(),
        "model": status["model"],
        "device": status["device"],
        "machine": _machine(status),
    }
    (out / "metrics.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if rows:
        title = f"{clip.video.name}: {status['model']} on {status['device']}, {played['size'][0]}x{played['size'][1]}"
        plot_timeline(rows, out / "timeline.png", title, "latency", mean_iou=metrics.mean_iou)
    _draw(clip, records, out, played["fps"])
    print(_table(metrics, played["fps"], status))
    print(f"\n{'followed' if followed else 'NOT followed'}: {why}")
    print(f"written to {out}: tracked.mp4, timeline.png, strip.jpg, metrics.json")
    return 0 if followed else EXIT_FAILED


def _own_video(options: argparse.Namespace) -> Clip:
    source = open_source(options.video)
    truth = find_truth(options.video)
    start = choose_box(options.box, truth, source.size)
    return Clip(options.video, start, agreeing_truth(truth, start), source.count)


def _simulated(options: argparse.Namespace) -> Clip:
    from siam_tracker_ros.simulation import FlightSettings
    from siam_tracker_ros.simulation.clip import write_clip

    width, _, height = options.size.partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise ValueError(f"the size '{options.size}' is not WIDTHxHEIGHT, such as 1280x720")
    settings = FlightSettings(width=int(width), height=int(height), duration=options.seconds)
    count = max(1, round(settings.duration * settings.fps))
    with progress_bar("drawing the flight", count) as bar:
        video = write_clip(options.out / "clip", settings, progress=bar.update)
    truth = find_truth(video)
    return Clip(video, choose_box(options.box, truth, (settings.width, settings.height)), truth, count)


def _operate(namespace: str, start: Box, processes: Processes) -> None:
    """What the operator does: wait for the node, call init_target on the picture that is seen, let the
    camera go on.
    """
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    from siam_tracker_ros.nodes.demo_operator import OperatorError, init_and_play

    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node("operator", namespace=namespace)
    try:
        init_and_play(node, start, processes.check)
        print(f"target initialised on box {', '.join(f'{v:.0f}' for v in start.as_tuple())}", flush=True)
    except OperatorError as error:
        raise DemoError(f"{error}; see {processes.logs}") from error
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


def _watch(clip: Clip, log: Path, recording: Path, processes: Processes) -> list[dict[str, Any]]:
    """Show progress until the last frame's result is recorded. Returns the recorded messages."""
    messages: list[dict[str, Any]] = []
    tail = _Tail(recording)
    end: float | None = None
    last_stamp: int | None = None
    shown = 0
    with progress_bar("tracking", clip.count - 1 if clip.count else None) as bar:
        while True:
            processes.check()
            messages += tail.lines()
            statuses = [m for m in messages[shown:] if m["topic"] == "status" and m["state"] not in ("IDLE", "STALE")]
            shown = len(messages)
            if statuses:
                newest = statuses[-1]
                text = f"{newest['state']} {newest['confidence'] or 0:.2f}, {newest['pipeline_latency_ms'] or 0:.0f} ms"
                bar.set_postfix_str(text, refresh=False)
                bar.update(min(len(statuses), (bar.total or 10**9) - bar.n))
            if last_stamp is None and log.exists():
                last_stamp = json.loads(log.read_text(encoding="utf-8"))["published"][-1]["stamp"]
                end = time.monotonic() + END_TIMEOUT
            if last_stamp is not None and end is not None:
                recorded = {m["topic"] for m in messages if m["stamp"] == last_stamp}
                if {"detections", "status"} <= recorded or time.monotonic() > end:
                    return messages
            time.sleep(0.2)


class _Tail:
    """Reads the lines that were added to a file since the last time."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset = path, 0

    def lines(self) -> list[dict[str, Any]]:
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        return [json.loads(line) for line in whole.splitlines()]


def _draw(clip: Clip, records: Sequence[FrameRecord], out: Path, fps: float) -> None:
    """The video and the strip, from the source's frames and what the node said about them."""
    by_index = {record.index: record for record in records}
    chosen = _telling_frames(records, clip.truth)
    pictures: dict[int, NDArray[np.uint8]] = {}
    source = open_source(clip.video)
    with ExitStack() as stack:
        video = stack.enter_context(VideoWriter(out / "tracked.mp4", fps, source.size))
        bar = stack.enter_context(progress_bar("writing tracked.mp4", source.count))
        for index, frame in enumerate(source):
            truth = _true_box(clip, index)
            record = by_index.get(index)
            if record is None and index == 0:
                drawn = draw_track(frame, clip.start, 1.0, "TRACKING", "start", truth)
            elif record is None or not record.processed:
                drawn = draw_track(frame, None, 0.0, "IDLE", truth=truth)
            else:
                drawn = draw_track(frame, record.box, record.confidence, record.state, record.target_id, truth)
            note = f"latency {record.latency_ms:.0f} ms" if record and record.processed else "no result"
            white = "   white: true box" if clip.truth is not None else ""
            draw_caption(drawn, f"{index / fps:5.2f} s   {note if index else 'init_target'}{white}")
            video.write(drawn)
            if index in chosen:
                pictures[index] = drawn
            bar.update()
    if pictures:
        import cv2

        sheet = strip([pictures[index] for index in sorted(pictures)], columns=3, width=1500)
        cv2.imwrite(str(out / "strip.jpg"), sheet, [cv2.IMWRITE_JPEG_QUALITY, 84])


def _telling_frames(records: Sequence[FrameRecord], truth: NDArray[np.float64] | None) -> list[int]:
    """Six frames for the strip: where the target is hidden for the first time, around that, and spread over
    the rest.
    """
    indices = [record.index for record in records if record.processed]
    if len(indices) < 6:
        return indices
    spread = [indices[int(part * (len(indices) - 1))] for part in (0.02, 0.2, 0.4, 0.6, 0.8, 0.98)]
    if truth is None:
        return spread
    hidden = [i for i in indices if i < len(truth) and not np.isfinite(truth[i]).all()]
    if not hidden:
        return spread
    gap = [i for i in hidden if i - hidden[0] <= len(hidden)]
    wanted = [gap[0] - 60, gap[0] - 5, gap[len(gap) * 3 // 4], gap[-1] + 25, indices[-1] - 90, indices[-1] - 5]
    return sorted({min(indices, key=lambda i: abs(i - w)) for w in wanted})


def _true_box(clip: Clip, index: int) -> Box | None:
    if clip.truth is None or index >= len(clip.truth):
        return None
    return Box(*map(float, clip.truth[index]))


def _table(metrics: StreamMetrics, fps: float, status: dict[str, Any]) -> str:
    """The summary that is printed."""
    m, latency = metrics, metrics.latency_ms
    lines = [
        ("model", f"{status['model']} on {status['device']}"),
        ("camera", f"{fps:g} fps, {m.published} frames published after init_target"),
        ("node", f"{m.received} received, {m.processed} tracked, {m.dropped} dropped while busy, {m.lost} lost"),
        ("speed", f"{m.fps:.1f} fps, {m.processing_ms.p50:.1f} ms a frame (p50), {m.processing_ms.p95:.1f} ms (p95)"),
        (
            "latency",
            f"p50 {latency.p50:.1f} ms, p95 {latency.p95:.1f} ms, max {latency.max:.1f} ms (stamp to detection)",
        ),
        ("seen", f"in {m.seen} frames; {m.template_updates} template updates"),
    ]
    if np.isfinite(m.mean_iou):
        again = ", ".join("never" if t is None else f"after {t:.2f} s" for t in m.found_again_s)
        lines.append(
            ("mean IoU", f"{m.mean_iou:.3f}, over 0.5 in {m.success_rate:.0%} of the frames in which it can be seen")
        )
        if m.hidden:
            lines.append(
                ("hidden", f"in {m.hidden} frames, told as seen in {m.seen_while_hidden} of them; found again {again}")
            )
    return "\n" + "\n".join(f"  {name:<9} {text}" for name, text in lines)


def _machine(status: dict[str, Any]) -> dict[str, Any]:
    machine = describe_machine({status["model"]: status["device"]}, threads=0, jobs=1)
    # How many threads and jobs there were is for comparisons in one process; here it is the node's own affair.
    return {key: value for key, value in machine.items() if key not in ("threads", "jobs")}


def _yaml(value: object) -> str:
    """A parameter's value on a ROS command line; strings are quoted, since ``1`` or ``on`` would be
    something else.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value)


def _end_with_parent() -> None:
    """In a child on Linux: end it when this process is killed in a way that leaves it no time to do so."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl-C does: through KeyboardInterrupt, so that the children are ended."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    sys.exit(main())
