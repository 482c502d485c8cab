"""All that is measured in one picture, each thing at most once and only when it is asked for."""

from dataclasses import dataclass, replace

from local.vision.decoding.pixels import Picture
from local.vision.evidence.attention import Map, attention_map, best_window
from local.vision.evidence.colours import Colours, measure_colours
from local.vision.evidence.drawing import DrawingKind, measure_drawing
from local.vision.evidence.faces import find_faces
from local.vision.evidence.once import once
from local.vision.recognition.seen import NO_RECOGNIZERS, Box, Recognizers, Thing, Word
from local.vision.text.recognition import NO_TEXT, Glimpse, glance, is_readable


@dataclass(frozen=True)
class Evidence:
    """Measurements of *picture*; boxes are in pixels of the upright original."""

    picture: Picture
    recognizers: Recognizers = NO_RECOGNIZERS

    @property
    def is_recognized(self) -> bool:
        """Whether there are models that name what a picture shows."""
        return self.recognizers.classifier is not None or self.recognizers.detector is not None

    @once
    def sentence(self) -> str | None:
        """A captioner's own line, kept by the captioner; None without one, or where it had none."""
        captioner = self.recognizers.captioner
        return captioner.caption(self.picture.working) if captioner else None

    @once
    def words(self) -> tuple[Word, ...]:
        """What the picture shows as a whole; nothing without a classifier."""
        classifier = self.recognizers.classifier
        return classifier.classify(self.picture.working) if classifier else ()

    @once
    def things(self) -> tuple[Thing, ...]:
        """Objects at their places; nothing without a detector."""
        return tuple(replace(thing, box=self._in_the_original(thing.box)) for thing in self._working_things)

    @once
    def adult_score(self) -> float | None:
        """From 0, harmless, to 1; None without a model."""
        scorer = self.recognizers.adult
        return scorer.score(self.picture.working) if scorer else None

    @once
    def colours(self) -> Colours:
        """Names, shares, accent."""
        return measure_colours(self.picture.working)

    @once
    def drawing(self) -> DrawingKind:
        """Clip-art or line drawing."""
        return measure_drawing(self.picture.working)

    @once
    def faces(self) -> tuple[Thing, ...]:
        """Faces, largest first; only frontal ones without a model."""
        return tuple(replace(face, box=self._in_the_original(face.box)) for face in self._working_faces)

    @once
    def text(self) -> Glimpse:
        """Whether there is text, and how much of it; models that know pictures want a line of it to be read."""
        seen = glance(self.picture.working)
        return NO_TEXT if self.is_recognized and not is_readable(seen, self.picture.working) else seen

    @property
    def text_certainty(self) -> float:
        """How certain it is that there is text, from 0 to 1."""
        return self.text.certainty

    @once
    def sky_share(self) -> float:
        """Share of the upper third that has the blue of a sky by day, from 0 to 1."""
        upper = self.picture.working[: max(1, self.picture.working.shape[0] // 3)].astype("int16")
        red, green, blue = upper[..., 0], upper[..., 1], upper[..., 2]
        return float(((blue > 90) & (blue >= green) & (blue > red + 15)).mean())

    def window(self, *, shape: float) -> Box:
        """Return the largest crop of width/height *shape* that keeps what matters."""
        return best_window(self._attention, shape=shape, size=(self.picture.width, self.picture.height))

    def share(self, box: Box) -> float:
        """Return how much of the picture *box* fills, from 0 to 1."""
        return box.area / (self.picture.width * self.picture.height)

    @once
    def _working_things(self) -> tuple[Thing, ...]:
        detector = self.recognizers.detector
        return detector.detect(self.picture.working) if detector else ()

    @once
    def _working_faces(self) -> tuple[Thing, ...]:
        finder = self.recognizers.faces
        return finder.find(self.picture.working) if finder else find_faces(self.picture.working)

    @once
    def _attention(self) -> Map:
        return attention_map(
            self.picture.working,
            (face.box for face in self._working_faces),
            (thing.box for thing in self._working_things),
        )

    def _in_the_original(self, box: Box) -> Box:
        height, width = self.picture.working.shape[:2]
        x, y = self.picture.width / width, self.picture.height / height
        left, top = round(box.left * x), round(box.top * y)
        # Where both halves of a pixel are rounded up, the box would end outside.
        right, bottom = self.picture.width - left, self.picture.height - top
        return Box(left, top, min(round(box.width * x), right), min(round(box.height * y), bottom))
