"""What goes with an image that is deleted, and what stays."""

from doubles.pictures import picture

from shared import names

RED, BLUE = picture(colour=(200, 0, 0)), picture(colour=(0, 0, 200))
RECORDS = (names.ANALYSIS, names.THUMBNAILS, names.TEXT, names.UNFINISHED)
BOOKS = (names.OWNERS, names.FORGETTING, names.CACHE)
LONG = "dir/" + "x" * 950 + ".jpg"
HOURS = 3600.0
