"""What the smoke test of a deployment says of the page: of one behind the platform, and of one that is not."""

import pytest
from deployment import page
from deployment.failures import Failed
from deployment.waiting import NotYet
from doubles.gallery_world import World

_PAGE = "/api/gallery"


def test_behind_the_platform_no_stranger_and_no_forged_principal_sees_data(world: World) -> None:
    seen = page.look(world.near.removesuffix(_PAGE), signs_in=True, client_id="c11e47")
    # The last thing that it looks at: the double asks here who signs in, and sends no one to Entra ID.
    assert isinstance(seen, NotYet)
    assert seen.reason == "/.auth/login/aad answers 200, and does not lead to the sign-in"


def test_an_app_that_believes_in_a_platform_which_is_not_there_is_found_out(world: World) -> None:
    with pytest.raises(Failed, match=r"data to a stranger who writes the header X-MS-CLIENT-PRINCIPAL by hand"):
        page.look(f"http://127.0.0.1:{world.stack.addresses.port}", signs_in=True, client_id="c11e47")
