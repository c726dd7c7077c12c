import ConnlogCore
import ConnlogSystem

/// Standard output and standard error.
enum Terminal {
    static let standardOutput: Int32 = 1
    static let standardError: Int32 = 2

    static func isTerminal(_ descriptor: Int32) -> Bool { Machine.isTerminal(descriptor) }

    /// Data, for people or pipes.
    static func write(_ text: String) { Machine.write(Array(text.utf8), to: standardOutput) }

    /// The same, in bytes.
    static func write(_ bytes: [UInt8]) { Machine.write(bytes, to: standardOutput) }

    /// The same, in bytes. `false` if they could not be written.
    static func write(_ bytes: ByteBuffer) -> Bool { Machine.write(bytes.array, to: standardOutput) }

    /// Messages.
    static func writeError(_ text: String) { Machine.write(Array(text.utf8), to: standardError) }

    /// A message of a command that has no log: `connlog: warning: ...`, nothing below that.
    static func complain(_ level: LogLevel, _ text: String) {
        if level >= .warning { writeError("connlog: \(level): \(text)\n") }
    }

    static func exit(_ status: Int32) -> Never { Machine.exit(status) }
}
