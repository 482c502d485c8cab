"""
How thumbnails are made: cut by the app around the subject or the middle, or made by Computer Vision.

The picture is decoded first, so that nothing is paid for one that cannot be. Then its subject is looked for where that
costs nothing: in its analysis, and among the answers that were paid for. Only then one area of interest is asked for.
"""

from collections.abc import Callable, Sequence
from functools import cached_property

from shared import names
from shared.errors import BlobsightError, ImageRejectedError, VisionError
from shared.images import ImageBytes, ImageUrl
from shared.pictures import crops, fitting
from shared.pictures.converter import Reduced
from shared.pictures.crops import Box, Point, Subject
from shared.records import analysis
from shared.records.record_store import Filled
from shared.records.thumbnails import FOCAL, Thumbnail
from shared.records.versions import Version
from shared.services import App
from shared.thumbnails import subject
from shared.thumbnails.focal import written
from shared.vision import questions
from shared.vision.models import Answer
from shared.vision.questions import Question

# By these features an analysis has boxes of what a picture is about.
_WITH_BOXES = {"Objects", "Faces"}


class ThumbnailMaker:
    """
    Makes thumbnails of one image, which is decoded once. For one thread.

    Args:
        app: the app.
        image: the image. One that is given by its address is fetched by Computer Vision alone, which makes all of them.
        wanted: the thumbnails that may be asked for; the image is decoded as large as they need.
        ask: puts a question about the image to Computer Vision.
        record: reads the analysis record of the image; None if there is none.
        focal: reads the point around which all of them are cut, whatever their modes; None if there is none.
        deferred: why the analysis is put off at this moment, which thumbnails around its boxes then are too, unless the
            record that is there, by other settings, names the subject.
    """

    def __init__(
        self,
        app: App,
        image: ImageBytes | ImageUrl,
        wanted: Sequence[Thumbnail],
        ask: Callable[[Question], Answer],
        *,
        record: Callable[[], bytes | None] = lambda: None,
        focal: Callable[[], Point | None] = lambda: None,
        deferred: BlobsightError | None = None,
    ) -> None:
        self._app = app
        self._image = image
        self._sizes = [(each.width, each.height) for each in wanted]
        self._ask = ask
        self._record = record
        self._focal = focal
        self._deferred = deferred
        self._decoded: Reduced | ImageRejectedError | None = None
        self._subjects: dict[str, Subject | None] = {}
        self._no_area: BlobsightError | None = None

    @cached_property
    def point(self) -> Point | None:
        """The point around which the thumbnails are cut, which is read once; None if there is none."""
        return self._focal()

    def content(self, wanted: Thumbnail) -> Filled:
        """
        One thumbnail, and the question that it answers.

        Raises:
            ImageRejectedError: it cannot be decoded, and Computer Vision does not take it as it is either.
            BusyError: too many pictures are being decoded; others that *ask* raises.
            BlobsightError: *deferred*.
        """
        image = self._image
        if isinstance(image, ImageBytes):
            self._app.answers.check(image)
        if isinstance(image, ImageUrl):
            return self._by_service(wanted)
        point = self.point
        if point is None and wanted.mode == "vision":
            return self._by_service(wanted)
        if point is None and self._deferred and wanted.mode == "auto" and self._named(image) is None:
            raise self._deferred
        try:
            reduced = self._reduced(image)
        except ImageRejectedError:
            untouched = fitting.takes(fitting.ANALYSIS, image.header, len(image.data))
            if not untouched or not wanted.is_made_by_service:
                raise
            return self._by_service(wanted)
        if point:
            size, sides = (wanted.width, wanted.height), (image.header.width, image.header.height)
            made = self._made(reduced, crops.around(sides, size, point), wanted, "focal")
            return made._replace(metadata={**made.metadata, FOCAL: written(point)})
        if wanted.mode == "center":
            return self._cut(image, reduced, wanted, "middle", None)
        around, found = "subject", self._named(image) if wanted.mode == "auto" else None
        if found is None:
            if known := self._known(image, wanted):
                return known
            around, found = "area", self._area(image)
        return self._cut(image, reduced, wanted, around, found)

    def _cut(
        self, image: ImageBytes, reduced: Reduced, wanted: Thumbnail, around: str, found: Subject | None
    ) -> Filled:
        size = (wanted.width, wanted.height)
        sides = (image.header.width, image.header.height)
        window = crops.window(sides, size, found, reduced.attention if found else None)
        return self._made(reduced, window, wanted, around)

    def _made(self, reduced: Reduced, window: Box, wanted: Thumbnail, around: str) -> Filled:
        data, look = reduced.cut_and_look(window, (wanted.width, wanted.height), wanted.form)
        return Filled(data, wanted.cut(around), look.metadata())

    def _reduced(self, image: ImageBytes) -> Reduced:
        if self._decoded is None:
            try:
                self._decoded = self._app.converter.reduced(image.data, image.header, self._sizes, image.sent)
            except ImageRejectedError as error:
                self._decoded = error
        if isinstance(self._decoded, ImageRejectedError):
            raise self._decoded
        return self._decoded

    def _by_service(self, wanted: Thumbnail) -> Filled:
        return self._as_wanted(self._ask(wanted.asked), wanted)

    def _known(self, image: ImageBytes, wanted: Thumbnail) -> Filled | None:
        """The thumbnail that Computer Vision has made of these bytes already, under another name for instance."""
        if not wanted.is_made_by_service:
            return None
        answer = self._app.answers.find(wanted.asked, image)
        return self._as_wanted(answer, wanted) if answer else None

    def _as_wanted(self, answer: Answer, wanted: Thumbnail) -> Filled:
        """Computer Vision makes JPEGs."""
        from shared.pictures import looks

        look = looks.of_bytes(answer.body)
        told = look.metadata() if look else {}
        if names.FORMATS[wanted.form][0] == names.JPEG:
            return Filled(answer.body, wanted.asked, told)
        try:
            return Filled(self._app.converter.transcoded(answer.body, wanted.form), wanted.asked, told)
        except ImageRejectedError as error:
            # Not the image's fault, and the answer is kept: to ask again would bring the same.
            raise VisionError(
                f"The thumbnail that Computer Vision has made is no image: {error.message}",
                code="vision_unexpected_answer",
                request_id=answer.request_id,
            ) from error

    def _named(self, image: ImageBytes) -> Subject | None:
        """The subject that the image's analysis names."""
        if "subject" not in self._subjects:
            record = self._record()
            if record is not None:
                found = subject.of_record(record, image.header)
            elif self._deferred:
                found = None  # the analysis has just looked for it in vain
            else:
                known = self._known_analysis(image)
                found = subject.of_analysis(known.json(), image.header) if known else None
            self._subjects["subject"] = found
        return self._subjects["subject"]

    def _known_analysis(self, image: ImageBytes) -> Answer | None:
        settings = self._app.settings
        if not _WITH_BOXES.intersection(settings.vision_features):
            return None
        return self._app.answers.find(analysis.question(settings), image)

    def _area(self, image: ImageBytes) -> Subject | None:
        """The area of interest, which is asked for once, also where that fails."""
        if self._no_area:
            raise self._no_area
        if "area" not in self._subjects:
            try:
                answer = self._ask(questions.area_of_interest())
            except BlobsightError as error:
                self._no_area = error
                raise
            self._subjects["area"] = subject.of_area(answer.json(), image.header)
        return self._subjects["area"]


def analysis_record(app: App, version: Version) -> bytes | None:
    """The stored analysis record of that version of an image, whatever it was asked for; None if there is none."""
    spec = analysis.spec(version.name, app.settings)
    blob = app.images.read(spec.container, spec.name)
    return blob.data if blob and version.is_source_of(app.images, blob.info) else None
