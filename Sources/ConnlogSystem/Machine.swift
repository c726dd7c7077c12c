private import CConnlog
#if canImport(Glibc)
import Glibc
#endif

/// Facts about where connlog runs.
package enum Machine {
    /// The machine's name as the kernel has it; `localhost` if it has none.
    package static var hostname: String {
        var name = [CChar](repeating: 0, count: 256)
        let length = name.count - 1
        guard unsafe gethostname(&name, length) == 0 else { return "localhost" }
        let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text.isEmpty ? "localhost" : text
    }

    package static var processID: Int32 { getpid() }

    /// Whether a descriptor (0, 1, 2) is a terminal.
    package static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// How many characters stand in a line of a terminal, and how many lines are seen; `nil` for what is no terminal, and for
    /// one that does not say.
    package static func terminalSize(_ descriptor: Int32) -> (columns: Int, lines: Int)? {
        var (columns, lines): (Int32, Int32) = (0, 0)
        guard unsafe connlog_terminal_size(descriptor, &columns, &lines) == 0, columns > 0, lines > 0 else {
            return nil
        }
        return (Int(columns), Int(lines))
    }

    /// A variable of the environment; `nil` if it is not set.
    package static func environment(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }
}

extension Machine {
    /// Writes all of `bytes` to a descriptor, which may be one that does not wait by itself.
    /// - Throws: the error that ended it; part of the bytes may have been written.
    package static func write(_ bytes: [UInt8], to descriptor: Int32) throws(SystemError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes { memory in
                unsafe Glibc.write(descriptor, memory.baseAddress, memory.count)
            }
            if written > 0 {
                rest = rest.dropFirst(written)
            } else if written < 0, errorNumber == EAGAIN {
                waitUntilWritable(descriptor)
            } else if written == 0 || errorNumber != EINTR {
                throw .last("write", "descriptor \(descriptor)")
            }
        }
    }

    private static func waitUntilWritable(_ descriptor: Int32) {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = unsafe poll(&waiting, 1, -1)
    }

    /// Closes a descriptor; some file systems say only now that what was written could not be kept.
    package static func close(_ descriptor: Int32) throws(SystemError) {
        if Glibc.close(descriptor) != 0, errorNumber != EINTR { throw .last("close", "descriptor \(descriptor)") }
    }

    /// Reads at most `count` bytes from a descriptor to the end of `buffer`; 0 at its end.
    package static func read(_ descriptor: Int32, into buffer: inout ByteBuffer, count: Int) throws(SystemError) -> Int
    {
        try unsafe buffer.fill(atMost: count) { (memory) throws(SystemError) in
            while true {
                let got = unsafe Glibc.read(descriptor, memory.baseAddress, memory.count)
                if got >= 0 { return got }
                if errorNumber != EINTR { throw .last("read", "descriptor \(descriptor)") }
            }
        }
    }

    /// Writing to a pipe or socket that nobody reads fails with EPIPE instead of ending the process.
    package static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

    /// What `ps` and `top` call this process; called on its main thread.
    package static func nameProcess(_ name: String) { unsafe connlog_name_thread(name) }

    /// Whether there is a local socket at the path that this process may connect to.
    package static func mayConnect(_ path: String) -> Bool {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return false }
        return unsafe access(path, R_OK | W_OK) == 0
    }

    /// New files and sockets are for this user alone, unless they are given another mode.
    package static func keepNewFilesPrivate() { umask(0o077) }

    /// Makes this process one that works when others leave time for it, and the first to go when memory runs out.
    package static func stepBack() { connlog_step_back() }

    package static func exit(_ status: Int32) -> Never { Glibc.exit(status) }

    /// Ends the process this instant, without what libraries do at an exit, while other threads hang or work.
    package static func exitNow(_ status: Int32) -> Never { _exit(status) }
}

extension Machine {
    /// How many descriptors the process may have open; `Int.max` where there is no limit.
    package static var descriptorLimit: Int {
        var limit = rlimit()
        guard unsafe getrlimit(fileLimit, &limit) == 0, limit.rlim_cur != rlim_t.max else { return .max }
        return Int(clamping: limit.rlim_cur)
    }

    /// How many it may be allowed at most, after `raiseDescriptorLimit`.
    package static var descriptorLimitMax: Int {
        var limit = rlimit()
        guard unsafe getrlimit(fileLimit, &limit) == 0, limit.rlim_max != rlim_t.max else { return .max }
        return Int(clamping: limit.rlim_max)
    }

    /// Raises the soft limit of descriptors to the hard one: a program that uses poll(2) and no select(2) may.
    /// - Returns: the limit from now on.
    @discardableResult
    package static func raiseDescriptorLimit() -> Int {
        var limit = rlimit()
        guard unsafe getrlimit(fileLimit, &limit) == 0 else { return descriptorLimit }
        limit.rlim_cur = limit.rlim_max
        unsafe setrlimit(fileLimit, &limit)
        return descriptorLimit
    }

    private static var fileLimit: __rlimit_resource_t { __rlimit_resource_t(RLIMIT_NOFILE.rawValue) }
}
