private import CConnlog

/// What a process begins with.
package enum ProcessStart {
    /// The command line, the program's own name first; `nil` when it cannot be found out.
    ///
    /// Swift's runtime looks for it beside the environment, or in /proc. A preloaded library that has moved the one, or a
    /// machine without the other, leaves it with nothing; the C library knows all the same.
    package static var arguments: [String]? {
        if !CommandLine.arguments.isEmpty { return CommandLine.arguments }
        let count = connlog_argument_count()
        guard count > 0 else { return nil }
        return (0..<count).map { index in
            guard let text = unsafe connlog_argument(index) else { return "" }
            return unsafe String(cString: text)
        }
    }

    /// Makes descriptors, file modes, signals, core files and crashes as `connlog_prepare_process` says.
    package static func prepare() { connlog_prepare_process() }
}
