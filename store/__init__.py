"""Reactive state with the semantics of Zustand."""
