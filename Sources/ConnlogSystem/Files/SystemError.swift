private import CConnlog

/// A system call that failed: which, on what, and the kernel's reason.
public struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The `errno` value.
    public let code: Int32
    /// The call, such as `open` or `fdatasync`.
    public let call: String
    /// The file or address it was about.
    public let subject: String

    /// - Parameters:
    ///   - code: `errno`.
    ///   - call: the call that failed, such as `open`.
    ///   - subject: what it was called for, a path as a rule.
    public init(code: Int32, call: String, subject: String) {
        self.code = code
        self.call = call
        self.subject = subject
    }

    /// The last error of the calling thread.
    package static func last(_ call: String, _ subject: String) -> SystemError {
        SystemError(code: errorNumber, call: call, subject: subject)
    }

    /// The kernel's words for the error, such as `No space left on device`.
    public var reason: String { SystemError.text(of: code) }

    /// The subject, the reason and the call.
    public var description: String { "\(subject): \(reason) (\(call))" }

    /// There is no room: the disk or the quota is full. Waiting may help.
    package var isNoSpace: Bool { code == Errno.noSpace || code == Errno.quotaExceeded }

    /// Too many files are open, here or on the whole machine. Closing some may help.
    package var isNoDescriptor: Bool { code == Errno.noDescriptor || code == Errno.noDescriptorAnywhere }

    package static func text(of code: Int32) -> String {
        if code == Errno.notRegular { return "No regular file" }
        var text = [CChar](repeating: 0, count: 128)
        return unsafe text.withUnsafeMutableBufferPointer { memory in
            guard let base = memory.baseAddress else { return "" }
            unsafe connlog_error_text(code, base, memory.count)
            return unsafe String(cString: base)
        }
    }
}
