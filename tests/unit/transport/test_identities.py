"""The tokens of the app's identity: one asking for each of them, whoever needs it and however short it lives."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from azure.core.credentials import AccessToken
from doubles.clock import EPOCH, FakeClock
from doubles.identity_authority import Authority, settle, token
from doubles.identity_endpoint import running_identity_endpoint

from shared.configuration.storage_accounts import Principal
from shared.transport import time_budget
from shared.transport.identities import Identity, NoToken

Hold = Callable[[Authority], Authority]
SCOPE = "https://storage.azure.com/.default"
APP = Principal(managed=True)


def of(authority: Callable[..., AccessToken], clock: FakeClock | None = None) -> Identity:
    return Identity(APP, authority, clock=clock or FakeClock())


def test_a_token_is_renewed_before_it_ends_while_the_old_one_serves() -> None:
    clock, authority = FakeClock(), Authority(token("t1", 4000.0), token("t2", 9000.0))
    identity = of(authority, clock)
    sent = [identity.token(SCOPE, 60.0)]
    for passed in (3699.0, 2.0, 0.0):
        clock.advance(passed)
        sent.append(identity.token(SCOPE, 60.0))
        settle()
    assert sent == ["t1", "t1", "t1", "t2"]
    assert len(authority.asked) == 2


def test_a_renewal_that_fails_or_hangs_costs_nobody_anything_while_the_old_token_lasts(hold: Hold) -> None:
    clock, authority = FakeClock(), Authority(token("t1", 4000.0), RuntimeError("down"), token("t2", 9000.0))
    identity = of(authority, clock)
    identity.token(SCOPE, 60.0)
    clock.advance(3710.0)
    assert identity.token(SCOPE, 60.0) == "t1"
    settle()
    hold(authority)
    clock.advance(200.0)
    assert [identity.token(SCOPE, 0.0), identity.token(SCOPE, 0.0)] == ["t1", "t1"]
    assert len(authority.asked) == 3
    clock.advance(31.0)
    with pytest.raises(NoToken):
        identity.token(SCOPE, 0.0)


def test_all_who_wait_get_the_token_of_one_asking(hold: Hold) -> None:
    authority = hold(Authority(token("t1", 5000.0)))
    identity = of(authority)
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(identity.token, SCOPE, 60.0) for _ in range(8)]
        authority.free.set()
        assert [each.result() for each in waiting] == ["t1"] * 8
    assert len(authority.asked) == 1


def test_a_failure_is_told_to_all_for_five_seconds_and_no_longer() -> None:
    clock, authority = FakeClock(), Authority(RuntimeError("down"), token("t1", 5000.0))
    identity = of(authority, clock)
    for passed in (0.0, 0.0, 4.9):
        clock.advance(passed)
        with pytest.raises(NoToken):
            identity.token(SCOPE, 60.0)
    assert len(authority.asked) == 1
    clock.advance(0.1)
    assert identity.token(SCOPE, 60.0) == "t1"


@pytest.mark.parametrize(("life", "fetches"), [(30, 12), (120, 3), (3600, 1)])
def test_a_token_is_asked_for_once_in_its_life_however_short_that_is(life: int, fetches: int) -> None:
    """As azure-core asks: at every request, which are ten a second here, for five minutes."""
    clock = FakeClock()
    asked: list[float] = []

    def authority(scope: str) -> AccessToken:
        asked.append(clock.now())
        return token(f"from {clock.now()}", clock.now() + life)

    identity = of(authority, clock)
    for _ in range(3000):
        got = identity.get_token(SCOPE)
        assert got.expires_on > EPOCH.timestamp() + clock.now(), "a token that has ended was handed out"
        settle()
        clock.advance(0.1)
    assert len(asked) == fetches


def test_each_scope_has_its_own_token() -> None:
    authority = Authority(token("of storage", 5000.0), token("of vision", 5000.0))
    identity = of(authority)
    for _ in range(2):
        assert identity.token(SCOPE, 60.0) == "of storage"
        assert identity.token("https://cognitiveservices.azure.com/.default", 60.0) == "of vision"
    assert len(authority.asked) == 2


def test_a_refused_token_is_replaced_unless_it_has_just_come() -> None:
    clock, authority = FakeClock(), Authority(*(token(f"t{number}", 9000.0) for number in (1, 2, 3)))
    identity = of(authority, clock)
    sent = [identity.token(SCOPE, 60.0)]
    for passed in (0.0, 4.9, 0.1, 4.9, 0.2):
        identity.refused(SCOPE)
        clock.advance(passed)
        sent.append(identity.token(SCOPE, 60.0))
    assert sent == ["t1", "t1", "t1", "t2", "t2", "t3"]


def test_a_client_of_storage_that_is_refused_asks_the_tenant_that_storage_names() -> None:
    clock, authority = FakeClock(), Authority(token("home", 9000.0), token("theirs", 9000.0))
    mine = Identity(Principal(managed=False), authority, clock=clock)
    assert mine.get_token(SCOPE).token == "home"
    assert mine.get_token(SCOPE, tenant_id="theirs").token == "theirs"
    assert mine.get_token(SCOPE, tenant_id="theirs").token == "theirs"
    assert authority.asked == [(SCOPE, {}), (SCOPE, {"tenant_id": "theirs"})]


def test_a_managed_identity_has_one_tenant() -> None:
    authority = Authority(token("t1", 9000.0))
    identity = of(authority)
    assert identity.get_token(SCOPE, tenant_id="another") is identity.get_token(SCOPE)
    assert authority.asked == [(SCOPE, {})]


def test_a_client_of_storage_waits_in_the_time_of_the_invocation(hold: Hold) -> None:
    identity = of(hold(Authority(token("t1", 5000.0))))
    with time_budget.within(0.05), pytest.raises(NoToken, match=r"no token within 0\.[01] s") as caught:
        identity.get_token(SCOPE)
    assert caught.value.late


def test_no_asking_for_a_token_holds_the_process(hold: Hold) -> None:
    identity = of(hold(Authority(token("t1", 5000.0))))
    with pytest.raises(NoToken):
        identity.token(SCOPE, 0.0)
    assert [thread.daemon for thread in threading.enumerate() if thread.name == "fetch a token"] == [True]


@pytest.mark.parametrize("client_id", [None, "01234567-89ab-cdef-0123-456789abcdef"])
@pytest.mark.parametrize("managed", [True, False])
def test_azure_identity_takes_the_token_of_the_identity_that_is_meant(
    client_id: str | None, managed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real azure-identity against an authority on loopback, as it finds one inside a Functions app."""
    for name in ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    with running_identity_endpoint(client_id or "", lifetime_seconds=86_400) as endpoint:
        for name, value in endpoint.environment.items():
            monkeypatch.setenv(name, value)
        used = Identity(Principal(managed, client_id)).token(SCOPE, 60.0)
    [given] = endpoint.given
    assert (used, given.resource, given.client_id) == (given.token, "https://storage.azure.com", client_id or "")
    assert endpoint.refused == []


def test_a_short_token_of_azure_is_asked_for_once_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_identity_endpoint("", lifetime_seconds=30) as endpoint:
        for name, value in endpoint.environment.items():
            monkeypatch.setenv(name, value)
        identity = Identity(APP, clock=FakeClock(time.time() - EPOCH.timestamp()))
        for _ in range(50):
            identity.get_token(SCOPE)
    assert len(endpoint.given) == 1
