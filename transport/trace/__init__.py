"""What happened to the requests of an instance: as data, as a diagram, and live.

What a block of requests went through:

    with record(api) as trace:
        await api.get("/me")
    print(trace)
    print(trace.to_mermaid())

No event holds a header, a body, or a value of a query.
"""

from .calls import TraceCall, TraceSpan
from .events import TraceEvent, TraceHandler
from .recorder import Trace, record

__all__ = ["Trace", "TraceCall", "TraceEvent", "TraceHandler", "TraceSpan", "record"]
