#if Server

/// Cancels what takes too long. What it has come to by then counts, even when the thread that would have taken it was busy
/// until after the limit.
/// - Throws: `tooLong`, or what `work` throws before the limit.
func withLimit<Value: Sendable>(
    _ limit: Duration, tooLong: StoreProblem, _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await work() }
        group.addTask {
            try await Task.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        if let value = try await group.next() ?? nil { return value }
        group.cancelAll()
        if let value = try? await group.next() ?? nil { return value }
        throw tooLong
    }
}
#endif
