"""The workflows for GitHub: they run this repository's own commands, and may do no more than they need."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))
}


def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_there_are_two() -> None:
    assert set(WORKFLOWS) == {"newest", "pages"}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_runs_targets_that_exist_with_few_rights(name: str) -> None:
    workflow = WORKFLOWS[name]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    run = {
        target for step in steps(workflow) for target in re.findall(r"\bmake ([a-z-]+)", step.get("run", ""))
    }
    assert run and run <= targets
    assert workflow["permissions"] == {"contents": "read"}
    events = workflow[True]  # YAML 1.1 reads `on` as a truth value
    assert "pull_request_target" not in events and "workflow_dispatch" in events
    for step in steps(workflow):
        assert ("uses" in step) != ("run" in step)
        assert re.fullmatch(r"actions/[\w-]+@v\d+", step.get("uses", "actions/x@v1"))
        assert "secrets." not in str(step)
        if "checkout" in step.get("uses", ""):
            assert step["with"] == {"persist-credentials": False}
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())


def test_only_the_job_that_deploys_may_write_and_only_pages() -> None:
    rights = {name: job.get("permissions") for name, job in WORKFLOWS["pages"]["jobs"].items()}
    assert rights == {"build": None, "deploy": {"pages": "write", "id-token": "write"}}
    (uploaded,) = [
        step["with"]["path"] for step in steps(WORKFLOWS["pages"]) if "upload" in step.get("uses", "")
    ]
    assert f"\nSITE := {uploaded}\n" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_the_newest_packages_may_fail_and_the_summary_says_what_broke(tmp_path: Path) -> None:
    assert WORKFLOWS["newest"]["jobs"]["newest"]["continue-on-error"] is True
    (step,) = [one for one in steps(WORKFLOWS["newest"]) if one.get("name") == "What broke"]
    assert step["if"] == "always()"
    first, broke, last = "== Python 3.13.1", "FAILED tests/a.py::b - x", "1 failed, 3 passed in 2.00s"
    log = "\n".join([first, "collected 4 items", broke, last])
    python = tmp_path / ".venv-newest-3.13" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho jax==9.9\necho other==1\n")
    python.chmod(0o755)
    for written, expected in ((log, [first, broke, last]), ("", ["No test was run."])):
        summary = tmp_path / "summary"
        summary.unlink(missing_ok=True)
        (tmp_path / "newest.log").write_text(written)
        environment = os.environ | {"GITHUB_STEP_SUMMARY": str(summary)}
        subprocess.run(["bash", "-e", "-c", step["run"]], cwd=tmp_path, env=environment, check=True)
        assert summary.read_text().splitlines() == ["```", *expected, "jax==9.9", "```"]
