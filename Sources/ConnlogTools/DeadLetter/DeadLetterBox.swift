import ConnlogCore
package import ConnlogSystem

/// The dead letters of one sink on disk, beside a daemon that may be adding to them.
///
/// The daemon appends to the file of the day and holds `lock` in the directory for as long as that takes. A command that
/// takes letters out holds `tool.lock` from its first look to the end, so that two commands cannot meet, and `lock`
/// while it replaces a file. Between the two a file only grows at its end, so a letter is known by its position.
/// A file is replaced by a copy without the letters (copy, sync, rename, sync of the directory): a crash leaves either
/// all of them or exactly the others.
package struct DeadLetterBox: Sendable {
    /// `queue/dead-letter`.
    static let directoryName = "dead-letter"
    static let suffix = ".jsonl"

    package let sink: String
    private let directory: String
    private let fileSystem: any FileSystem

    package init(sink: String, at location: QueueLocation, fileSystem: any FileSystem = LocalFileSystem()) {
        self.sink = sink
        directory = "\(location.directory)/\(DeadLetterBox.directoryName)/\(sink)"
        self.fileSystem = fileSystem
    }

    /// The sinks that have a directory there, sorted; none if there never was a dead letter.
    package static func sinks(
        at location: QueueLocation, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(ToolError) -> [String] {
        do throws(SystemError) {
            return try fileSystem.list("\(location.directory)/\(directoryName)").sorted()
        } catch {
            if error.code == Errno.notFound { return [] }
            throw ToolError("\(error)")
        }
    }

    /// The days that have a file, oldest first.
    package func days() throws(ToolError) -> [String] {
        do throws(SystemError) {
            let names = try fileSystem.list(directory).filter { $0.hasSuffix(DeadLetterBox.suffix) }
            return names.map { String($0.dropLast(DeadLetterBox.suffix.utf8.count)) }.sorted()
        } catch {
            if error.code == Errno.notFound { return [] }
            throw ToolError("\(error)")
        }
    }

    func path(_ day: String) -> String { "\(directory)/\(day)\(DeadLetterBox.suffix)" }

    /// Hands over the letters of a day, in their order.
    /// - Parameter body: gets one letter; `false` ends it.
    /// - Returns: the positions of lines that cannot be read.
    @discardableResult
    package func read(
        _ day: String, _ body: (DeadLetter) throws(ToolError) -> Bool
    ) throws(ToolError) -> [Int] {
        var unreadable: [Int] = []
        guard var lines = try open(day) else { return [] }
        while let position = try lines.nextLine() {
            guard let letter = DeadLetter(lines.line.span, sink: sink, day: day, position: position) else {
                unreadable.append(position)
                continue
            }
            if try !body(letter) { break }
        }
        return unreadable
    }

    /// The lines of a day; `nil` if there is no such file.
    func open(_ day: String) throws(ToolError) -> LineReader? {
        do throws(SystemError) {
            return LineReader(try fileSystem.open(path(day), .read), path: path(day), isCompressed: false)
        } catch {
            if error.code == Errno.notFound { return nil }
            throw ToolError("\(error)")
        }
    }

    // MARK: - Taking letters out

    /// Keeps other commands away for as long as the result lives.
    package func claim() throws(ToolError) -> any FileLock {
        do throws(SystemError) {
            return try fileSystem.lock("\(directory)/tool.lock")
        } catch {
            if error.code == Errno.again {
                throw ToolError("another connlog dead-letter command is at work on sink '\(sink)'; wait for it to end")
            }
            throw error.code == Errno.notFound
                ? .usage("sink '\(sink)' has no dead letters") : ToolError("\(error)")
        }
    }

    /// Takes lines out of a day's file, for good once it returns.
    /// - Parameter positions: where they begin, as found under the same claim.
    func remove(_ positions: Set<Int>, of day: String) async throws(ToolError) {
        guard !positions.isEmpty else { return }
        let lock = try await waitForLock()
        defer { withExtendedLifetime(lock) {} }
        guard var lines = try open(day) else { return }
        let copy = path(day) + ".tmp"
        do throws(SystemError) {
            try? fileSystem.remove(copy)
            let target = try fileSystem.open(copy, .createNew)
            var output = DeadLetterCopy(target)
            while let position = try lines.nextLineOrError() {
                if !positions.contains(position) { try output.append(lines.line, "\n") }
            }
            // What a crash has left of a line.
            try output.append(lines.unfinished, "")
            if try output.finish() == 0 {
                try fileSystem.remove(copy)
                try fileSystem.remove(path(day))
            } else {
                try fileSystem.rename(copy, to: path(day))
            }
            try fileSystem.syncDirectory(directory)
        } catch {
            try? fileSystem.remove(copy)
            throw ToolError("\(error); the letters that were to go are all still there")
        }
    }

    /// The daemon holds it for one append at a time.
    private func waitForLock() async throws(ToolError) -> any FileLock {
        var tries = 0
        while true {
            do throws(SystemError) {
                return try fileSystem.lock("\(directory)/lock")
            } catch {
                tries += 1
                guard error.code == Errno.again, tries < 500 else { throw ToolError("\(error)") }
                try? await Task.sleep(for: .milliseconds(10))
            }
        }
    }
}

/// Writes lines to a new file, a megabyte at a time.
private struct DeadLetterCopy {
    private let file: any OpenFile
    private var buffer = ByteBuffer()
    private var written = 0

    init(_ file: any OpenFile) { self.file = file }

    mutating func append(_ line: ByteBuffer, _ end: String) throws(SystemError) {
        buffer.append(line.span)
        buffer.append(end)
        if buffer.count >= 1 << 20 { try flush() }
    }

    /// - Returns: the bytes of the file, which is synced.
    mutating func finish() throws(SystemError) -> Int {
        try flush()
        try file.sync()
        return written
    }

    private mutating func flush() throws(SystemError) {
        var done = 0
        while done < buffer.count {
            let more = try file.write(buffer, done..<buffer.count, at: written)
            guard more > 0 else { throw SystemError(code: Errno.noSpace, call: "pwrite", subject: "dead letters") }
            done += more
            written += more
        }
        buffer.removeAll()
    }
}

extension LineReader {
    mutating func nextLine() throws(ToolError) -> Int? {
        do throws(LineReaderError) { return try next() } catch { throw ToolError("\(error)") }
    }

    /// For plain files, where nothing but the disk can fail.
    fileprivate mutating func nextLineOrError() throws(SystemError) -> Int? {
        do throws(LineReaderError) {
            return try next()
        } catch {
            if case .system(let reason) = error { throw reason }
            throw SystemError(code: Errno.inputOutput, call: "read", subject: path)
        }
    }
}
