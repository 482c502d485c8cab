"""What goes with an image that is deleted, and what stays."""

from collections import Counter

import pytest
from doubles.parts import parts, restarted
from doubles.pdfs import pdf
from doubles.pictures import picture
from doubles.read_runs import ReadRun

from shared import names
from shared.api import thumbnails as thumbnails_over_http
from shared.errors import ThrottledError
from shared.images import ImageBlob, ImageBytes
from shared.lifecycle import deletion, forgetting
from shared.records.thumbnails import Thumbnail
from shared.records.versions import SourceChangedError
from shared.uploads import steps

RED, BLUE = picture(colour=(200, 0, 0)), picture(colour=(0, 0, 200))
RECORDS = (names.ANALYSIS, names.THUMBNAILS, names.TEXT, names.UNFINISHED)
BOOKS = (names.OWNERS, names.FORGETTING, names.CACHE)
LONG = "dir/" + "x" * 950 + ".jpg"
HOURS = 3600.0
