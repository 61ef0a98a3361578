"""The sessions of the house: each check and each command, in its own environment.

Environments are filled from the hash-locked files in ``requirements/`` alone, so
that two machines run the same code; `lock` makes those files.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

import nox

nox.options.default_venv_backend = "virtualenv"  # has its own pip; venv's may be absent
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "tests"]

ROOT = Path(__file__).parent
SDK = ROOT / "sdk" / "python"
PROJECTS = ("pyproject.toml", "sdk/python/pyproject.toml")

# What each lock holds: the dependencies of these projects, then these groups.
# "types" is the largest, so it comes first and the others take its versions.
LOCKS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "types": (PROJECTS, ("test", "types", "build")),
    "runtime": (PROJECTS, ()),
    "tests": (PROJECTS, ("test", "build")),
    "sdk": (PROJECTS[1:], ("sdk/python/pyproject.toml:test", "build")),
    "build": ((), ("build",)),
    "lint": ((), ("lint",)),
    "lock": ((), ("lock",)),
}

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


def install(session: nox.Session, *locks: str, editable: tuple[Path, ...] = ()) -> None:
    """Fill the environment from the locks, then add our own code as ``editable``.

    An environment filled from the same files is left alone: a second run starts
    at once.
    """
    if sys.version_info < (3, 11):  # noqa: UP036 - nox itself runs on older ones
        session.error("Python 3.11 or newer is needed: run nox with one")
    files = [ROOT / "requirements" / f"{lock}.txt" for lock in locks]
    sources = [*files, *(ROOT / project for project in PROJECTS)]
    state = hashlib.sha256(b"".join(file.read_bytes() for file in sources)).hexdigest()
    stamp = Path(session.virtualenv.location) / "filled-from"
    if stamp.exists() and stamp.read_text() == state:
        session.log("environment unchanged")
        return
    stamp.unlink(missing_ok=True)  # a half-filled environment must not look filled
    session.install("--require-hashes", *(f"--requirement={file}" for file in files))
    if editable:
        session.install(
            "--no-deps",
            "--no-index",
            "--no-build-isolation",
            *(f"--editable={project}" for project in editable),
        )
    stamp.write_text(state)


def find_browser(session: nox.Session, *, required: bool) -> str:
    """Return the Chromium to test with, the one named before the first found.

    Empty if there is none and none is required; the session then says so.
    """
    named = os.environ.get("GATEWAY_TEST_CHROMIUM")
    if found := named or next(filter(None, map(shutil.which, BROWSERS)), None):
        session.log(f"browser suite: with {found}")
        return found
    missing = "no Chromium found: install one, or set GATEWAY_TEST_CHROMIUM"
    if required:
        session.error(missing)
    session.warn(f"{missing}. THE BROWSER SUITE IS SKIPPED")
    return ""


@nox.session
def demo(session: nox.Session) -> None:
    """Run the whole product on this machine; ``-- --scripted`` plays the story."""
    install(session, "runtime", "build", editable=(ROOT, SDK))
    try:
        session.run(
            *("aseanbiz-gateway", "demo", *session.posargs),
            interrupt_timeout=10,  # Ctrl-C ends a demo: let it stop its processes
            terminate_timeout=5,
        )
    except KeyboardInterrupt:
        session.log("the demo has ended")


@nox.session
def tests(session: nox.Session) -> None:
    """Test both distributions; arguments go to pytest, which then runs alone."""
    install(session, "tests", editable=(ROOT, SDK))
    # With arguments of one's own, --pdb and -s must work: no worker processes.
    workers = f"--numprocesses={min(os.cpu_count() or 1, 4)}"
    required = bool(os.environ.get("GATEWAY_TEST_REQUIRE_BROWSER"))
    session.run(
        "pytest",
        *(session.posargs or (workers, "--dist=loadfile")),
        env={"GATEWAY_TEST_CHROMIUM": find_browser(session, required=required)},
    )


@nox.session(venv_backend="none")
def browser(session: nox.Session) -> None:
    """Run the browser suite alone, and fail where there is no Chromium."""
    find_browser(session, required=True)
    session.notify("tests", ["-m", "browser", *session.posargs])


@nox.session
def sdk(session: nox.Session) -> None:
    """Test the SDK where the server is not installed, as its users have it."""
    install(session, "sdk", editable=(SDK,))
    with session.chdir(SDK):
        session.run("pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check rules, formatting and the direction of imports."""
    install(session, "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports", env={"PYTHONPATH": str(SDK / "src")})


@nox.session
def types(session: nox.Session) -> None:
    """Check all types, strictly: both distributions, tests, examples, this file."""
    install(session, "types")
    session.run("mypy", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Build both wheels and play the scripted demo where only they are installed."""
    install(session, "build")
    wheels = ROOT / "dist"
    shutil.rmtree(wheels, ignore_errors=True)
    for project in (ROOT, SDK):
        with session.chdir(project):
            session.run("hatchling", "build", "--target=wheel", f"--directory={wheels}")
    with tempfile.TemporaryDirectory(prefix="aseanbiz-") as folder:
        # Outside the repository, so that nothing but the wheels can be imported.
        bare = f"{folder}/venv"
        pip = (f"{bare}/bin/python", "-m", "pip", "--quiet")
        locked = f"--requirement={ROOT}/requirements/runtime.txt"
        own = map(str, wheels.glob("*.whl"))
        for command in (
            (sys.executable, "-m", "virtualenv", "--quiet", bare),
            (*pip, "install", "--require-hashes", locked),
            (*pip, "install", "--no-deps", "--no-index", *own),
            (*pip, "check"),
        ):
            session.run(*command, external=True)
        with session.chdir(folder):
            story = (f"{bare}/bin/aseanbiz-gateway", "demo", "--scripted")
            session.run(*story, external=True)


@nox.session
def bench(session: nox.Session) -> None:
    """Print the table of measured paths; ``-- --quick --json FILE`` for a short run."""
    install(session, "tests", editable=(ROOT, SDK))
    session.run("python", "bench/run.py", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Make requirements/ again; ``-- --upgrade`` moves to newer versions."""
    install(session, "lock")
    shared: list[str] = []
    for name, (projects, groups) in LOCKS.items():
        session.run(
            *("uv", "pip", "compile", "--quiet", "--universal"),
            *("--python-version=3.11", "--generate-hashes", "--no-annotate"),
            # No address may enter a lock: the reader's own index serves it.
            *("--no-emit-index-url", "--no-emit-find-links"),
            "--custom-compile-command=nox -s lock",
            *shared,
            *(f"--group={group}" for group in groups),
            *projects,
            f"--output-file=requirements/{name}.txt",
            *session.posargs,
        )
        shared = shared or [f"--constraint=requirements/{name}.txt"]
