"""Runs the programs of ``tests/vectors/transport.json`` and says what came of them.

- `echo`, `messages`: the two servers that programs talk to
- `values`, `functions`: what stands for what in the file
- `modes`: the async and the sync instance, driven by the same coroutines
- `world`, `calls`: one program's instance, and its calls
- `steps`, `handlers`, `conditions`: programs with interceptors
- `families`: what is looked at in each family of programs
- `runner`: the file itself, and one program from start to comparison
"""
