import ConnlogQueue

/// Why a command could not do as asked: one sentence with the place and the next step, and how the process ends.
package struct ToolError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String
    package let status: Status

    /// What the process ends with.
    package enum Status: Int32, Sendable {
        case failed = 1
        /// The command line or the configuration is wrong.
        case usage = 2
    }

    package init(_ description: String, status: Status = .failed) {
        self.description = description
        self.status = status
    }

    /// The command line asks for something that is not there.
    package static func usage(_ text: String) -> ToolError { ToolError(text, status: .usage) }

    init(_ error: QueueError) { self.init("\(error)") }
}
