"""Each view, at the width of a desk and of a phone, in light and in dark: no serious finding of axe-core, no overflow."""

import pytest
from doubles.chromium import PHONE, WIDE

SIZES = pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
