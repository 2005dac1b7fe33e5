"""An HTTP instance with the semantics of axios."""
