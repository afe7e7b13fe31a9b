"""What holds for every tracked file, and for the commands that the documents promise."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

import course
from course.notebook.setup.versions import is_older

ROOT = Path(__file__).parents[2]
DOCUMENTS = ["README.md", "CONTRIBUTING.md"]
MIB = 2**20
# Written in pieces, so that this file does not contain what it looks for.
MACHINE_PATH = re.compile(
    r"(?<![\w.$})/-])/(?:"
    + "|".join(["wo" + "rk", "ro" + "ot", "ho" + "me", "Us" + "ers", "t" + "mp"])
    + r")/[\w.]"
)
REGISTRY = re.compile(
    "|".join(["index" + "-url", "/sim" + "ple/", "files.python" + "hosted", "find" + "-links"])
)

# Stems in British spelling, in two pieces each so that this file has none; tqdm has an argument with one.
_PIECES = {
    "col": "our(?!=)",
    "behavi": "our",
    "neighb": "our",
    "cent": r"r(e\b|ed)",
    "label": "led",
    "normal": "is(?!h)",
    "optim": "is[ei]",
    "general": "is[ei]",
    "initial": "is[ei]",
    "recogn": "is[ei]",
    r"\bgr": "ey",
    "can": " not",
}
BRITISH = re.compile("|".join(first + last for first, last in _PIECES.items()), re.IGNORECASE)
# A word that nobody says: "again" and "from scratch" are what is meant.
BOOKISH = re.compile(r"\ban" + r"ew\b", re.IGNORECASE)


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def texts() -> list[tuple[Path, str]]:
    found = []
    for path in tracked():
        data = path.read_bytes()
        if b"\0" not in data[:8192]:
            found.append((path.relative_to(ROOT), data.decode("utf-8")))
    return found


def targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        (MACHINE_PATH, "a path of one machine"),
        (REGISTRY, "a package index"),
        (BRITISH, "British spelling"),
        (BOOKISH, "a bookish word"),
    ],
    ids=["paths", "registries", "spelling", "words"],
)
def test_tracked_files_name_no_machine_and_no_registry_and_are_in_plain_american_english(
    pattern: re.Pattern[str], what: str
) -> None:
    found = [
        f"{path}:{number}: {line.strip()[:80]}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, f"{what}:\n" + "\n".join(found)


def test_the_patterns_find_what_they_are_for() -> None:
    for path in ("/ro" + "ot/.cache", "see /wo" + "rk/main", '"/ho' + 'me/ann/x"'):
        assert MACHINE_PATH.search(path)
    for path in ("$(ROOT)/work", "some/home/page", "the network/work of"):
        assert not MACHINE_PATH.search(path)
    assert REGISTRY.search("--index" + "-url x")
    for word in ("The col" + "ours", "unlabel" + "led", "it can" + " not", "cent" + "red", "normal" + "ise"):
        assert BRITISH.search(word)
    for word in ("color", "labeled", "cannot", "center", "tqdm(col" + "our=1)", "normally", "optimistic"):
        assert not BRITISH.search(word)
    assert BOOKISH.search("made An" + "ew.") and not BOOKISH.search("a new one, as renewed")


def test_tracked_files_are_small() -> None:
    checkpoints = ROOT / "course" / "checkpoints"
    for path in tracked():
        limit = 24 if path.parent == checkpoints and path.suffix == ".safetensors" else 2
        size = path.stat().st_size
        assert size <= limit * MIB, f"{path.relative_to(ROOT)} has {size / MIB:.1f} MiB, more than {limit}"


def test_makefile_has_the_promised_targets() -> None:
    promised = {
        "setup",
        "demo",
        "test",
        "test-all",
        "test-colab",
        "build",
        "lint",
        "bench",
        "bundle",
        "publish",
        "clean",
        "help",
    }
    assert promised <= targets()
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert all(f"make {target} " in shown for target in promised)


def commands(document: str) -> list[str]:
    """Lines of the document's shell blocks."""
    text = (ROOT / document).read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:bash|sh|console)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [
        line.partition(" # ")[0].strip() for block in blocks for line in block.splitlines() if line.strip()
    ]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_documented_make_targets_exist(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    named = set(re.findall(r"`make ([a-z][a-z-]*)", text))
    named |= {match for line in commands(document) for match in re.findall(r"^make ([a-z][a-z-]*)", line)}
    assert named, f"{document} names no target"
    assert named <= targets(), f"{document} names {named - targets()}, which the Makefile lacks"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_documents_link_to_files_that_exist(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in link]
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_readme_begins_with_the_two_commands() -> None:
    assert commands("README.md")[:2] == ["make demo", "make test"]


def test_ci_runs_the_tests() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    text = script.read_text(encoding="utf-8")
    assert text.startswith("#!/usr/bin/env bash")
    assert re.search(r"^exec make test\b", text, re.MULTILINE)
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_pre_commit_hooks_are_local() -> None:
    configuration = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert {repository["repo"] for repository in configuration["repos"]} == {"local"}
    hooks = [hook for repository in configuration["repos"] for hook in repository["hooks"]]
    assert {hook["language"] for hook in hooks} == {"system"}, "a hook of another language would be fetched"


def test_each_release_has_a_version_of_its_own() -> None:
    """What was changed after a release is not given out under that release's version."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    unreleased, *released = re.split(r"^## \[", text.partition("## [Unreleased]")[2], flags=re.MULTILINE)
    newest = released[0].partition("]")[0]
    if re.search(r"^- ", unreleased, re.MULTILINE):
        assert is_older(newest, course.__version__), "raise course.__version__ with the first change"
    else:
        assert newest == course.__version__


def test_grades_and_hand_ins_cannot_be_committed() -> None:
    private = [
        "submitted/ann/fixmatch/01_fixmatch.ipynb",
        "autograded/x",
        "feedback/x",
        "gradebook.db",
        "demo/x",
        ".venv/x",
    ]
    for path in private:
        assert subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT).returncode == 0, path
