"""Runs the programs of ``tests/vectors/store.json`` and writes what they do.

- `values`, `functions`: what stands for what in the file
- `program`: a store and what is done to it
- `persistence`, `storages`: what is done to a store with `persist`
- `runner`: the file itself, and a program from start to comparison
"""
