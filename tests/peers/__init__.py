"""The real peers of the tests: fetched, built, started and ended here. README.md says what there is."""
