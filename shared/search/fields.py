"""What of an image a search looks at, and by what it counts."""

# What a match can be in.
FIELDS = ("name", "caption", "alt", "tags", "text")
# The facets, each with what an image is counted by.
FACETS = {
    "state": "state",
    "tag": "tag",
    "year": "the year in which the image was taken, or else uploaded",
    "month": "the month in which the image was taken, or else uploaded",
    "folder": "folder",
    "kind": "kind, such as `jpeg`",
    "colour": "the colour that the thumbnail has most of",
    "same": "same picture, by the name of one of the images that have it",
}
