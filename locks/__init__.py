"""The locked dependencies, how they are compiled and how they are checked."""
