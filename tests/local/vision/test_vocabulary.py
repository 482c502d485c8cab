"""The table of the classifier's words, and the sums over it."""

import re
from pathlib import Path

import numpy as np
import pytest

from local.models import vocabulary
from local.vision.recognition.detector import LABELS
from local.vision.recognition.vocabulary import LEAST, load_vocabulary

VOCABULARY = load_vocabulary()


def test_the_table_has_a_row_for_each_of_imagenets_classes() -> None:
    synsets = [row.synset for row in VOCABULARY.classes]

    assert len(synsets) == 1000
    # ImageNet's order.
    assert synsets == sorted(set(synsets))
    assert all(re.fullmatch(r"n\d{8}", synset) for synset in synsets)


def test_a_word_has_the_same_kinds_in_every_row() -> None:
    for row in VOCABULARY.classes:
        for place, word in enumerate(row.words):
            assert VOCABULARY.kinds[word] == row.words[place + 1 :], row


def test_words_are_short_and_of_letters() -> None:
    for word in VOCABULARY.kinds:
        assert re.fullmatch(r"[A-Za-z'-]+( [A-Za-z'-]+){0,2}", word), word


def test_a_class_that_is_not_said_is_no_word() -> None:
    unsaid = {row.noun for row in VOCABULARY.classes if not row.is_said} - {
        row.noun for row in VOCABULARY.classes if row.is_said
    }
    kinds = {kind for row in VOCABULARY.classes for kind in row.kinds}

    assert not (unsaid - kinds) & VOCABULARY.kinds.keys()


@pytest.mark.parametrize("word", ["tabby", "golden retriever", "nipple", "groom", "gorilla", "web site", "website"])
def test_what_is_often_wrong_or_hurts_is_not_said(word: str) -> None:
    assert word not in VOCABULARY.kinds


def test_no_class_is_a_person() -> None:
    assert not {"person", "man", "woman", "people"} & VOCABULARY.kinds.keys()


def test_words_are_cocos_where_coco_has_the_thing() -> None:
    same = set(LABELS) & VOCABULARY.kinds.keys()

    assert {"cup", "cat", "dog", "tv", "couch", "motorcycle", "airplane", "cell phone", "dining table"} <= same
    assert not {"television", "sofa", "motorbike", "aeroplane", "plane"} & VOCABULARY.kinds.keys()


def test_what_is_one_class_of_its_kind_alone_is_fine() -> None:
    assert {"cowboy hat", "convertible", "espresso", "sea slug"} <= VOCABULARY.fine
    # A kind, a noun of two classes, and one that has no kind above it.
    assert not {"cat", "coffee", "laptop", "rocket"} & VOCABULARY.fine


def test_the_confidence_of_a_kind_is_the_sum_of_its_classes() -> None:
    numbers = {row.noun: number for number, row in enumerate(VOCABULARY.classes)}
    probabilities = np.zeros(1000, np.float32)
    probabilities[numbers["tabby"]], probabilities[numbers["Siamese cat"]] = 0.25, 0.125
    probabilities[numbers["espresso"]], probabilities[numbers["magpie"]] = 0.5, 0.0625

    words = VOCABULARY.words(probabilities)

    assert [(word.name, word.confidence) for word in words] == [
        ("espresso", 0.5),
        ("coffee", 0.5),
        ("drink", 0.5),
        ("animal", 0.4375),
        ("cat", 0.375),
        ("mammal", 0.375),
    ]
    assert words[0].kinds == ("coffee", "drink")
    assert words[4].kinds == ("mammal", "animal")


def test_classes_of_one_noun_are_one_word() -> None:
    probabilities = np.zeros(1000, np.float32)
    laptops = [number for number, row in enumerate(VOCABULARY.classes) if row.noun == "laptop"]
    probabilities[laptops] = 0.25

    assert [(word.name, word.confidence) for word in VOCABULARY.words(probabilities)] == [
        ("laptop", 0.5),
        ("computer", 0.5),
    ]


def test_no_confidence_is_above_one_or_below_the_least() -> None:
    probabilities = np.full(1000, np.float32(1.0001 / 1000))
    probabilities[[number for number, row in enumerate(VOCABULARY.classes) if "animal" in row.kinds]] = 0.0026

    words = VOCABULARY.words(probabilities)

    assert words[0].name == "animal"
    assert words[0].confidence == 1.0
    assert all(word.confidence >= LEAST for word in words)


def test_the_table_is_what_its_generator_decides() -> None:
    decided = vocabulary.read_classes()
    assert decided.keys() <= set(range(1000))
    for number, (is_said, noun, kind) in decided.items():
        row = VOCABULARY.classes[number]
        assert (row.noun, row.is_said) == (noun, is_said)
        if kind:
            assert row.kinds[:1] == (() if kind == "nothing" else (kind,))


def test_every_kind_of_the_generator_is_in_the_table_below_the_same_wider_ones() -> None:
    path: list[str] = []
    for line in vocabulary.KINDS.strip("\n").splitlines():
        word = line.partition("=")[0].strip(" !")
        path[(len(line) - len(line.lstrip())) // 2 :] = [word]
        assert VOCABULARY.kinds.get(word) == tuple(reversed(path[:-1])), word
        assert any(word in row.kinds or (row.is_said and row.noun == word) for row in VOCABULARY.classes)


def test_wordnets_file_is_read(tmp_path: Path) -> None:
    # As in WordNet 3.0, with fewer pointers: its licence, and four nouns, of which one has two kinds above it.
    (tmp_path / "data.noun").write_text(
        "  1 This software and database is being provided to you, the LICENSEE, by Princeton University\n"
        "00015388 03 n 02 animal 0 animate_being 0 000 | a living organism\n"
        "01317541 05 n 01 domestic_animal 0 001 @ 00015388 n 0000 | any of various animals\n"
        "02083346 05 n 01 canine 1 002 ~ 02084071 n 0000 @ 00015388 n 0000 | any of various fissiped mammals\n"
        "02084071 05 n 0a dog 0 domestic_dog 0 a 0 b 0 c 0 d 0 e 0 f 0 g 0 h 0"
        " 003 @ 02083346 n 0000 @ 01317541 n 0000 ~ 01322604 n 0000 | a member of the genus Canis\n",
        encoding="latin-1",
    )

    wordnet = vocabulary.WordNet(tmp_path / "data.noun")

    assert wordnet.lemmas["02084071"][:2] == ["dog", "domestic_dog"]
    assert wordnet.above("02084071") == ["02083346", "01317541", "00015388"]
    assert wordnet.above("00015388") == []
