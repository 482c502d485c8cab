from hypothesis import given
from hypothesis import strategies as st

from shared.pictures.looks import SAME_BITS
from shared.search.likeness import Likeness

BASES = (0x0123456789ABCDEF, 0xFEDCBA9876543210, 0x0F0F0F0FF0F0F0F0)
# A look near one of the bases, by bits that are turned; small chains and gaps of 7 bits among them.
LOOKS = st.builds(
    lambda base, bits: base ^ sum(1 << bit for bit in bits),
    st.sampled_from(BASES),
    st.sets(st.integers(0, 63), max_size=9),
)


def grouped(looks: dict[int, int]) -> dict[int, tuple[int, ...]]:
    """The definition: groups by any way from look to look, by comparing all."""
    found: dict[int, tuple[int, ...]] = {}
    for image in looks:
        group, waiting = {image}, [image]
        while waiting:
            one = looks[waiting.pop()]
            near = {each for each, look in looks.items() if (look ^ one).bit_count() <= SAME_BITS} - group
            group |= near
            waiting += near
        if len(group) > 1:
            found[image] = tuple(sorted(group))
    return found


@given(st.lists(st.tuples(st.integers(0, 8), st.none() | LOOKS), max_size=30))
def test_groups_are_as_the_definition_says_after_any_changes(changes: list[tuple[int, int | None]]) -> None:
    likeness, looks = Likeness(), dict[int, int]()
    for image, look in changes:
        likeness.put(image, look)
        looks.pop(image, None)
        if look is not None:
            looks[image] = look
        assert likeness.groups() == grouped(looks)


def test_a_thousand_copies_are_one_group() -> None:
    likeness = Likeness()
    for image in range(1000):
        likeness.put(image, BASES[0] ^ (1 << image % 64))
    assert likeness.groups()[0] == tuple(range(1000))


def test_copies_that_go_are_no_group_any_more() -> None:
    likeness = Likeness()
    for image in (1, 2):
        likeness.put(image, BASES[0])
    assert likeness.groups() == {1: (1, 2), 2: (1, 2)}
    likeness.put(2, None)
    assert likeness.groups() == {}
