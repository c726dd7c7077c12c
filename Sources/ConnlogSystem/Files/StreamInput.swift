#if canImport(Glibc)
import Glibc
#endif

/// A descriptor that can only be read forwards: a pipe, a terminal, a file handed in. It is not closed.
package struct StreamInput: Sendable {
    package enum Outcome: Sendable, Equatable {
        case bytes(Int)
        case end
        /// Nothing came while waiting.
        case nothing
    }

    private let descriptor: Int32

    package init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    package static var standardInput: StreamInput { StreamInput(descriptor: STDIN_FILENO) }

    /// Whether a read would bring something, or the end, at once.
    package var isReadable: Bool {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&request, 1, 0) > 0
    }

    /// Appends up to `count` bytes as soon as there are some.
    /// - Parameter limit: how long to wait for the first.
    package func read(
        into buffer: inout ByteBuffer, count: Int, waiting limit: Duration
    ) throws(SystemError) -> Outcome {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let ready = unsafe poll(&request, 1, Int32(clamping: limit.pollMilliseconds))
        if ready == 0 || (ready < 0 && errorNumber == EINTR) { return .nothing }
        if ready < 0 { throw .last("poll", "standard input") }
        var isInterrupted = false
        let got = try unsafe buffer.fill(atMost: count) { (memory) throws(SystemError) in
            let got = unsafe Glibc.read(descriptor, memory.baseAddress, memory.count)
            if got >= 0 { return got }
            isInterrupted = errorNumber == EINTR || errorNumber == EAGAIN
            if isInterrupted { return 0 }
            throw .last("read", "standard input")
        }
        return isInterrupted ? .nothing : got == 0 ? .end : .bytes(got)
    }
}
