import Testing

/// connlog as a process, against real receivers. One after the other: they share the machine.
@Suite(.serialized) struct ProcessTests {}
