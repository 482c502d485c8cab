"""
What a picture shows, judged once from all that the models saw: people, and other subjects with their places.

This is the one place that decides what is said; tags, captions, objects and categories put it into their forms. No
confidence is above a model's own; where two models name the same, it is the greater of theirs. It goes in four steps:

1. `_held`: the detector's boxes that are sure enough, alone or with a word of the classifier's.
2. `_sure`: the classifier's words that are sure enough for this kind of picture.
3. `things` and `words`: where a box and a word name different animals, the word has to be clearly surer to be right.
4. `people`, `subjects` and `main`: boxes and words of the same thing become one subject, with its number and places.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from local.vision.evidence.kinds import ANIMAL, KINDS, PERSON, usual_name
from local.vision.evidence.looking import Evidence
from local.vision.evidence.once import once
from local.vision.recognition.seen import Box, Thing, Word

# Words for the whole picture. On the photographs of bench/development_photographs.toml two in three of those from the
# first to the second were right, and nine in ten from there on: the first make a tag, the second the subject too.
SAID, SURE = 0.35, 0.45
# For WIDE, PRIMATES, and drawings and pages, from which the models never learned: a drawn fish was a mouse at 0.46.
VERY_SURE = 0.9
# A degree of clip-art. Computed pictures had it, one of them a soccer ball at 0.89, and so had photographs on white.
MAYBE_DRAWN = 2
# A box that no word supports, but of a person. Below it a retina was an umbrella and a sweet an orange.
SURE_BOX = 0.53
# From here on a word for the whole picture supports a box of the same thing: two models seldom err alike.
SUPPORT = 0.15
# One class of its kind alone is mistaken for others: a bush hat was a cowboy hat at 0.76. Below the first, it is told
# with the second at most, where its kind is said too.
SURE_OF_FINE, MOST_OF_FINE = 0.8, 0.6
# So much surer a word has to be than a box that names another animal. The classifier's confidences often come near 1,
# the detector's seldom reach 0.8: a horse in a box of 0.71 was a dog at 0.71 to the classifier.
LEAD = 0.15
# From here on a word for a primate is feared.
FEARED = 0.3
# Sums over so many classes that they gather the remains: a leaf was an animal at 0.84, flowers were insects at 0.56.
WIDE = frozenset((ANIMAL, "mammal", "insect"))
# A person taken for an ape is the worst that could be said: these only where no person is found, and only when sure.
PRIMATES = frozenset(("primate", "monkey", "ape", "lemur"))
# Fainter faces are listed, but make no person. A face may be that of a statue or of a picture in the picture.
LEAST_BY_FACE, MOST_BY_FACE = 0.65, 0.85
# Of the picture's pixels. Smaller things are no part of what a picture is about.
MIN_SHARE = 0.02


@dataclass(frozen=True)
class Subject:
    """
    Something that the picture shows, once or several times.

    Attributes:
        confidences: of each time that it is there, greatest first; at least one.
        kinds: wider words for it, nearest first.
        places: where it is; none where only the picture as a whole was named.
    """

    name: str
    confidences: tuple[float, ...]
    kinds: tuple[str, ...] = ()
    places: tuple[Box, ...] = ()


@dataclass(frozen=True)
class Judged:
    """The judgement about *evidence*; a model runs when the first property needs it."""

    evidence: Evidence

    @once
    def things(self) -> tuple[Thing, ...]:
        """Things in boxes, surest first. An animal that the classifier more surely takes for another is an "animal"."""
        return tuple(
            replace(thing, name=ANIMAL) if any(_is_surer(word, thing) for word in self._rivals(thing)) else thing
            for thing in self._held
        )

    @once
    def words(self) -> tuple[Word, ...]:
        """Words for the whole picture, surest first, without animals that a box more surely takes for another one."""
        denied = {word.name for thing in self._held for word in self._rivals(thing) if not _is_surer(word, thing)}
        return tuple(word for word in self._sure if word.name not in denied)

    @once
    def people(self) -> Subject | None:
        """People, as many as there are boxes or faces, whichever are more; their places are the boxes."""
        boxes = [thing for thing in self.things if thing.name == PERSON]
        words = [word.confidence for word in self.words if word.name == PERSON]
        faces = sorted((min(face.confidence, MOST_BY_FACE) for face in self.faces), reverse=True)
        seen = zip_longest(faces, (thing.confidence for thing in boxes), words, fillvalue=0.0)
        confidences = tuple(max(each) for each in seen)
        return Subject(PERSON, confidences, places=tuple(thing.box for thing in boxes)) if confidences else None

    @once
    def faces(self) -> tuple[Thing, ...]:
        """Faces that make a person: what looks like one on a page or in a drawing is seldom one, never the subject."""
        found = tuple(face for face in self.evidence.faces if face.confidence >= LEAST_BY_FACE)
        return () if self.evidence.is_recognized and found and self._is_drawn_or_page else found

    @property
    def main(self) -> tuple[Subject, ...]:
        """The subjects that the picture is about: people, then the others that are large enough."""
        people = (self.people,) if self.people and (self.faces or self.share(self.people) >= MIN_SHARE) else ()
        return people + tuple(
            subject
            for subject in self.subjects
            if self.share(subject) >= MIN_SHARE and (subject.places or subject.confidences[0] >= SURE)
        )

    @once
    def names(self) -> dict[str, float]:
        """All that may be said, wider words included, with the greatest confidence for each."""
        said = [(word.name, word.kinds, word.confidence) for word in self.words]
        said += [(thing.name, KINDS.get(thing.name, ()), thing.confidence) for thing in self.things]
        names: dict[str, float] = {}
        for name, kinds, confidence in said:
            for each in (name, *kinds):
                names[each] = max(confidence, names.get(each, 0.0))
        return names

    @once
    def subjects(self) -> tuple[Subject, ...]:
        """What there is but people, each by its narrowest name, those that fill the picture first."""
        boxes: dict[str, list[Thing]] = {}
        for thing in self.things:
            boxes.setdefault(thing.name, []).append(thing)
        several = {name for name, things in boxes.items() if len(things) > 1}
        # One box of a cup is the mug that the classifier saw; of three dogs it is not known which is the poodle.
        wider = {kind for word in self.words for kind in word.kinds} - several
        wider |= {kind for name in boxes for kind in KINDS.get(name, ())}
        found = [self._in_boxes(name, things) for name, things in boxes.items() if name not in wider | {PERSON}]
        found += [
            Subject(word.name, (word.confidence,), word.kinds, _places(word, boxes))
            for word in self.words
            if word.name not in wider | boxes.keys() | {PERSON} and not several.intersection(word.kinds)
        ]
        return tuple(sorted(found, key=lambda subject: (-self.share(subject), -subject.confidences[0], subject.name)))

    def share(self, subject: Subject) -> float:
        """Return how much of the picture the largest of *subject* fills; all, where it names the whole picture."""
        if not subject.places:
            return 1.0
        return max(map(self.evidence.share, subject.places))

    def _in_boxes(self, name: str, things: Sequence[Thing]) -> Subject:
        first, *others = (thing.confidence for thing in things)
        # What the classifier says too is one of them at least.
        confidences = (max(first, self.names[name]), *others)
        return Subject(name, confidences, KINDS.get(name, ()), tuple(thing.box for thing in things))

    @once
    def _held(self) -> tuple[Thing, ...]:
        """The boxes that hold, surest first, by the usual names."""
        found = (replace(thing, name=usual_name(thing.name)) for thing in self.evidence.things)
        return tuple(thing for thing in found if self._is_held(thing))

    def _is_held(self, thing: Thing) -> bool:
        """Whether it is very sure, or supported in a picture that is neither drawn nor a page."""
        if thing.confidence >= VERY_SURE:
            return True
        has_support = thing.confidence >= SURE_BOX or thing.name == PERSON or self._has_support(thing.name)
        return has_support and not self._is_drawn_or_page

    def _has_support(self, name: str) -> bool:
        """Whether the classifier names the same, or surely one of its kinds."""
        kinds = KINDS.get(name, ())
        return any(
            word.confidence >= SUPPORT if name in (word.name, *word.kinds) else word.confidence >= SURE
            for word in self._words
            if {word.name, *word.kinds} & {name, *kinds}
        )

    @once
    def _words(self) -> tuple[Word, ...]:
        """All that the classifier tells, by the usual names."""
        return tuple(replace(word, name=usual_name(word.name)) for word in self.evidence.words)

    @once
    def _sure(self) -> tuple[Word, ...]:
        """The words that are sure enough, surest first; a wide one needs a narrower one, or to be very sure."""
        unfit = self._unfit
        found = [
            word
            for word in self._words
            if word.confidence >= SAID and word.name not in unfit and not PRIMATES & unfit & {*word.kinds}
        ]
        # The kind of picture is measured only where something depends on it.
        if any(word.confidence < VERY_SURE for word in found) and (
            self.evidence.drawing.clip_art == MAYBE_DRAWN or self._is_drawn_or_page
        ):
            found = [word for word in found if word.confidence >= VERY_SURE]
        said = {word.name for word in found}
        found = [_bounded(word) if word.is_fine and word.kinds[0] in said else word for word in found]
        narrower = {kind for word in found if word.name not in WIDE for kind in word.kinds}
        return tuple(
            word for word in found if word.name not in WIDE or word.name in narrower or word.confidence >= VERY_SURE
        )

    @property
    def _unfit(self) -> frozenset[str]:
        """Words for primates, and the wide ones that add them up, where it may be a person."""
        primate = max((word.confidence for word in self._words if word.name in PRIMATES), default=0.0)
        if primate < FEARED:
            return frozenset()
        has_people = any(usual_name(thing.name) == PERSON for thing in self.evidence.things) or self.evidence.faces
        return PRIMATES | WIDE if has_people or primate < VERY_SURE else frozenset()

    @once
    def _is_drawn_or_page(self) -> bool:
        drawing = self.evidence.drawing
        return drawing.is_line_drawing or drawing.clip_art > MAYBE_DRAWN or self.evidence.text.is_page

    def _rivals(self, thing: Thing) -> list[Word]:
        """Return the sure words for another animal in place of *thing*: none of them is what a box shows."""
        kinds = KINDS.get(thing.name, ())
        if ANIMAL not in kinds:
            return []
        boxed = {held.name for held in self._held}
        return [
            word
            for word in self._sure
            if ANIMAL in word.kinds and not boxed & {word.name, *word.kinds} and word.name not in kinds
        ]


def _bounded(word: Word) -> Word:
    return word if word.confidence >= SURE_OF_FINE else replace(word, confidence=min(word.confidence, MOST_OF_FINE))


def _is_surer(word: Word, thing: Thing) -> bool:
    return word.confidence > thing.confidence + LEAD


def _places(word: Word, boxes: Mapping[str, Sequence[Thing]]) -> tuple[Box, ...]:
    """Return the boxes of what the word is a kind of: where a cup is, there is the mug."""
    return tuple(thing.box for kind in word.kinds for thing in boxes.get(kind, ()))
