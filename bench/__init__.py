"""Benchmarks: what the app is measured by, beside its peers. Never deployed; `make bench` runs them all."""
