public import ConnlogSystem

/// Events on their way. Each record is one slog JSON line of a connection event, without its line feed.
public typealias EventBatch = RecordBatch
