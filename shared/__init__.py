"""All logic of the app; the function folders beside it only parse, call and answer."""
