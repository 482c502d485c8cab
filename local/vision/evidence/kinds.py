"""What the 80 things of COCO are kinds of, by COCO's words, and what others call the same things."""

ANIMAL = "animal"
PERSON = "person"

_MAMMAL = ("mammal", ANIMAL)
_ON_LAND = ("land vehicle", "vehicle")
_NAMES: dict[tuple[str, ...], tuple[str, ...]] = {
    _MAMMAL: ("cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"),
    (ANIMAL,): ("bird",),
    _ON_LAND: ("bicycle", "car", "motorcycle", "bus", "train", "truck"),
    ("vehicle",): ("airplane", "boat"),
    ("fruit", "food"): ("banana", "apple", "orange"),
    ("vegetable", "food"): ("broccoli", "carrot"),
    ("food",): ("sandwich", "hot dog", "pizza", "donut", "cake"),
    ("furniture",): ("chair", "couch", "bed", "dining table"),
}
# The wider words for a thing, nearest first.
KINDS = {name: kinds for kinds, names in _NAMES.items() for name in names}

# As labels of other detectors and classifiers have it.
SAME_THING = {
    "aeroplane": "airplane",
    "automobile": "car",
    "bike": "bicycle",
    "cellphone": "cell phone",
    "cellular telephone": "cell phone",
    "diningtable": "dining table",
    "hair dryer": "hair drier",
    "human": PERSON,
    "man": PERSON,
    "mobile phone": "cell phone",
    "motorbike": "motorcycle",
    "people": PERSON,
    "pottedplant": "potted plant",
    "sofa": "couch",
    "television": "tv",
    "tvmonitor": "tv",
    "woman": PERSON,
}


def usual_name(name: str) -> str:
    """Return the word that is used here for *name*, in lower case."""
    plain = name.strip().lower()
    return SAME_THING.get(plain, plain)
