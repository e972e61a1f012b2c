"""A simulated telephone network and virtual time: the engine runs on them unchanged.

``MemoryTelephony`` is the in-memory twin of ``ports.CallControl``; its time is the event loop's, so on a
``VirtualTimeLoop`` minutes of dialing pass in milliseconds, the same way every time.
"""
