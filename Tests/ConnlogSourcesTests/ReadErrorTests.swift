import ConnlogSystem
import Synchronization
import Testing

@testable import ConnlogSources

/// A file that cannot be read for a while.
@Suite struct ReadErrorTests {
    /// As with a descriptor of a file server that came back with another one: every read of it fails, and will.
    @Test func `a descriptor that has become unreadable is not kept`() throws {
        let bench = try FollowerBench("*.log")
        let isReadable = Box()
        bench.settings.open = { (path) throws(SystemError) in
            let forWriting: Int32 = 1
            return isReadable.value.load(ordering: .relaxed)
                ? try LocalFile.openForReading(path) : try LocalFile(path, flags: forWriting, mode: 0)
        }
        bench.restart()
        bench.append("a.log", "one\ntwo\n")
        bench.settle()
        #expect(bench.lines.isEmpty)
        #expect(bench.log.texts.count { $0.contains("its other events wait until it can be read") } == 1)
        isReadable.value.store(true, ordering: .relaxed)
        bench.settle()
        #expect(bench.lines == ["one", "two"])
        #expect(bench.log.texts.last?.contains("can be read now") == true)
    }

    private final class Box: Sendable {
        let value = Atomic(false)
    }
}
