"""What keeps a running app from all its work, in the words of its own answers: wrong settings, broken functions."""

from local.errors import LocalError
from local.json_text import NotJsonError, read_json

# With these the app can do nothing that it is asked to.
MISDEPLOYED = ("settings_invalid", "python_mismatch")
SOURCES = "Settings of the local stack come from the environment and from local.settings.json."


def keys_refused() -> LocalError:
    """Return the error for a host that does not let the keys of this stack's folder in."""
    return LocalError("the host checks keys and refused ours: is --state the folder of the running stack?")


def not_the_app(port: int) -> LocalError:
    """Return the error for answers that this app would not give."""
    return LocalError(f"port {port} is not that of this app: name the running stack by --state or --port")


def problem_of(body: bytes) -> dict[str, object]:
    """Return the problem document in *body*; empty if there is none, as in an answer of the host itself."""
    try:
        document = read_json(body)
    except NotJsonError:
        return {}
    return document if isinstance(document, dict) and "code" in document else {}


def misdeployment(body: bytes) -> str | None:
    """Say what is wrong with all of the app, a setting a line, if *body* is a problem document that tells it."""
    problem = problem_of(body)
    if problem.get("code") not in MISDEPLOYED:
        return None
    told = problem.get("problems")
    sentences = told if isinstance(told, list) else [problem.get("detail")]
    source = [SOURCES] if problem["code"] == "settings_invalid" else []
    actions = " ".join([str(problem.get("action")), *source])
    return "\n".join([f"{problem['code']}:", *(f"  {sentence}" for sentence in sentences), actions])


def broken_functions(host_status: bytes) -> str | None:
    """Say which functions do not load, and why, by the host's answer to `GET /admin/host/status`."""
    try:
        errors = read_json(host_status)["errors"]
        pairs = [str(error).split(": ", 1) for error in errors]
    except (NotJsonError, LookupError, TypeError):
        return None
    # One broken module keeps many functions from loading.
    names: dict[str, list[str]] = {}
    for name, *reason in pairs:
        names.setdefault("".join(reason), []).append(name)
    if not names:
        return None
    lines = [f"  {', '.join(those)}: {reason}" for reason, those in names.items()]
    action = (
        "Correct them; host.log has the tracebacks. The setting AzureWebJobs.NAME.Disabled=true leaves one of them out."
    )
    return "\n".join(["functions that cannot be loaded:", *lines, action])
