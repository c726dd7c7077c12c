import ConnlogQueue

/// Why a command could not do as asked: one sentence with the place and the next step, and how the process ends.
public struct ToolError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
    public let status: ExitStatus

    public init(_ description: String, status: ExitStatus = .failed) {
        self.description = description
        self.status = status
    }

    /// The command line asks for something that is not there.
    static func usage(_ text: String) -> ToolError { ToolError(text, status: .usage) }

    init(_ error: QueueError) { self.init("\(error)") }
}
