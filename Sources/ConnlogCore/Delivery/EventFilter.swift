public import ConnlogSystem

/// Picks the events that one sink wants.
public protocol EventFilter: Sendable {
    /// Removes what is not wanted. Returns the indexes of what stayed, in order, or `nil` when everything did.
    mutating func apply(to batch: inout EventBatch) -> [Int]?
}
