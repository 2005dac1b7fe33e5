"""What can be wrapped around an initializer, each in a file of its own, and what they are made of.

- `combine`, `redux`
- `immer`: its drafts are in `drafts`
- `devtools`: what is recorded in `recording`, how it is shown in `snapshots`, the file in `lifted`
- `persist`: its options in `persist_options`, `store.persist` in `persistence`. A state becomes a
  text in `stored`, lies on a `shelf`, is brought back by a `hydration` and merged as `restored`
  says. `background` waits for asynchronous storages. A `follower` takes over what other processes
  write, and with `changes` loses nothing that is newer; `turns` are taken by processes that must
  not write at the same time. Listeners to hydrations are `state_listeners`.
- `parts` is what `drafts` and `snapshots` share; `typing` is what type checkers know of all.
"""
