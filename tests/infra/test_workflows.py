"""The workflows: safe by two checkers that need no network, in order, without secrets, and what azd expects."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from doubles.runtime_environments import VERSIONS
from doubles.workflows import FILES, FOLDER, jobs, steps, workflow

from local.node import OLDEST_NODE

BIN = Path(sys.executable).parent
ZIZMOR = [str(BIN / "zizmor"), "--offline", "--no-progress"]
SCHEMA = [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.github-workflows"]
PINNED = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
OWN = re.compile(r"\$/\.github/workflows/([\w-]+\.yml)")
# What `azd pipeline config` writes for every project.
AZURE = {"AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID", "AZURE_ENV_NAME", "AZURE_LOCATION"}
LOGIN = "azd auth login"


def checked(command: list[str], *files: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*command, *map(str, files)], capture_output=True, text=True, timeout=60)


def damaged(folder: Path, before: str, after: str) -> Path:
    """deploy.yml in *folder*, with one text in it replaced."""
    text = (FOLDER / "deploy.yml").read_text()
    assert before in text
    place = folder / ".github" / "workflows" / "deploy.yml"
    place.parent.mkdir(parents=True)
    place.write_text(text.replace(before, after))
    return place


def deployment() -> dict[str, Any]:
    job: dict[str, Any] = workflow("deploy.yml")["jobs"]["deploy"]
    return job


def test_both_checkers_find_nothing() -> None:
    assert {file.name for file in FILES} == {"azure-dev.yml", "ci.yml", "deploy.yml"}
    for command in (ZIZMOR, SCHEMA):
        answer = checked(command, *FILES)
        assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize(
    ("checker", "before", "after", "finding"),
    [
        (ZIZMOR, "@0b7e3a35ab00f2eee7080c845eb39c3f0ebfa553 # v2.4.0", "@v2", "unpinned-uses"),
        (ZIZMOR, "azd provision", "azd provision -e ${{ github.head_ref }}", "template-injection"),
        (ZIZMOR, "        with:\n          persist-credentials: false\n", "", "artipacked"),
        (SCHEMA, "timeout-minutes: 90", "timeout-minute: 90", "timeout-minute"),
    ],
)
def test_a_broken_workflow_is_found(checker: list[str], before: str, after: str, finding: str, tmp_path: Path) -> None:
    answer = checked(checker, damaged(tmp_path, before, after))
    assert answer.returncode != 0
    assert finding in answer.stdout


def test_every_action_is_pinned_by_its_commit_with_its_version_beside_it() -> None:
    used = [line for file in FILES for line in re.findall(r"uses: (.*)", file.read_text())]
    assert len(used) >= 6
    own = [found[1] for line in used if (found := OWN.fullmatch(line))]
    assert [line for line in used if not PINNED.fullmatch(line) and not OWN.fullmatch(line)] == []
    assert {FOLDER / name for name in own} <= set(FILES)


def test_no_workflow_has_a_secret_and_only_the_deployment_gets_a_token_for_azure() -> None:
    assert [file.name for file in FILES if "secrets" in re.sub(r"#.*", "", file.read_text())] == []
    assert [workflow(file.name)["permissions"] for file in FILES] == [{"contents": "read"}] * len(FILES)
    with_token = {where for where, job in jobs() if job.get("permissions", {}).get("id-token") == "write"}
    assert with_token == {"deploy.yml: deploy", "azure-dev.yml: deploy"}


def test_every_job_has_an_end_and_every_shell_step_has_no_expression() -> None:
    assert [where for where, job in jobs() if "runs-on" in job and not job.get("timeout-minutes")] == []
    assert [where for where, step in steps() if "${{" in step.get("run", "")] == []


def test_what_is_deployed_is_linted_and_tested_first_and_in_this_order() -> None:
    job, order = deployment(), ["checkout", "setup-azd", LOGIN, "azd provision", "azd deploy"]
    assert workflow("deploy.yml")["jobs"][job["needs"]]["uses"] == "$/.github/workflows/ci.yml"
    done = [step.get("uses") or step["run"] for step in job["steps"]]
    found = [next(i for i, what in enumerate(done) if word in what) for word in order]
    assert found == sorted(found)
    for what in done:
        if "azd provision" in what or "azd deploy" in what:
            assert what.endswith(" --no-prompt")


def test_a_deployment_is_never_broken_off_by_the_next() -> None:
    assert deployment()["concurrency"] == {"group": "deploy", "cancel-in-progress": False}


def test_the_deployment_gets_each_variable_under_its_own_name() -> None:
    given = {name: value for name, value in deployment()["env"].items() if str(value).startswith("${{")}
    assert given == {name: f"${{{{ vars.{name} }}}}" for name in given}
    assert set(given) >= AZURE
    assert {name for name in given if not name.startswith("BLOBSIGHT_")} == AZURE
    assert deployment()["env"]["AZURE_PRINCIPAL_TYPE"] == "ServicePrincipal"


def test_the_sign_in_works_with_what_azd_pipeline_config_makes() -> None:
    """It trusts branches: with a GitHub environment, which one may name, the token has another subject."""
    assert deployment()["environment"] == "${{ vars.DEPLOYMENT_ENVIRONMENT }}"
    [login] = [step["run"] for step in deployment()["steps"] if LOGIN in step.get("run", "")]
    for word in ('--client-id "$AZURE_CLIENT_ID"', '--tenant-id "$AZURE_TENANT_ID"', "-provider github"):
        assert word in login


def test_azd_finds_the_workflow_that_a_push_to_main_starts() -> None:
    """azd knows the names azure-dev.yml and azure-dev.yaml only, and offers a push when it has configured them."""
    found = workflow("azure-dev.yml")
    assert found["on"] == {"push": {"branches": ["main"]}}
    assert [job["uses"] for job in found["jobs"].values()] == ["$/.github/workflows/deploy.yml"]
    assert {"workflow_dispatch", "workflow_call"} == set(workflow("deploy.yml")["on"])
    assert workflow("ci.yml")["on"] == {
        "push": {"branches-ignore": ["main"]},
        "pull_request": None,
        "workflow_call": None,
    }


@pytest.mark.parametrize(("left_out", "status"), [(None, 0), *((name, 1) for name in sorted(AZURE))])
def test_a_deployment_that_is_not_configured_says_which_variable_is_missing(left_out: str | None, status: int) -> None:
    run = next(step["run"] for step in deployment()["steps"] if "pipeline config" in step.get("run", ""))
    environment = {name: "" if name == left_out else "x" for name in AZURE}
    answer = subprocess.run(["bash", "-e", "-c", run], env=environment, capture_output=True, text=True, timeout=20)
    assert answer.returncode == status
    assert re.findall(r"AZURE_\w+", answer.stdout) == ([left_out] if left_out else [])


def test_continuous_integration_runs_every_python_of_the_tests_and_a_node_that_is_enough() -> None:
    by_action = {
        step["uses"].partition("@")[0]: step["with"] for _, step in steps() if "uses" in step and "with" in step
    }
    assert set(by_action["actions/setup-python"]["python-version"].split()) == set(VERSIONS)
    assert int(by_action["actions/setup-node"]["node-version"]) >= OLDEST_NODE
    assert [step["run"] for where, step in steps() if where.startswith("ci.yml") and "run" in step] == [".ci/run"]
