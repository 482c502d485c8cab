"""Each feature tells of a picture by what its recognizers saw: tags, captions, objects, categories, the adult score."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from doubles.recognizers import FakeRecognizer, faces, things, words
from doubles.vision_calls import ALL_FEATURES, Caller, encoded, sample
from PIL import Image, ImageDraw

from local import drawings
from local.vision.decoding.pixels import Rgb
from local.vision.evidence.kinds import KINDS
from local.vision.evidence.nouns import counted, plural, with_article
from local.vision.recognition.detector import LABELS
from local.vision.recognition.seen import Box, Recognizers, Thing, Word
from local.vision.recognition.vocabulary import load_vocabulary
from local.vision.server import running_vision
from local.vision.text import recognition
from local.vision.text.recognition import Recognized

# No colour, no edge, no text: nothing that is measured gets into the way.
PLAIN = encoded(Image.new("RGB", (160, 120), (120, 90, 60)), "PNG")
Json = dict[str, Any]


def drawn() -> bytes:
    """Draw a picture of flat colours."""
    image = Image.new("RGB", (400, 300), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((30, 40, 200, 260), "red")
    draw.ellipse((180, 60, 370, 250), "blue")
    return encoded(image, "PNG")


def told(
    seen: FakeRecognizer,
    features: str = ALL_FEATURES,
    *,
    data: bytes = PLAIN,
    recognizers: Recognizers | None = None,
) -> Json:
    """Return the analysis of *data* by what is *seen*."""
    used = recognizers or seen.all_five
    with running_vision(models=lambda: used) as vision, Caller(vision.url, vision.key) as caller:
        answer: Json = caller.post("analyze", data, query=f"visualFeatures={features}&details=Landmarks").json()
    return answer


def tags(seen: FakeRecognizer, **options: Any) -> dict[str, float]:
    """Return the confidence of each tag; none comes twice."""
    found = told(seen, "Tags", **options)["tags"]
    assert len({tag["name"] for tag in found}) == len(found)
    return {tag["name"]: tag["confidence"] for tag in found}


def caption(seen: FakeRecognizer, **options: Any) -> tuple[str, float]:
    """Return the first caption."""
    first = told(seen, "Description", **options)["description"]["captions"][0]
    return first["text"], first["confidence"]


def captions(seen: FakeRecognizer, most: int, data: bytes = PLAIN) -> list[Json]:
    """Return the captions of describe."""
    with running_vision(models=lambda: seen.all_five) as vision, Caller(vision.url, vision.key) as caller:
        answer = caller.post("describe", data, query=f"maxCandidates={most}").json()
    found: list[Json] = answer["description"]["captions"]
    return found


def test_a_word_and_a_box_that_agree_have_the_greater_confidence_and_their_kinds() -> None:
    seen = FakeRecognizer(words=words(cat=0.93, mammal=0.96, animal=0.97), things=things(("cat", 0.56), side=100))

    assert tags(seen) == {"animal": 0.97, "mammal": 0.96, "cat": 0.93}
    assert caption(seen) == ("a cat", 0.93)


def test_words_below_the_threshold_are_not_said_and_colours_stand_in_for_them() -> None:
    assert tags(FakeRecognizer(words=words(cat=0.34, church=0.3))).keys() == {"brown"}
    assert caption(FakeRecognizer(words=words(cat=0.34))) == ("a photo in brown tones", 0.42)


def test_a_fine_word_is_no_surer_than_it_can_be_beside_its_kind() -> None:
    assert tags(FakeRecognizer(words=words(cowboy_hat=0.76, hat=0.79)))["cowboy hat"] == 0.6
    assert tags(FakeRecognizer(words=words(cowboy_hat=0.5, hat=0.79)))["cowboy hat"] == 0.5
    assert tags(FakeRecognizer(words=words(cowboy_hat=0.82, hat=0.84)))["cowboy hat"] == 0.82
    # Without its kind it is all that there is to say.
    assert tags(FakeRecognizer(words=words(cowboy_hat=0.7)))["cowboy hat"] == 0.7


def test_an_unsure_word_is_a_tag_and_no_subject() -> None:
    assert tags(FakeRecognizer(words=words(church=0.44))) == {"church": 0.44, "building": 0.44}
    assert caption(FakeRecognizer(words=words(church=0.44))) == ("a photo in brown tones", 0.42)


def test_where_something_is_recognized_colours_are_no_tags() -> None:
    assert tags(FakeRecognizer(words=words(church=0.8))) == {"church": 0.8, "building": 0.8}


@pytest.mark.parametrize(
    ("confidences", "expected"),
    [
        ({"animal": 0.84, "ladybug": 0.3}, set()),
        ({"animal": 0.7, "mammal": 0.65, "dog": 0.3}, set()),
        ({"animal": 0.7, "mammal": 0.65, "dog": 0.52}, {"animal", "mammal", "dog"}),
        ({"animal": 0.95, "mammal": 0.91, "dog": 0.3}, {"animal", "mammal"}),
    ],
)
def test_the_widest_words_are_said_with_a_narrower_one_or_when_very_sure(
    confidences: dict[str, float], expected: set[str]
) -> None:
    assert tags(FakeRecognizer(words=words(**confidences))).keys() - {"brown"} == expected


def test_a_box_that_nothing_speaks_for_has_to_be_surer() -> None:
    assert "umbrella" not in tags(FakeRecognizer(things=things(("umbrella", 0.5))))
    assert "cake" in tags(FakeRecognizer(things=things(("cake", 0.5)), words=words(food=0.6)))
    assert "umbrella" in tags(FakeRecognizer(things=things(("umbrella", 0.5)), words=words(umbrella=0.35)))
    assert "umbrella" in tags(FakeRecognizer(things=things(("umbrella", 0.56))))
    assert tags(FakeRecognizer(things=things(("person", 0.46)))).keys() == {"person"}


def test_an_animal_that_the_classifier_takes_for_another_has_no_name_of_its_own() -> None:
    seen = FakeRecognizer(words=words(lion=0.9, mammal=0.93, animal=0.95), things=things(("cat", 0.6), side=100))
    answer = told(seen)

    assert [found["object"] for found in answer["objects"]] == ["animal"]
    assert {tag["name"] for tag in answer["tags"]} == {"lion", "wild cat", "mammal", "animal"}
    assert answer["description"]["captions"][0]["text"] == "a lion"
    assert [category["name"] for category in answer["categories"]] == ["animal_"]


def test_of_two_animals_in_one_place_the_box_is_named_where_it_is_the_surer() -> None:
    seen = FakeRecognizer(words=words(dog=0.75, mammal=0.75, animal=0.8), things=things(("horse", 0.71), side=100))
    answer = told(seen)

    assert {tag["name"] for tag in answer["tags"]} == {"horse", "animal", "mammal"}
    assert [found["object"] for found in answer["objects"]] == ["horse"]


def test_two_animals_in_their_boxes_are_both_named() -> None:
    seen = FakeRecognizer(words=words(dog=0.7), things=things(("dog", 0.7), ("cat", 0.6), side=60))

    assert {"dog", "cat"} <= tags(seen).keys()
    assert caption(seen) == ("a dog and a cat", 0.6)


def test_a_narrower_word_is_the_name_of_the_one_box_but_not_of_many() -> None:
    assert caption(FakeRecognizer(words=words(mug=0.8), things=things(("cup", 0.6), side=100))) == ("a mug", 0.8)
    dogs = things(("dog", 0.7), ("dog", 0.65), ("dog", 0.6), side=40)
    assert caption(FakeRecognizer(words=words(poodle=0.8), things=dogs)) == ("three dogs", 0.6)


PERSON = things(("person", 0.7), side=100)


def test_no_person_is_called_an_ape() -> None:
    ape = words(monkey=0.95, primate=0.96, mammal=0.97, animal=0.98)
    for seen in (
        FakeRecognizer(words=ape, things=PERSON),
        FakeRecognizer(words=ape, faces=faces(0.9)),
        FakeRecognizer(words=words(monkey=0.85, primate=0.86, mammal=0.97, animal=0.98)),
    ):
        assert not tags(seen).keys() & {"monkey", "primate", "mammal", "animal"}
    assert {"monkey", "animal"} <= tags(FakeRecognizer(words=ape)).keys()


@pytest.mark.parametrize(
    ("boxes", "face_count", "text", "confidence", "category"),
    [
        (["person"], 0, "a person", 0.7, "people_"),
        (["person"], 1, "a person", 0.85, "people_"),
        ([], 1, "a person", 0.85, "people_"),
        (["person"] * 2, 1, "two people", 0.7, "people_group"),
        (["person"] * 3, 0, "three people", 0.7, "people_group"),
        (["person"], 4, "four people", 0.85, "people_group"),
        ([], 5, "a group of people", 0.85, "people_group"),
        (["person"], 9, "a group of people", 0.85, "people_crowd"),
        (["person", "motorcycle"], 0, "a person and a motorcycle", 0.6, "people_"),
        (["car"] * 3, 0, "three cars", 0.6, "trans_car"),
        (["chair"] * 6, 0, "a group of chairs", 0.6, "others_"),
    ],
)
def test_people_and_things_are_counted(
    boxes: list[str], face_count: int, text: str, confidence: float, category: str
) -> None:
    found = things(*((name, 0.7 if name == "person" else 0.6) for name in boxes), side=25)
    answer = told(FakeRecognizer(things=found, faces=faces(*[0.9] * face_count)), "Description,Categories")

    assert answer["description"]["captions"][0] == {"text": text, "confidence": confidence}
    assert category in [each["name"] for each in answer["categories"]]


def test_a_face_is_told_with_its_own_confidence_and_makes_a_person_at_most_as_certain() -> None:
    two, one = tags(FakeRecognizer(faces=faces(0.66, 0.7))), tags(FakeRecognizer(faces=faces(0.95)))
    faint = told(FakeRecognizer(faces=faces(0.6)), "Tags,Faces")

    assert (two["human face"], two["person"], two["group"]) == (0.7, 0.7, 0.6)
    assert (one["human face"], one["person"]) == (0.95, 0.85)
    assert [tag["name"] for tag in faint["tags"]] == ["brown"]
    assert len(faint["faces"]) == 1


def test_the_look_of_text_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    sign = encoded(drawings.sign(), "PNG")
    unreadable = Recognized("8", 0.9)

    assert "text" in tags(FakeRecognizer(), data=sign)
    monkeypatch.setattr(recognition, "recognize", lambda picture, quad: unreadable)
    assert "text" not in tags(FakeRecognizer(), data=sign)


def test_a_large_face_makes_a_portrait() -> None:
    seen = FakeRecognizer(faces=faces(0.9, width=50, height=60))

    assert told(seen, "Categories")["categories"] == [
        {"name": "people_portrait", "score": 0.85, "detail": {"landmarks": []}}
    ]


def test_a_small_thing_is_a_tag_and_an_object_but_no_subject() -> None:
    seen = FakeRecognizer(words=words(church=0.8), things=things(("person", 0.7), ("bird", 0.6), side=5))
    answer = told(seen)

    assert answer["description"]["captions"][0]["text"] == "a church"
    assert {"person", "bird", "church"} <= {tag["name"] for tag in answer["tags"]}
    assert len(answer["objects"]) == 2


@pytest.mark.parametrize(
    ("drink", "container", "text"),
    [
        ("espresso", "cup", "a cup of espresso"),
        ("espresso", "wine glass", "a glass of espresso"),
        ("espresso", "vase", "espresso and a vase"),
    ],
)
def test_a_drink_is_in_what_holds_it(drink: str, container: str, text: str) -> None:
    seen = FakeRecognizer(words=words(**{drink: 0.9, "coffee": 0.92, "drink": 0.95}), things=things((container, 0.6)))

    assert caption(seen) == (text, 0.6)


def test_captions_are_many_and_none_is_surer_than_its_parts() -> None:
    found = captions(FakeRecognizer(words=words(cat=0.93), things=things(("couch", 0.56), side=100)), 9)

    assert [each["text"] for each in found] == [
        "a cat and a couch",
        "a photo of a cat and a couch",
        "a photo of a cat and a couch in brown tones",
        "a photo in brown tones",
        "a photo",
    ]
    confidences = [each["confidence"] for each in found]
    assert confidences == sorted(confidences, reverse=True)
    assert confidences[0] == confidences[1] == 0.56


def test_tones_are_no_surer_than_their_colours() -> None:
    sides = Image.new("RGB", (160, 120), (60, 90, 200))
    sides.paste((200, 30, 40), (0, 0, 20, 120))
    data = encoded(sides, "PNG")
    (first, *_), found = captions(FakeRecognizer(), 9, data), tags(FakeRecognizer(), data=data)

    assert "blue and red tones" in first["text"]
    assert first["confidence"] == found["red"] < 0.42


def test_a_black_and_white_photo_is_told_as_such() -> None:
    gray = encoded(Image.linear_gradient("L").convert("RGB"), "PNG")

    assert caption(FakeRecognizer(things=PERSON), data=gray) == ("a black and white photo of a person", 0.7)
    assert caption(FakeRecognizer(words=words(cat=0.93)), data=gray) == ("a black and white photo of a cat", 0.85)


@pytest.mark.parametrize("data", [drawn(), encoded(drawings.receipt(), "PNG"), encoded(drawings.scan(), "PNG")])
def test_drawings_and_pages_are_named_only_when_very_sure(data: bytes) -> None:
    unsure = FakeRecognizer(words=words(cat=0.89), things=things(("clock", 0.8), ("person", 0.8)), faces=faces(0.9))
    answer = told(unsure, data=data)

    assert not {tag["name"] for tag in answer["tags"]} & {"cat", "animal", "clock", "person", "human face"}
    assert answer["objects"] == []
    assert {category["name"] for category in answer["categories"]} <= {"text_", "others_"}
    assert "cat" in tags(FakeRecognizer(words=words(cat=0.91)), data=data)


def perhaps_drawn() -> bytes:
    """Make a picture that is clip-art of degree 2 by its measures: a flat thing and a soft one on white."""
    image = Image.new("RGB", (400, 300), "white")
    waves = Image.new("L", (150, 100))
    waves.putdata([12 * (x % 12) for _ in range(100) for x in range(150)])
    image.paste(waves.convert("RGB"), (150, 150))
    ImageDraw.Draw(image).rectangle((20, 20, 300, 100), "navy")
    return encoded(image, "PNG")


def test_of_what_may_be_drawn_boxes_and_faces_are_told_but_words_only_when_very_sure() -> None:
    data = perhaps_drawn()
    seen = FakeRecognizer(words=words(cat=0.89), things=things(("laptop", 0.6), side=100), faces=faces(0.7))
    answer = told(seen, data=data)

    assert answer["imageType"]["clipArtType"] == 2
    assert {tag["name"] for tag in answer["tags"]} == {"laptop", "person", "human face"}
    assert answer["description"]["captions"][0]["text"] == "a person and a laptop"
    assert "clip-art" not in str(answer["description"])


def test_clothing_is_no_part_of_its_own_beside_people() -> None:
    assert caption(FakeRecognizer(words=words(clothing=0.7), things=PERSON))[0] == "a person"
    assert caption(FakeRecognizer(words=words(clothing=0.7)))[0] == "clothing"


def test_a_page_and_a_drawing_with_text_are_described_as_what_they_are() -> None:
    page, sign = encoded(drawings.receipt(), "PNG"), encoded(drawings.sign(), "PNG")

    assert caption(FakeRecognizer(), data=page)[0] == "a page of text"
    assert "drawing" not in tags(FakeRecognizer(), data=page)
    assert caption(FakeRecognizer(), data=sign) == ("a clip-art picture with text", 0.58)


def test_objects_have_their_places_in_the_original_and_what_they_are_kinds_of() -> None:
    large = encoded(Image.new("RGB", (1280, 960), (120, 90, 60)), "PNG")
    answer = told(FakeRecognizer(things=things(("train", 0.6), ("vase", 0.58), side=40)), "Objects", data=large)

    assert answer["objects"] == [
        {
            "rectangle": {"x": 0, "y": 20, "w": 80, "h": 80},
            "object": "train",
            "confidence": 0.6,
            "parent": {
                "object": "Land vehicle",
                "confidence": 0.6,
                "parent": {"object": "Vehicle", "confidence": 0.6},
            },
        },
        {"rectangle": {"x": 80, "y": 20, "w": 80, "h": 80}, "object": "vase", "confidence": 0.58},
    ]


def test_a_box_that_is_rounded_up_twice_stays_in_the_picture() -> None:
    wide = encoded(Image.new("RGB", (643, 643), (120, 90, 60)), "PNG")
    thing = Thing("train", 0.9, Box(320, 320, 320, 320))  # each of them becomes 321.5
    (found,) = told(FakeRecognizer(things=(thing,)), "Objects", data=wide)["objects"]

    assert found["rectangle"] == {"x": 322, "y": 322, "w": 321, "h": 321}


def test_the_words_of_other_labels_are_the_same_things() -> None:
    seen = FakeRecognizer(words=words(sofa=0.9), things=things(("Sofa", 0.6), ("motorbike", 0.6)))

    assert tags(seen).keys() == {"couch", "furniture", "motorcycle", "land vehicle", "vehicle"}


@pytest.mark.parametrize(
    ("score", "is_adult", "is_racy"),
    [(0.0, False, False), (0.45, False, False), (0.85, False, True), (0.95, True, True)],
)
def test_the_adult_score_stands_for_both_and_gore_is_not_known(score: float, is_adult: bool, is_racy: bool) -> None:
    assert told(FakeRecognizer(adult_score=score), "Adult")["adult"] == {
        "isAdultContent": is_adult,
        "isRacyContent": is_racy,
        "isGoryContent": False,
        "adultScore": score,
        "racyScore": score,
        "goreScore": 0.0,
    }


def test_a_captioners_line_comes_first_and_nothing_after_it_is_surer() -> None:
    seen = FakeRecognizer(words=words(cat=0.93), sentence="a tabby asleep on a chair")
    found = captions(seen, 3)

    assert found[0] == {"text": "a tabby asleep on a chair", "confidence": 0.5}
    assert [each["text"] for each in found[1:]] == ["a cat", "a photo of a cat"]
    assert found[1]["confidence"] == 0.5
    assert seen.asked.count("captioner") == 1


def test_a_captioner_without_a_line_leaves_what_is_composed() -> None:
    assert caption(FakeRecognizer(words=words(cat=0.93))) == ("a cat", 0.93)


@pytest.mark.parametrize(
    ("features", "asked"),
    [
        ("Color", set()),
        ("ImageType,Brands", set()),
        ("Adult", {"adult"}),
        ("Faces", {"faces"}),
        ("Objects", {"detector"}),
        ("Tags", {"classifier", "detector", "faces"}),
        ("Categories", {"classifier", "detector", "faces"}),
        ("Description", {"classifier", "detector", "faces", "captioner"}),
        (ALL_FEATURES, {"classifier", "detector", "faces", "adult", "captioner"}),
    ],
)
def test_only_the_models_run_that_are_needed_and_each_once(features: str, asked: set[str]) -> None:
    seen = FakeRecognizer(words=words(church=0.8), things=things(("vase", 0.7)), faces=faces(0.9), sentence="a church")
    told(seen, features)

    assert sorted(seen.asked) == sorted(asked)


@pytest.mark.parametrize("left", [0, 300])
def test_the_area_of_interest_keeps_a_thing_that_was_found(left: int) -> None:
    data = encoded(Image.new("RGB", (400, 100), (120, 90, 60)), "PNG")
    seen = FakeRecognizer(things=(Thing("vase", 0.5, Box(left, 10, 100, 80)),))
    with running_vision(models=lambda: seen.all_five) as vision, Caller(vision.url, vision.key) as caller:
        area = caller.post("areaOfInterest", data).json()["areaOfInterest"]

    assert area["x"] <= left + 20
    assert area["x"] + area["w"] >= left + 80
    assert sorted(seen.asked) == ["detector", "faces"]


class Meeting(FakeRecognizer):
    """Its classifier answers once two pictures are looked at."""

    barrier = threading.Barrier(2, timeout=30)

    def classify(self, pixels: Rgb) -> tuple[Word, ...]:
        self.barrier.wait()
        return super().classify(pixels)


def test_two_pictures_are_looked_at_beside_each_other() -> None:
    seen = Meeting(words=words(cat=0.9))
    with (
        running_vision(models=lambda: Recognizers(classifier=seen)) as vision,
        Caller(vision.url, vision.key) as one,
        Caller(vision.url, vision.key) as other,
        ThreadPoolExecutor(2) as pool,
    ):
        answers = [pool.submit(caller.post, "tag", PLAIN) for caller in (one, other)]
        assert [answer.result().json()["tags"][0]["name"] for answer in answers] == ["animal"] * 2


def test_a_photograph_is_told_by_what_was_seen_in_it() -> None:
    """Colours, text and faces are measured beside, on real pixels."""
    seen = FakeRecognizer(words=words(espresso=0.96, coffee=0.96, drink=0.96), things=things(("cup", 0.6), side=200))
    answer = told(seen, data=sample("coffee"))

    assert answer["description"]["captions"][0] == {"text": "a cup of espresso", "confidence": 0.6}
    assert answer["color"]["dominantColors"][0] == "Orange"
    assert [category["name"] for category in answer["categories"]] == ["drink_"]


@pytest.mark.parametrize(
    ("noun", "one", "many"),
    [
        ("cat", "a cat", "cats"),
        ("orange", "an orange", "oranges"),
        ("umbrella", "an umbrella", "umbrellas"),
        ("unicycle", "a unicycle", "unicycles"),
        ("hourglass", "an hourglass", "hourglasses"),
        ("wine glass", "a wine glass", "wine glasses"),
        ("knife", "a knife", "knives"),
        ("sheep", "a sheep", "sheep"),
        ("mouse", "a mouse", "mice"),
        ("bench", "a bench", "benches"),
        ("canary", "a canary", "canaries"),
        ("toy", "a toy", "toys"),
        ("person", "a person", "people"),
    ],
)
def test_nouns_have_their_article_and_their_plural(noun: str, one: str, many: str) -> None:
    assert with_article(noun) == one
    assert plural(noun) == many


@pytest.mark.parametrize("count", [1, 3, 7])
def test_uncountable_nouns_have_no_number(count: int) -> None:
    assert counted("broccoli", count) == "broccoli"
    assert counted("scissors", count) == "a pair of scissors"


def test_every_thing_of_the_detector_and_every_word_of_the_classifier_can_be_said() -> None:
    for noun in (*LABELS, *load_vocabulary().kinds):
        assert with_article(noun).endswith(noun)
        assert not with_article(noun).startswith(("a a", "a e", "a i", "a o", "an u ")), noun
    assert KINDS.keys() <= set(LABELS)
