"""Other operating systems: what only some of them have is taken away, and every command does what it did."""

import ast
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from cli_harness import cg
from safetensors.numpy import load_file

from cgcli.system import split_member

pytestmark = pytest.mark.portable

ROOT = Path(__file__).parents[1]
MODULES = ("crypt", "curses", "fcntl", "grp", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty")
NAMES = {
    "os": """chown fchmod fchown fork forkpty getegid geteuid getgid getgroups getloadavg getpgid getpgrp getuid killpg
        lchown mkfifo mknod nice openpty pathconf pread pwrite sched_getaffinity sched_setaffinity sendfile
        setpgid setsid setuid statvfs sysconf ttyname O_ASYNC O_CLOEXEC O_DIRECTORY O_NOCTTY O_NOFOLLOW O_NONBLOCK
        O_SYNC""".split(),
    "signal": """ITIMER_REAL SIGALRM SIGCHLD SIGCONT SIGHUP SIGIO SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP SIGUSR1
        SIGUSR2 SIGWINCH alarm getitimer pause pthread_kill pthread_sigmask setitimer siginterrupt sigtimedwait
        sigwait""".split(),
}
"""What Windows lacks."""
ASKED = {("os", "name"), ("os", "uname"), ("sys", "platform")}
"""How a module asks where it runs."""

PRELUDE = f"""
import errno, os, signal, subprocess, sys

def refused(*arguments, **settings):
    raise OSError(errno.EPERM, "a privilege that the user has not")

for module in {MODULES!r}:
    sys.modules[module] = None
for name in {NAMES["os"]!r}:
    vars(os).pop(name, None)
for name in {NAMES["signal"]!r}:
    vars(signal).pop(name, None)
os.link = os.symlink = refused
for group in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
    group.clear()

begin = subprocess.Popen.__init__

def started(self, *arguments, pass_fds=(), **settings):
    if pass_fds:
        raise ValueError("pass_fds not supported on this system")
    begin(self, *arguments, **settings)

subprocess.Popen.__init__ = started
for stream in (sys.stdout, sys.stderr):
    stream.reconfigure(newline="\\r\\n")
"""


@pytest.fixture(scope="module")
def lacking(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder for PYTHONPATH: with it, a new interpreter and its children lack all of that."""
    folder = tmp_path_factory.mktemp("prelude")
    (folder / "sitecustomize.py").write_text(PRELUDE, encoding="utf-8")
    return str(folder)


DRIVER = """
import json, os, sys
from cgcli.cli import main
statuses = []
for number, command in enumerate(json.loads(sys.argv[1])):
    for stream, name in ((1, "out"), (2, "err")):
        target = os.open(os.path.join(sys.argv[2], f"{name}{number}"), os.O_WRONLY | os.O_CREAT)
        os.dup2(target, stream)
        os.close(target)
    statuses.append(main(command))
    sys.stdout.flush()
    sys.stderr.flush()
with open(os.path.join(sys.argv[2], "statuses"), "w") as file:
    json.dump(statuses, file)
"""
"""Runs commands, one after the other, each with files for streams."""


def lacking_process(lacking: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """A new interpreter in the folder, where all of that is lacking."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "PYTHONPATH": lacking}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"  # without atomic writes other processes would read half a file
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=120, check=False)


def elsewhere(lacking: str, folder: Path, *command: str) -> tuple[int, bytes, bytes]:
    """Status and both streams of `cg` in the folder, where all of that is lacking."""
    done = lacking_process(lacking, folder, "-m", "cgcli", *command)
    return done.returncode, done.stdout, done.stderr


def all_elsewhere(
    lacking: str, folder: Path, streams: Path, commands: Sequence[Sequence[str]]
) -> list[tuple[int, bytes, bytes]]:
    """The same of several commands in one process."""
    streams.mkdir()
    done = lacking_process(lacking, folder, "-c", DRIVER, json.dumps(commands), str(streams))
    assert done.returncode == 0, done.stderr
    statuses = json.loads((streams / "statuses").read_text())
    return [
        (status, (streams / f"out{k}").read_bytes(), (streams / f"err{k}").read_bytes())
        for k, status in enumerate(statuses)
    ]


TRAINING = ("train", "line.cg", "--data", "t.csv", "--loss", "loss", "--save", "w.safetensors", "--keep", "3")
COMMANDS = {
    "eval": [("eval", "article.cg", "--a", "2", "--b", "3", "--c", "1")],
    "grad": [
        ("grad", "article.cg", "--a", "2", "--b", "3", "--c", "1"),
        ("grad", "article.cg", "--a", "2", "--b", "3", "--c", "1", "--hessian", "--format", "json"),
        ("grad", "article.cg", "--a", "2", "--b", "3"),
    ],
    "render": [
        ("render", "article.cg", "--a", "2", "--b", "3", "--c", "1", "-o", "article.svg"),
        ("render", "article.cg", "-o", "article.png"),
        ("render", "article.cg", "-o", "article.dot"),
    ],
    "tables": [
        ("eval", "article.cg", "--data", "in.csv", "-o", "out.csv"),
        ("grad", "article.cg", "--data", "in.csv", "-o", "out.parquet"),
        ("eval", "article.cg", "--data", "in.csv"),
        ("eval", "article.cg", "--data", "no.csv"),
        ("sweep", "article.cg", "--a", "0:1:0.1", "--b", "1,2", "--c", "1", "-o", "points.csv"),
    ],
    "train": [
        (*TRAINING, "--steps", "6", "--every", "2", "--metrics", "m.jsonl"),
        (*TRAINING, "--steps", "9", "--every", "2", "--resume", "w.safetensors", "--format", "json"),
        ("predict", "line.cg", "--weights", "w.safetensors", "--data", "t.csv", "-o", "p.jsonl"),
    ],
    "programs": [
        ("check", "article.cg"),
        ("check", "wrong.cg"),
        ("fmt", "untidy.cg"),
        ("fmt", "untidy.cg", "--check"),
        ("samples",),
        ("samples", "newton"),
        ("help", "softmax"),
        ("step", "article.cg", "--a", "2", "--b", "3", "--c", "1"),
    ],
}


def surroundings(folder: Path) -> Path:
    folder.mkdir()
    (folder / "article.cg").write_text("d = a + b\ne = b - c\ny = d * e\n", encoding="utf-8")
    (folder / "wrong.cg").write_text("y = a +\n", encoding="utf-8")
    (folder / "untidy.cg").write_bytes(b"y=a+ 1 # \xe2\x88\x82\r\n")
    (folder / "line.cg").write_text(
        "input x: float\ninput y: float\nparam w = 0.0\nparam b = 0.0\nloss = (w*x + b - y)^2\n", encoding="utf-8"
    )
    (folder / "in.csv").write_text("a,b,c\n1,2,3\n4,5,6\n", encoding="utf-8")
    (folder / "t.csv").write_text("x,y\n1,3\n2,5\n3,7\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("group", COMMANDS)
def test_the_same_comes_out_without_what_some_systems_lack(
    group: str, lacking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = surroundings(tmp_path / "here"), surroundings(tmp_path / "there")
    monkeypatch.chdir(here)
    commands = COMMANDS[group]
    if len(commands) == 1:
        answers = [elsewhere(lacking, there, *commands[0])]
    else:
        answers = all_elsewhere(lacking, there, tmp_path / "streams", commands)
    for command, answer in zip(commands, answers, strict=True):
        status, out, err = cg(*command)
        assert answer == (status, out.encode(), err.encode()), command
    assert contents(there) == contents(here)


def contents(folder: Path) -> dict[str, object]:
    """The bytes of each file; of a checkpoint, which tells how long the run took, the arrays."""
    files = (path for path in folder.iterdir() if path.is_file())
    return {
        path.name: {name: x.tolist() for name, x in load_file(path).items()}
        if path.suffix == ".safetensors"
        else path.read_bytes()
        for path in files
    }


def test_what_is_taken_away_is_gone(lacking: str, tmp_path: Path) -> None:
    asked = "import json, os, signal; print(json.dumps([hasattr(os, 'fchmod'), hasattr(signal, 'alarm')]))"
    found = subprocess.run(
        [sys.executable, "-c", asked],
        env={**os.environ, "PYTHONPATH": lacking},
        capture_output=True,
        check=True,
        cwd=tmp_path,
    ).stdout
    assert json.loads(found) == [False, False]
    assert found.endswith(b"\r\n")


def test_a_timeout_needs_no_interval_timer(lacking: str, tmp_path: Path) -> None:
    endless = "x = a; while x > 0 { x = x + 1 }"
    status, out, err = elsewhere(lacking, tmp_path, "eval", "-e", endless, "--a", "1", "--timeout", "0.3")
    assert (status, out) == (1, b"")
    assert b"not done after 0.3 s" in err


def test_a_timeout_ends_with_its_command() -> None:
    before = signal.getsignal(signal.SIGALRM)
    assert cg("eval", "-e", "1", "--timeout", "600").status == 0
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) == before


def test_a_timeout_belongs_to_the_main_thread() -> None:
    results = []
    thread = threading.Thread(target=lambda: results.append(cg("eval", "-e", "1", "--timeout", "5")))
    thread.start()
    thread.join()
    assert results[0].status == 2
    assert "main thread" in results[0].err


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("w.npz:W1", ("w.npz", "W1")),
        ("w.npz", ("w.npz", None)),
        ("C:\\w.npz", ("C:\\w.npz", None)),
        ("C:/w.npz", ("C:/w.npz", None)),
        ("C:\\w.npz:W1", ("C:\\w.npz", "W1")),
        ("c:\\data\\w.npz:layers/0", ("c:\\data\\w.npz", "layers/0")),
        ("w.npz:", ("w.npz", "")),
        (":x", (":x", None)),
    ],
)
def test_the_colon_of_a_drive_is_part_of_the_path(reference: str, parts: tuple[str, str | None]) -> None:
    assert split_member(reference) == parts


def test_a_file_on_a_drive_is_named_as_it_was() -> None:
    assert "there is no file `C:\\x.npy`" in cg("eval", "-e", "x", "--x", "@C:\\x.npy").err


def test_one_module_alone_knows_of_systems() -> None:
    paths = (ROOT / "cgcli").rglob("*.py")
    named = {str(path.relative_to(ROOT / "cgcli")): system_names(path) for path in paths}
    assert named.pop("system.py") != set()
    assert {path: names for path, names in named.items() if names} == {}


def system_names(path: Path) -> set[str]:
    """What a module names of what only some systems have."""
    named = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names if alias.name in MODULES}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module in {*MODULES, *NAMES}:
            named |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner, name = node.value.id, node.attr
            if name in NAMES.get(owner, ()) or (owner, name) in ASKED:
                named.add(f"{owner}.{name}")
    return named
