"""The smoke test beside a deployment that is played: what is wrong is named, as soon as it is certain."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloud
import pytest
from deployment import log_lines, page, sample, smoke
from deployment.event_subscriptions import CHANGES, LARGE
from doubles.clock import FakeClock
from doubles.deployed_app import DONE, GROUP, KEY, Answer, DeployedApp, problem, refused, running_deployed_app, state
from doubles.fake_azd import FakeAzd

Change = Callable[[DeployedApp], None]
LENGTH = {"operatorType": "NumberGreaterThan", "key": "data.contentLength", "value": 0}
MISMATCH = problem(503, "python_mismatch", "built for Python 3.11, runs on 3.12")


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[DeployedApp]:
    FakeAzd(tmp_path, monkeypatch)
    with running_deployed_app(monkeypatch) as app:
        app.subscribe(app.url)
        for kind in (LARGE, CHANGES):
            app.subscribe_function(kind)
        yield app


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[[], tuple[int, str, float]]:
    """Run it; the exit status, all that it printed, and the seconds that it waited."""

    def once() -> tuple[int, str, float]:
        clock = FakeClock()
        status = cloud.main(["smoke"], clock=clock, patience=smoke.Patience(look=15.0))
        printed = capsys.readouterr()
        assert KEY not in printed.out + printed.err
        return status, printed.out + printed.err, clock.now()

    return once


Run = Callable[[], tuple[int, str, float]]


def test_it_shows_what_was_found_and_takes_the_sample_away(app: DeployedApp, run: Run) -> None:
    app.keys.insert(0, (503, {}, None))
    app.images[:0] = [(404, {}, None), (503, {}, None), state("pending")]
    status, printed, waited = run()
    assert status == 0, printed
    for expected in (
        "a cup (confidence 0.88)",
        "cup, table",
        "600x400 pixels, 64474 bytes",
        "200x150, 1024x768",
        "3.12",
    ):
        assert expected in printed
    last = printed.splitlines()[-1]
    assert last.startswith("Blobsight works")
    assert "stimages" in last
    # Without the key, the address that stands there would answer 401 to a browser.
    assert "analysis" in last
    assert "function key" in last
    assert waited < 100
    assert app.asked[-1].startswith("DELETE /") or app.asked[-1].startswith("GET /unfinished")
    upload = app.asked.index(f"PUT /images/{sample.NAME}")
    removals = [at for at, each in enumerate(app.asked) if each == f"DELETE /images/{sample.NAME}"]
    # What a run before has left would look like this one's success.
    assert removals[0] < upload < removals[1]
    # Its records go by the event of its deletion, and not by the one who looks.
    assert not [each for each in app.asked[removals[1] :] if each.startswith("DELETE /") and "/images/" not in each]
    assert "Deleted the sample; deletion: the records are gone\n" in printed
    assert f'TimeGenerated >= datetime(2026-01-01T00:00:00Z) and Message contains "{sample.NAME}"' in app.queries[0]


def images(*answers: Answer) -> Change:
    return lambda app: app.images.__setitem__(slice(None), answers)


def uploads(*answers: Answer) -> Change:
    return lambda app: app.uploads.__setitem__(slice(None), answers)


def filtered(**changes: Any) -> Change:
    def change(app: DeployedApp) -> None:
        app.subscriptions.clear()
        app.subscribe(app.url, filter=changes)
        app.images[:] = [state("pending")]

    return change


def with_state(**changes: Any) -> Change:
    def change(app: DeployedApp) -> None:
        app.subscriptions[0] |= changes
        app.images[:] = [state("pending")]

    return change


def stays(change: Change) -> Change:
    """Return the change of an app whose records are there when the sample is deleted."""

    def changed(app: DeployedApp) -> None:
        change(app)
        app.listings["analysis"] = [[], [f"{sample.NAME}.json"]]

    return changed


def elsewhere(app: DeployedApp) -> None:
    app.subscriptions.clear()
    app.subscribe("https://other.invalid")
    app.subscribe_function(CHANGES, "/subscriptions/x/resourceGroups/y/providers/Microsoft.Web/sites/other")
    app.images[:] = [state("pending")]


AT_ONCE: dict[str, tuple[Change, tuple[str, ...]]] = {
    "no app": (lambda app: app.refused.update({"": 404}), ("There is no app func-test in rg-test",)),
    "stopped": (lambda app: app.site.update(state="Stopped"), ("func-test is stopped",)),
    "another Python": (images(MISMATCH), ("python_mismatch", "built for Python 3.11", "on Python 3.12")),
    "no settings": (images(problem(500, "settings_invalid", "VISION_ENDPOINT is not set")), ("VISION_ENDPOINT",)),
    "refused for good": (images(state("failed", code="vision_refused")), ("vision_refused", "it says why", "Do this")),
    "stopped calls": (images(state("deferred", code="calls_stopped")), ("calls_stopped", "Do this")),
    "no container": (uploads(refused(404, "ContainerNotFound")), ("no container images",)),
    "no subscription": (lambda app: (app.subscriptions.clear(), images(state("pending"))(app))[0], ("No event sub",)),
    "leads elsewhere": (elsewhere, ("No event subscription leads", "lead elsewhere or take other events")),
    "failed": (with_state(provisioningState="Failed"), ("subscription is Failed", "azd hooks run postdeploy")),
    "other container": (filtered(subjectBeginsWith="/blobServices/default/containers/old/"), ("containers/old/",)),
    "other events": (filtered(includedEventTypes=["Microsoft.Storage.BlobDeleted"]), ("and not Microsoft.Storage",)),
    "other uploads": (
        filtered(advancedFilters=[{"operatorType": "StringIn", "key": "data.api", "values": ["CopyBlob"]}]),
        ("whose api is one of CopyBlob, and the sample's is PutBlob",),
    ),
    "other lengths": (
        filtered(advancedFilters=[{"operatorType": "NumberLessThan", "key": "data.contentLength", "value": 5.0}]),
        ("by NumberLessThan 5 of contentLength, and the sample's is 64474",),
    ),
    "no subscription for deletions": (
        stays(lambda app: app.subscriptions.pop()),
        ("stay. No event subscription leads",),
    ),
    "deletions lead elsewhere": (
        stays(lambda app: (app.subscriptions.pop(), app.subscribe_function(CHANGES, f"{GROUP}/sites/other"))),
        (
            "stay. No event subscription leads from the images to /subscriptions/5ab5/resourceGroups/rg-test/",
            "elsewhere",
        ),
    ),
    "failed for deletions": (
        stays(lambda app: app.subscriptions[-1].update(provisioningState="Failed")),
        ("stay. The event subscription is Failed", "azd hooks run postdeploy"),
    ),
    "a rule that no deletion passes": (
        stays(lambda app: app.subscriptions[-1]["filter"].update(advancedFilters=[LENGTH])),
        ("stay. The event subscription takes events by NumberGreaterThan 0 of contentLength, and the sample's is No",),
    ),
    "deletions of another container": (
        stays(
            lambda app: app.subscriptions[-1]["filter"].update(subjectBeginsWith="/blobServices/default/containers/o/")
        ),
        ("stay. The event subscription takes /blobServices/default/containers/o/*",),
    ),
}


@pytest.mark.parametrize("case", AT_ONCE)
def test_a_cause_that_is_certain_ends_it_at_once(app: DeployedApp, run: Run, case: str) -> None:
    change, expected = AT_ONCE[case]
    change(app)
    status, printed, waited = run()
    assert (status, waited) == (1, 0), printed
    for each in expected:
        assert each in printed
    # Whatever was uploaded is gone again.
    if f"PUT /images/{sample.NAME}" in app.asked:
        assert f"DELETE /images/{sample.NAME}" in app.asked[app.asked.index(f"PUT /images/{sample.NAME}") :] or (
            case == "no container"
        )


IN_THE_END: dict[str, tuple[Change, tuple[str, ...]]] = {
    "no role yet": (
        uploads(refused(403, "AuthorizationPermissionMismatch")),
        ("role Storage Blob Data Contributor on stimages", "azd provision --no-state` gives it to the one who runs it"),
    ),
    "firewall": (uploads(refused(403, "AuthorizationFailure")), ("firewall of stimages",)),
    "vision refuses": (
        images(state("deferred", code="vision_unauthorized")),
        ("vision_unauthorized", "Do this", "role Cognitive Services User on cog-test"),
    ),
    "too many calls": (
        images(state("deferred", code="vision_throttled")),
        ("vision_throttled: it says why. Do this.\n",),
    ),
    "storage refuses": (images(problem(503, "storage_denied", action="Give the role.")), ("Give the role",)),
    "nothing arrives": (images(state("pending")), ("deadletters of sthost",)),
    "another account": (images(problem(404, "image_not_found")), ("ImagesStorage__blobServiceUri",)),
    "not loaded": (
        lambda app: (app.functions.remove("ImagesHttp"), images((404, {}, None))(app))[0],
        ("has not loaded ImagesHttp",),
    ),
    "down": (images((502, {}, None)), ("host answers 502", "log stream")),
    "no key": (lambda app: app.keys.__setitem__(0, (400, {}, None)), ("has not given its key (400)",)),
    "no leave to look further": (
        lambda app: (app.refused.update({"/functions": 403}), images((502, {}, None))(app))[0],
        ("host answers 502", "Azure tells no more of it: You may not GET"),
    ),
    "closed inbound": (images((403, {}, None)), ("access restrictions",)),
}


@pytest.mark.parametrize("case", IN_THE_END)
def test_what_may_still_become_right_is_waited_for_and_named_in_the_end(app: DeployedApp, run: Run, case: str) -> None:
    change, expected = IN_THE_END[case]
    change(app)
    status, printed, waited = run()
    assert status == 1
    assert 280 < waited <= 300
    for each in expected:
        assert each in printed


def test_records_that_go_a_while_after_the_sample_are_no_failure(app: DeployedApp, run: Run) -> None:
    there = {name: [f"{sample.NAME}.json"] for name in ("analysis", "text")}
    # What a run before has left, then three looks of this one.
    app.listings = {name: [[], left, left, left, []] for name, left in there.items()}
    status, printed, waited = run()
    assert status == 0, printed
    assert "deletion: 2 records of the deleted sample are still there (0 of 180 s)\n" in printed
    assert waited == 45


STAYING: dict[str, tuple[Change, tuple[str, ...]]] = {
    "no event": (lambda app: None, ("The last reason: 1 records of the deleted sample", "deadletters of sthost")),
    "not loaded": (lambda app: app.functions.remove("StorageEvents"), ("has not loaded StorageEvents",)),
}


@pytest.mark.parametrize("case", STAYING)
def test_records_that_stay_are_a_failure_with_a_cause_and_are_taken_away(app: DeployedApp, run: Run, case: str) -> None:
    change, expected = STAYING[case]
    stays(change)(app)
    status, printed, waited = run()
    assert status == 1
    assert 150 < waited <= 180
    for each in expected:
        assert each in printed
    assert f"DELETE /analysis/{sample.NAME}.json" in app.asked
    assert "Removed the sample and its records" in printed


def test_a_container_that_cannot_be_listed_is_not_an_empty_one(app: DeployedApp, run: Run) -> None:
    app.listings["text"] = [[], ["<"]]
    status, printed, _ = run()
    assert status == 1
    assert "the container text of stimages cannot be listed" in printed


def test_a_sample_that_cannot_be_deleted_is_told(app: DeployedApp, run: Run) -> None:
    app.deletions = [(202, {}, None), refused(409, "BlobImmutableDueToPolicy")]
    status, printed, _ = run()
    assert status == 1
    assert "could not be deleted: images/blobsight-smoke/coffee.jpg (BlobImmutableDueToPolicy)." in printed


def test_a_role_that_works_at_last_is_not_a_failure(app: DeployedApp, run: Run) -> None:
    app.uploads[:0] = [refused(403, "AuthorizationPermissionMismatch")] * 3
    app.images[:] = [state("deferred", code="vision_unauthorized")] * 8 + [(200, {}, DONE)]
    status, printed, _ = run()
    assert status == 0, printed
    # The app comes back by itself after minutes only.
    assert 1 < app.asked.count("POST /api/unfinished/retry") < 8


@pytest.mark.parametrize(
    ("change", "expected", "patience"),
    [
        (lambda app: app.settings.pop(log_lines.CONNECTION), f"setting {log_lines.CONNECTION} is missing", 0),
        (lambda app: app.settings.update({log_lines.SIGN_IN: "ClientId=c"}), "does not say Authorization=AAD", 0),
        (lambda app: app.roles.clear(), "lacks the role Monitoring Metrics Publisher", 0),
        (lambda app: None, "can take longer", 600),
        (lambda app: app.refused.update({"/config/appsettings/list": 403}), "can take longer", 600),
        (lambda app: setattr(app, "logs", 403), "Log Analytics Reader", 600),
    ],
    ids=["no connection", "no sign-in", "no role", "all is right", "settings unreadable", "log unreadable"],
)
def test_a_log_that_does_not_arrive_is_told_with_its_setting_or_role(
    app: DeployedApp, run: Run, change: Change, expected: str, patience: float
) -> None:
    app.rows = 0
    change(app)
    status, printed, waited = run()
    assert status == 1
    assert patience - 15 < waited <= patience
    assert expected in printed
    assert "a cup" in printed


def test_another_python_than_the_deployments_is_told_although_the_app_works(app: DeployedApp, run: Run) -> None:
    app.site["functionAppConfig"]["runtime"]["version"] = "3.11"
    status, printed, _ = run()
    assert status == 0
    assert "on Python 3.11, and the deployment asks for 3.12" in printed


def test_a_closed_network_is_no_failure_and_what_can_be_looked_at_is(
    app: DeployedApp, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOBSIGHT_CLOSED_NETWORK", "true")
    uploads(refused(403, "AuthorizationFailure"))(app)
    status, printed, _ = run()
    assert status == 0, printed
    assert "Not proven from here" in printed.splitlines()[-1]
    assert "POST /api/analyze" in app.asked
    app.analyses[:] = [MISMATCH]
    assert run()[0] == 1
    app.analyses[:] = [(200, {}, {})]
    removed = app.subscriptions.pop()
    status, printed, _ = run()
    assert status == 1
    assert "No event subscription leads from the images to /subscriptions/5ab5/resourceGroups/rg-test/" in printed
    app.subscriptions[:] = [removed]
    status, printed, _ = run()
    assert status == 1
    assert "No event subscription leads from the images to http" in printed


def test_a_role_that_does_not_work_yet_is_not_taken_for_a_closed_network(
    app: DeployedApp, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOBSIGHT_CLOSED_NETWORK", "true")
    app.uploads.insert(0, refused(403, "AuthorizationPermissionMismatch"))
    status, printed, _ = run()
    assert status == 0
    assert "Blobsight works" in printed


LOGIN = "https://login.microsoftonline.com/7e4a47/oauth2/v2.0/authorize?client_id=C11E47&response_type=code+id_token"


def signs_in(app: DeployedApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLOBSIGHT_GALLERY_SIGN_IN", "true")
    monkeypatch.setenv("BLOBSIGHT_GALLERY_CLIENT_ID", "c11e47")
    app.sessions[:] = [(200, {}, {"signIn": True})]
    app.logins[:] = [(302, {"Location": LOGIN}, None)]


def test_a_page_without_sign_in_is_looked_at_as_a_stranger(app: DeployedApp, run: Run) -> None:
    app.pages.insert(0, (503, {}, None))
    status, printed, waited = run()
    assert status == 0, printed
    assert f"The page is at {app.url}/api/gallery, and closed to strangers\n" in printed
    assert waited == 15
    assert "GET /.auth/login/aad" not in app.asked


def test_sign_in_that_comes_on_at_last_is_waited_for(
    app: DeployedApp, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    signs_in(app, monkeypatch)
    app.sessions.insert(0, (200, {}, {"signIn": False}))
    app.logins[:0] = [(404, {}, None), (302, {"Location": "https://login.microsoftonline.com/?client_id=other"}, None)]
    app.strangers.insert(0, (503, {}, None))
    status, printed, _ = run()
    assert status == 0, printed
    assert "closed to strangers; people sign in at login.microsoftonline.com\n" in printed
    assert "the app knows sign-in as off, and it is to be on" in printed


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda app: app.sessions.__setitem__(0, (200, {}, {"signIn": False})), "knows sign-in as off"),
        (lambda app: app.logins.__setitem__(0, (404, {}, None)), "/.auth/login/aad answers 404"),
        (lambda app: app.strangers.__setitem__(0, (404, {}, None)), "answer 404 to a stranger, not 401"),
        (lambda app: app.pages.__setitem__(0, (200, {"Content-Type": "application/json"}, {})), "does not come (200)"),
    ],
)
def test_sign_in_that_stays_off_is_told_with_where_to_look(
    app: DeployedApp, run: Run, monkeypatch: pytest.MonkeyPatch, change: Change, expected: str
) -> None:
    signs_in(app, monkeypatch)
    change(app)
    status, printed, waited = run()
    assert status == 1
    assert expected in printed
    assert "Look at Authentication of func-test in the portal" in printed
    assert 280 < waited <= 300
    assert "Removed the sample and its records" in printed


@pytest.mark.parametrize("path", page._DETOURS)
@pytest.mark.parametrize("with_sign_in", [True, False])
def test_a_forged_principal_that_comes_through_is_told_at_once(
    app: DeployedApp, run: Run, monkeypatch: pytest.MonkeyPatch, path: str, with_sign_in: bool
) -> None:
    if with_sign_in:
        signs_in(app, monkeypatch)
    app.forged[path] = (200, {}, {})
    status, printed, waited = run()
    assert (status, waited) == (1, 0)
    assert f"GET {path} shows data to a stranger who writes the header X-MS-CLIENT-PRINCIPAL by hand." in printed
    assert "`azd env set BLOBSIGHT_GALLERY_SIGN_IN false`" in printed


def test_data_that_everyone_sees_are_told_at_once(app: DeployedApp, run: Run) -> None:
    app.strangers[:] = [(200, {}, {})]
    status, printed, waited = run()
    assert (status, waited) == (1, 0)
    assert "The page shows its data to everyone" in printed
