"""A machine that has never seen the exchange: one command, and three people can sign in."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fakes.node import a_free_port

ROOT = Path(__file__).parents[2]
PACKAGES = ("audit", "catalogue", "exchange", "gateway", "policies")
LONGEST_S = 120
RUN = "import sys; from exchange.cli.main import main; sys.argv[0] = 'exchange'; main()"

pytestmark = pytest.mark.slow  # installs, and plays the whole story


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a package that was built from the sources and installed, with nothing left beside it."""
    sources = tmp_path_factory.mktemp("sources")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources / name)
    target = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    built = subprocess.run(
        [*pip, "--no-index", "--no-deps", "--no-build-isolation", "--target", target, sources],
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_S,
    )
    assert built.returncode == 0, built.stderr
    shutil.rmtree(sources)
    return target


@pytest.fixture
def demo(installed: Path, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """The demonstration as `make demo` starts it, in a folder where nothing of the project lies."""
    environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    command = [sys.executable, "-P", "-c", RUN, "demo", "--home", str(tmp_path / "home")]
    command += ["--port", str(a_free_port())]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment
        | {"PYTHONPATH": str(installed), "PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def told_until(process: "subprocess.Popen[str]", last: str) -> list[str]:
    """Read what a process says up to a line that holds `last`, or to its end."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line.rstrip("\n"))
        if last in line:
            break
    return said


def signed_in_title(address: str) -> str:
    """Follow a link of the demonstration as a browser does, and return the title of where it lands."""
    with httpx.Client(trust_env=False, follow_redirects=True) as browser:
        asked = browser.get(address)
        form = re.search(r'<form method="post" action="([^"]*)"', asked.text)
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', asked.text))
        where = asked.url.join(form[1].replace("&amp;", "&")) if form else asked.url
        landed = browser.post(where, data=fields, headers={"sec-fetch-site": "same-origin"})
        assert landed.status_code == 200, landed.url
        assert not landed.url.path.startswith("/sign-in")
        found = re.search(r"<h1[^>]*>(.*?)</h1>", landed.text, re.DOTALL)
        assert found is not None
        return re.sub(r"<[^>]+>", "", found[1]).split("\n")[0].strip()


@pytest.mark.proves("E1")
def test_one_command_tells_the_story_and_opens_three_doors(
    installed: Path, demo: "subprocess.Popen[str]"
) -> None:
    said = told_until(demo, "/log/checkpoint")
    whole = "\n".join(said)
    assert "the story came out as told" in whole, whole
    assert "✗" not in whole
    links = re.findall(r"^ +(http://\S+/sign-in/\S+)$", whole, re.MULTILINE)
    titles = [signed_in_title(link) for link in links]
    assert titles[0] == "待办审核"
    assert titles[1].startswith("办件 SG-2026-0117")
    assert titles[2] == "办件 SG-2026-0117 的日志"
    demo.send_signal(signal.SIGINT)
    try:
        rest, _ = demo.communicate(timeout=LONGEST_S)
    except subprocess.TimeoutExpired:
        demo.send_signal(signal.SIGABRT)
        rest, _ = demo.communicate()
        pytest.fail(f"Ctrl-C did not end it: {rest}")
    assert demo.returncode == 0, rest
    assert (installed / "exchange" / "portal" / "templates" / "base.html").exists()


@pytest.mark.proves("E1")
def test_make_demo_installs_and_runs_that_command_and_nothing_else(tmp_path: Path) -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("no make here")
    fresh = subprocess.run(
        [make, "-n", "demo", f"VENV={tmp_path / 'venv'}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    steps = [line for line in fresh if not line.lstrip().startswith(("echo", "touch", "make["))]
    made, locked, own, run = steps
    assert "-m venv" in made
    assert "--require-hashes -r requirements/run.lock" in locked
    assert own.endswith("--no-deps --no-build-isolation -e .")
    assert run.strip() == f"{tmp_path / 'venv'}/bin/exchange demo"
