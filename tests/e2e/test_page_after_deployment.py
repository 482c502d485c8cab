"""What the smoke test says of the page of an app that really runs: behind the platform's sign-in, and without it."""

from collections.abc import Iterator

import pytest
from deployment import page, wire
from deployment.failures import Failed
from deployment.waiting import NotYet
from doubles.platform_sign_in import running_sign_in

from bench.stack import Stack, running_stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]
SETTINGS = {"WEBSITE_AUTH_ENABLED": "True", "GALLERY_OPEN": "false"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("stack"), settings=SETTINGS) as stack:
        yield stack


def test_behind_the_platform_no_stranger_and_no_forged_principal_sees_data(stack: Stack) -> None:
    with running_sign_in(stack.addresses.port) as platform:
        seen = page.look(f"http://127.0.0.1:{platform.port}", signs_in=True, client_id="c11e47")
    # The last thing that it looks at: the double asks here who signs in, and does not lead to Entra ID.
    assert isinstance(seen, NotYet)
    assert seen.reason == "/.auth/login/aad answers 200, and does not lead to the sign-in"


def test_an_app_that_believes_in_a_platform_which_is_not_there_is_found_out(stack: Stack) -> None:
    with pytest.raises(Failed, match=r"data to a stranger who writes the header X-MS-CLIENT-PRINCIPAL by hand"):
        page.look(stack.addresses.host_url, signs_in=True, client_id="c11e47")


def test_paths_with_dots_reach_the_page_so_that_they_are_worth_a_look(stack: Stack) -> None:
    reached = [path for path in page._DETOURS if wire.send("GET", stack.addresses.host_url + path, page.FORGED).ok]
    assert len(reached) >= 5
